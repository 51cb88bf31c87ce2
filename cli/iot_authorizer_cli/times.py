"""Times of the table, for people."""

from datetime import UTC, datetime


def as_text(moment: int | None) -> str:
    """A moment in seconds since 1970, in UTC; None is never."""
    if moment is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return str(moment)
