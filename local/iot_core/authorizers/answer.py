"""What an authorizer's Lambda may answer (developer guide, "Defining your Lambda function").

Policy documents come as JSON or as objects. Each is parsed once, here; the evaluator of a connection takes the parsed
statements.
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
class PolicyDocument:
    """A policy document of an answer."""

    content: Mapping[str, object]
    """The JSON object."""
    statements: tuple[ParsedStatement, ...]
    """The same, parsed."""


class AuthorizerAnswer(BaseModel):
    """An answer that authenticates the client, within IoT Core's limits."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, hide_input_in_errors=True)

    is_authenticated: bool
    principal_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9]{1,128}\z")]
    policy_documents: Annotated[list[PolicyDocument], Field(max_length=MOST_DOCUMENTS)]
    disconnect_after_in_seconds: _Seconds
    refresh_after_in_seconds: _Seconds


def read_answer(answer: Mapping[str, object]) -> AuthorizerAnswer | None:
    """Checks an answer as strictly as IoT Core. Raises InvalidAnswer.

    None if the answer is `isAuthenticated: false`: its other fields do not count then.
    """
    if answer.get("isAuthenticated") is False:
        return None
    documents = answer.get("policyDocuments")
    if isinstance(documents, list):
        answer = {**answer, "policyDocuments": [_document(each, index) for index, each in enumerate(documents)]}
    try:
        return AuthorizerAnswer.model_validate(answer)
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0])
        found = "it is missing" if field not in answer else _found(answer[field])
        raise InvalidAnswer(f"{field}: expected {_EXPECTED[field]}, {found}") from None


def _document(document: object, index: int) -> PolicyDocument:
    """Parses a policy document. Raises InvalidAnswer."""
    place = f"policyDocuments[{index}]"
    try:
        content = decode_document(document) if isinstance(document, str) else document
    except InvalidDocument as error:
        raise InvalidAnswer(f"{place}: {error}, {_found(document)}") from None
    if not isinstance(content, Mapping):
        raise InvalidAnswer(f"{place}: expected a policy document, an object or its JSON, {_found(document)}")
    length = len(document if isinstance(document, str) else compact(content))
    if length > LONGEST_DOCUMENT:
        raise InvalidAnswer(f"{place}: expected at most {LONGEST_DOCUMENT} characters, found {length}")
    try:
        return PolicyDocument(content, parse_document(content))
    except InvalidDocument as error:
        raise InvalidAnswer(f"{place}: {error}") from None


def _found(value: object) -> str:
    """A value as JSON, for a message: the answer is from the user's own function, on the user's machine."""
    if isinstance(value, list):
        return f"found a list of {len(value)}"
    text = json.dumps(value)
    return f"found {text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…'}"
