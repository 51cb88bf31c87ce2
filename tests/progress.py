"""A proof on a slow machine tells how far it is, which no page shows."""

import re

_LINE = re.compile(r"^\S.*: [a-z ]+: \d+(?: of \d+)?\n", re.MULTILINE)


def without_progress(output: str) -> str:
    """The output of a command without these lines."""
    return _LINE.sub("", output)
