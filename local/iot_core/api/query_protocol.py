"""AWS's query protocol, which STS speaks: a form in, XML out (STS API reference, "Making query requests").

Every parameter comes once, in the body. An answer or an error is one XML document with a request ID.
"""

import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.responses import Response

FORM = "application/x-www-form-urlencoded"
VERSION = "2011-06-15"
"""The version of STS's API."""
_NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
_MOST_PARAMETERS = 200

Element = str | int | Mapping[str, "Element"]
"""The content of an XML element."""


class QueryError(Exception):
    """The answer to a request is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        """The HTTP status."""
        self.code = code
        """The error's name in AWS's documentation."""
        super().__init__(message)

    def response(self) -> Response:
        """Makes the HTTP answer."""
        request_id = str(uuid.uuid4())
        error: Mapping[str, Element] = {
            "Error": {"Type": "Sender", "Code": self.code, "Message": str(self)},
            "RequestId": request_id,
        }
        return _document("ErrorResponse", error, request_id, self.status)


def read_form(body: bytes) -> dict[str, str]:
    """Reads the parameters of a body. Raises QueryError."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise QueryError(400, "MalformedInput", "The body is not a form in UTF-8") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise QueryError(400, "MalformedInput", "A parameter comes twice")
    return found


def violation(member: str, value: object, constraint: str) -> QueryError:
    """Makes the error of a parameter that breaks a constraint."""
    shown = "null" if value is None else f"'{value}'"
    message = f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {constraint}"
    return QueryError(400, "ValidationError", message)


def answer(action: str, result: Mapping[str, Element]) -> Response:
    """Makes the answer of an action."""
    request_id = str(uuid.uuid4())
    content = {f"{action}Result": result, "ResponseMetadata": {"RequestId": request_id}}
    return _document(f"{action}Response", content, request_id, 200)


def _document(name: str, content: Mapping[str, Element], request_id: str, status: int) -> Response:
    text = f'<{name} xmlns="{_NAMESPACE}">{_xml(content)}</{name}>\n'
    headers = {"x-amzn-RequestId": request_id, "Cache-Control": "no-store"}
    return Response(text, status, headers, media_type="text/xml")


def _xml(content: Element) -> str:
    if isinstance(content, Mapping):
        return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in content.items())
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in str(content)))
