"""What IoT Core accepts as an answer (developer guide, "Defining your Lambda function"), and nothing else."""

import json
import re

from iot_policies.documents import parse_document

FIELDS = {
    "isAuthenticated",
    "principalId",
    "disconnectAfterInSeconds",
    "refreshAfterInSeconds",
    "policyDocuments",
}


def check_answer(answer: object) -> None:
    """Fails unless IoT Core would take this answer."""
    assert isinstance(answer, dict)
    assert set(answer) == FIELDS
    assert type(answer["isAuthenticated"]) is bool
    _check_principal_id(answer["principalId"])
    _check_seconds(answer["disconnectAfterInSeconds"])
    _check_seconds(answer["refreshAfterInSeconds"])
    _check_documents(answer["policyDocuments"], expected=answer["isAuthenticated"])
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def _check_principal_id(value: object) -> None:
    assert isinstance(value, str)
    assert re.fullmatch("[a-zA-Z0-9]{1,128}", value)


def _check_seconds(value: object) -> None:
    assert type(value) is int
    assert 300 <= value <= 86_400


def _check_documents(documents: object, *, expected: bool) -> None:
    assert isinstance(documents, list)
    assert len(documents) <= 10
    assert bool(documents) is expected
    for document in documents:
        assert len(json.dumps(document, separators=(",", ":"))) <= 2048
        parse_document(document)
