"""Fills in the templates of this folder.

In a template, `<<name>>` is a value. A line that names a missing value is left out.
"""

import json
import re
from importlib.resources import files

_PLACEHOLDER = re.compile(r"<<(\w+)>>")


def filled(template: str, **values: str | None) -> str:
    """Fills in a template, and leaves out the lines that name a missing value."""
    lines = (files("iot_authorizer_cli.snippets") / template).read_text("utf-8").splitlines(keepends=True)
    return "".join(
        _PLACEHOLDER.sub(lambda match: values[match[1]] or "", line)
        for line in lines
        if all(values[name] is not None for name in _PLACEHOLDER.findall(line))
    )


def literal(text: object | None) -> str | None:
    """A string literal, the same in Python and JavaScript for text without control characters; None for None."""
    return None if text is None else json.dumps(str(text), ensure_ascii=False)
