"""What an authorizer's Lambda may answer (developer guide, "Defining your Lambda function").

Policy documents come as JSON or as objects. Each is parsed once, here; the evaluator of a connection takes the parsed
statements. The documents themselves are not kept: they are most of what an idle connection would hold.

unmeasured (checks size-bytes, size-surrogates, size-escapes, size-object, size-spaces): what the 2,048 characters of a
document are (assumed: the code points of a text as it came, with its escapes and spaces, and those of an object as
compact JSON of ASCII).
unmeasured (checks documents-11, document-broken, document-empty, answer-times-missing): that a client is refused if any
part of the answer is wrong, as by TestInvokeAuthorizer (assumed: IoT Core does not leave that part out).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from iot_policies.documents import InvalidDocument, ParsedStatement, decode_document, parse_document
from iot_policies.packing import LONGEST_DOCUMENT, MOST_DOCUMENTS, compact

_Seconds = Annotated[int, Field(ge=300, le=86_400)]
_SHOWN = 40
"""Characters of a value that a message shows."""
_EXPECTED = {
    "isAuthenticated": "true or false",
    "principalId": "1 to 128 letters and digits of ASCII",
    "policyDocuments": f"a list of at most {MOST_DOCUMENTS} policy documents",
    "disconnectAfterInSeconds": "a whole number, 300 to 86400",
    "refreshAfterInSeconds": "a whole number, 300 to 86400",
}


class InvalidAnswer(Exception):
    """An answer that IoT Core does not accept. Its text names the field, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class AuthorizerAnswer:
    """An answer that authenticates the client, within IoT Core's limits."""

    principal_id: str
    policies: tuple[tuple[ParsedStatement, ...], ...]
    """The statements of each policy document."""
    disconnect_after_in_seconds: int
    refresh_after_in_seconds: int


class _Answer(BaseModel):
    """An answer with its documents as they came."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, hide_input_in_errors=True)

    is_authenticated: bool
    principal_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9]{1,128}\z")]
    policy_documents: Annotated[list[object], Field(max_length=MOST_DOCUMENTS)]
    disconnect_after_in_seconds: _Seconds
    refresh_after_in_seconds: _Seconds


def read_answer(answer: Mapping[str, object]) -> AuthorizerAnswer | None:
    """Checks an answer as strictly as IoT Core. Raises InvalidAnswer.

    None if the answer is `isAuthenticated: false`: its other fields do not count then.
    """
    if answer.get("isAuthenticated") is False:
        return None
    documents = answer.get("policyDocuments")
    policies = [_statements(each, index) for index, each in enumerate(documents if isinstance(documents, list) else ())]
    try:
        checked = _Answer.model_validate(answer)
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0])
        found = "it is missing" if field not in answer else _found(answer[field])
        raise InvalidAnswer(f"{field}: expected {_EXPECTED[field]}, {found}") from None
    seconds = checked.disconnect_after_in_seconds, checked.refresh_after_in_seconds
    return AuthorizerAnswer(checked.principal_id, tuple(policies), *seconds)


def document_texts(answer: Mapping[str, object]) -> list[str]:
    """The policy documents of an accepted answer as JSON, without spaces."""
    documents = answer["policyDocuments"]
    return [compact(_content(each)) for each in documents] if isinstance(documents, list) else []


def _statements(document: object, index: int) -> tuple[ParsedStatement, ...]:
    """Parses a policy document. Raises InvalidAnswer."""
    place = f"policyDocuments[{index}]"
    try:
        content = _content(document)
    except InvalidDocument as error:
        raise InvalidAnswer(f"{place}: {error}, {_found(document)}") from None
    if not isinstance(content, Mapping):
        raise InvalidAnswer(f"{place}: expected a policy document, an object or its JSON, {_found(document)}")
    length = len(document if isinstance(document, str) else compact(content))
    if length > LONGEST_DOCUMENT:
        raise InvalidAnswer(f"{place}: expected at most {LONGEST_DOCUMENT} characters, found {length}")
    try:
        return parse_document(content)
    except InvalidDocument as error:
        raise InvalidAnswer(f"{place}: {error}") from None


def _content(document: object) -> object:
    """The JSON value of a document. Raises InvalidDocument."""
    return decode_document(document) if isinstance(document, str) else document


def _found(value: object) -> str:
    """A value as JSON, for a message: the answer is from the user's own function, on the user's machine."""
    if isinstance(value, list):
        return f"found a list of {len(value)}"
    text = json.dumps(value)
    return f"found {text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…'}"
