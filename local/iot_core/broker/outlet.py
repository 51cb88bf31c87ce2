"""Where the broker's bytes go."""

from typing import Protocol


class Outlet(Protocol):
    """The way to a client."""

    slow: bool
    """Whether more waits to be sent than a client may have waiting."""

    def write(self, chunk: bytes) -> None:
        """Sends bytes, some time soon."""
        ...

    def close(self) -> None:
        """Ends the connection once all is sent."""
        ...
