"""How long connections last: the values of a template's `[session]`, or of an authorizer with rules of its own."""

from dataclasses import dataclass

LEAST_SESSION, LONGEST_SESSION = 300, 86_400
"""The bounds that IoT Core has for disconnectAfterInSeconds and refreshAfterInSeconds, in seconds."""
LARGEST_SPREAD = 0.9


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """How long a connection lasts, and how often IoT Core invokes the authorizer again.

    Raises ValueError for a time that IoT Core does not accept.
    """

    disconnect_after: int = LONGEST_SESSION
    """Seconds until IoT Core ends the connection; shorter if the token expires earlier, but at least 300."""
    refresh_after: int = 900
    """Seconds until IoT Core invokes the authorizer again. Revocations and new claims take effect then."""
    spread: float = 0.1
    """The largest share that `disconnect_after` is shortened by, so that not all clients reconnect at once."""

    def __post_init__(self) -> None:
        for name, seconds in (("disconnect_after", self.disconnect_after), ("refresh_after", self.refresh_after)):
            if type(seconds) is not int or not LEAST_SESSION <= seconds <= LONGEST_SESSION:
                raise ValueError(
                    f"{name}: found {seconds!r}, expected whole seconds from {LEAST_SESSION} to {LONGEST_SESSION}"
                )
        if not isinstance(self.spread, (int, float)) or not 0 <= self.spread <= LARGEST_SPREAD:
            raise ValueError(f"spread: found {self.spread!r}, expected a share from 0 to {LARGEST_SPREAD}")
