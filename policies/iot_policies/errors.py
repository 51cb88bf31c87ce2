"""The errors of this package: invalid files and templates, and principals that get no policy."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


def printable(text: str) -> str:
    """A text that is safe for a terminal: characters that are not printable become their escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class InvalidFile(ValueError):
    """A TOML file that cannot be used. Its text is one line: file, line, key and what was expected."""

    def __init__(self, path: Path | str, line: int | None, key: str, expected: str) -> None:
        self.path = str(path)
        """The file, as it was named."""
        self.line = line
        """The line of the key, counted from 1; None if no line is known, as for a missing file."""
        self.key = key
        """The key with its tables, as in `grant[0].publish[1]`; empty for the whole file."""
        self.expected = expected
        """What is wrong, and what was expected."""
        place = self.path if line is None else f"{self.path}:{line}"
        text = ": ".join(part for part in (place, key, expected) if part)
        super().__init__(printable(" ".join(text.split())))


class InvalidTopics(ValueError):
    """An entry that no IoT policy can express exactly, or two entries that conflict."""

    def __init__(self, key: tuple[str | int, ...], message: str) -> None:
        self.key = key
        """The entry's place in its file: `("grant", 0, "publish", 1)`."""
        super().__init__(message)


class Conflict(NamedTuple):
    """An entry whose denials would also deny another entry."""

    key: tuple[str | int, ...]
    """The place of the entry that needs the denials, as in InvalidTopics."""
    denied: tuple[str | int, ...]
    """The place of the other entry."""
    message: str


class ConflictingTopics(InvalidTopics):
    """Entries that cannot be in one template. Its own place and text are those of the first conflict."""

    def __init__(self, every: Sequence[Conflict]) -> None:
        self.every = every
        """The first conflict of each entry."""
        super().__init__(every[0].key, every[0].message)


class PolicyError(Exception):
    """This principal gets no policy. The text names what is wrong, never a value."""

    reason: str
    """The reason code that the authorizer logs and counts."""
    source: str = ""
    """What it is about: `principal`, `client_id`, or `claims.` and a claim's name; empty for the whole policy."""


class InvalidName(PolicyError):
    """A value that breaks the name rule (`names.py`)."""

    reason = "invalid_name"

    def __init__(self, source: str, problem: str) -> None:
        """`problem`: what `name_problem` found."""
        self.source = source
        super().__init__(f"{source} {problem}")


class AmbiguousClaim(PolicyError):
    """A claim whose name has dots is there twice: as one name, and as a path into objects."""

    reason = "ambiguous_claim"

    def __init__(self, name: str) -> None:
        self.source = f"claims.{name}"
        super().__init__(f"{self.source} is there twice: as one name, and as a path into objects")


class UnclearDenial(PolicyError):
    """A claim that a deny cannot read, so that it is unknown whether the deny covers it."""

    reason = "unclear_denial"

    def __init__(self, name: str) -> None:
        self.source = f"claims.{name}"
        expected = "expected a text, a number, a boolean or a list of these"
        super().__init__(f"{self.source} cannot be compared by a deny: {expected}")


class UnsafeValue(PolicyError):
    """A value that would change the levels of a topic or client ID."""

    reason = "unsafe_value"

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(f"{source} cannot be a topic level")


class NothingGranted(PolicyError):
    """No grant of the template applies to this principal."""

    reason = "nothing_granted"


class PolicyTooLarge(PolicyError):
    """The policy needs more than the 10 documents of 2,048 characters that IoT Core accepts."""

    reason = "policy_too_large"

    def __init__(self, resources: int) -> None:
        self.resources = resources
        """The number of resources of the policy."""
        super().__init__(f"{resources} resources don't fit into 10 documents of 2,048 characters")


class ClientIdNotGranted(PolicyError):
    """A client ID that no entry of `connect` allows, or that a deny denies."""

    reason = "client_id_not_granted"
    source = "client_id"

    def __init__(self) -> None:
        super().__init__("no entry of connect allows the client ID, or a deny denies it")


class SessionPolicyTooLarge(PolicyError):
    """The policy does not fit into the 2,048 characters that STS accepts."""

    reason = "session_policy_too_large"

    def __init__(self, characters: int) -> None:
        self.characters = characters
        """The characters that it has."""
        advice = "use fewer values of list claims, or the custom authorizer, whose policies are ten times as large"
        super().__init__(f"the session policy has {characters:,} characters, and AWS STS accepts 2,048: {advice}")


class SessionPolicyCharacter(PolicyError):
    """The policy would have a character above U+00FF, which STS does not accept."""

    reason = "session_policy_character"

    def __init__(self, source: str) -> None:
        """`source`: the placeholder with the character; empty if an entry of the template has it."""
        self.source = source
        super().__init__(f"{source or 'the template'} has a character above U+00FF, which IAM policies cannot hold")
