"""Names made of others, which may have other letters."""

import hashlib
import re


def plain(name: str, letters: str, most: int) -> str:
    """A name with no more than ASCII letters, digits and `letters`; where that changes it, a hash tells it apart."""
    fitting = re.sub(f"[^A-Za-z0-9{re.escape(letters)}]", "-", name)
    if fitting == name and len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{fitting[: most - 9]}-{digest}"
