"""What an authorizer's Lambda may answer (developer guide, "Defining your Lambda function")."""

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from iot_policies.documents import InvalidDocument, parse_document
from iot_policies.packing import compact

Document = Mapping[str, object]

_LONGEST = 2048
_Seconds = Annotated[int, Field(ge=300, le=86_400)]


class InvalidAnswer(Exception):
    """An answer that IoT Core does not take. Its text says what is wrong, and where."""


class AuthorizerAnswer(BaseModel):
    """An answer within IoT Core's bounds."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, hide_input_in_errors=True)

    is_authenticated: bool
    principal_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9]{1,128}\z")]
    policy_documents: Annotated[list[Document], Field(max_length=10)]
    disconnect_after_in_seconds: _Seconds
    refresh_after_in_seconds: _Seconds


REFUSED = AuthorizerAnswer(
    isAuthenticated=False,
    principalId="refused",
    policyDocuments=[],
    disconnectAfterInSeconds=300,
    refreshAfterInSeconds=300,
)
"""Stands for every answer with `isAuthenticated: false`, whose other fields count for nothing."""


def read_answer(answer: Mapping[str, object]) -> AuthorizerAnswer:
    """Checks an answer as strictly as IoT Core. Raises InvalidAnswer."""
    if answer.get("isAuthenticated") is False:
        return REFUSED
    documents = answer.get("policyDocuments")
    if isinstance(documents, list):
        answer = {**answer, "policyDocuments": [_document(each, index) for index, each in enumerate(documents)]}
    try:
        return AuthorizerAnswer.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0])
        raise InvalidAnswer(f"{field}: {_expected(field, first['msg'])}") from None


def _document(document: object, index: int) -> object:
    """A policy document, which may come as JSON or as an object. Raises InvalidAnswer."""
    place = f"policyDocuments[{index}]"
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
        if not isinstance(parsed, Mapping):
            raise InvalidAnswer(f"{place}: expected a policy document")
        length = len(document if isinstance(document, str) else compact(parsed))
        if length > _LONGEST:
            raise InvalidAnswer(f"{place}: {length} characters, and {_LONGEST} is the most")
        parse_document(parsed)
    except InvalidDocument as error:
        raise InvalidAnswer(f"{place}: {error}") from None
    except (ValueError, RecursionError):
        raise InvalidAnswer(f"{place}: expected JSON") from None
    return parsed


def _expected(field: str, message: str) -> str:
    if field == "principalId":
        return "expected 1 to 128 letters and digits, and nothing else"
    if field.endswith("InSeconds"):
        return "expected a whole number from 300 to 86400"
    return message[:1].lower() + message[1:]
