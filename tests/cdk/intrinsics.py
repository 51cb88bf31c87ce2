"""Values of a template as CloudFormation fills them in."""

from collections.abc import Callable
from typing import Any


def filled(value: Any, fill: Callable[[dict[str, Any]], str]) -> Any:  # noqa: ANN401
    """A text, or a list of texts. `fill` says what each `Ref` or `Fn::GetAtt` is."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [filled(each, fill) for each in value]
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(filled(parts, fill))
        case {"Fn::Split": [separator, text]}:
            return filled(text, fill).split(separator)
    return fill(value)
