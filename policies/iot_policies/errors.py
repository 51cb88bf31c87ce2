"""What can go wrong between a template, a principal and a policy."""

from pathlib import Path


def printable(text: str) -> str:
    """A text for a terminal: what is not printable, as its escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class InvalidFile(ValueError):
    """A TOML file that can't be used. Its text is one line: file, line, key, and what was expected."""

    def __init__(self, path: Path | str, line: int | None, key: str, expected: str) -> None:
        self.path = str(path)
        """The file, as it was named."""
        self.line = line
        """The line of the key, counted from 1; None where there is none, as for a file that is missing."""
        self.key = key
        """The key with its tables, as in `grant[0].publish[1]`; empty where the whole file is meant."""
        self.expected = expected
        """What stands wrong there, and what was expected."""
        place = self.path if line is None else f"{self.path}:{line}"
        text = ": ".join(part for part in (place, key, expected) if part)
        super().__init__(printable(" ".join(text.split())))


class InvalidTopics(ValueError):
    """An entry that no IoT policy can stand for exactly, or two entries that get in each other's way."""

    def __init__(self, key: tuple[str | int, ...], message: str) -> None:
        self.key = key
        """Where the entry stands: `("grant", 0, "publish", 1)`."""
        super().__init__(message)


class PolicyError(Exception):
    """This principal gets no policy. `reason` is the reason code that the authorizer logs and counts."""

    reason: str


class UnsafeValue(PolicyError):
    """A value that would change the shape of a topic or client ID. Names its source, never the value."""

    reason = "unsafe_value"

    def __init__(self, source: str) -> None:
        self.source = source
        """`principal`, `client_id`, or `claims.` and the claim's name."""
        super().__init__(f"{source} can't stand in a topic level")


class NothingGranted(PolicyError):
    """No grant of the template applies to this principal."""

    reason = "nothing_granted"


class PolicyTooLarge(PolicyError):
    """The policy needs more than the 10 documents of 2,048 characters that IoT Core takes."""

    reason = "policy_too_large"

    def __init__(self, resources: int) -> None:
        self.resources = resources
        """How many resources the policy names."""
        super().__init__(f"{resources} resources don't fit into 10 documents of 2,048 characters")
