"""What the Lambda may answer. Any other answer refuses the client, and the feed says why."""

import json
import math

import pytest

from iot_core.mqtt import Version
from tests.local.harness.fixtures import both_versions
from tests.local.harness.function import EVERYTHING, allow, document
from tests.local.harness.running import NOT_AUTHORIZED, Running, refused


def without(field: str) -> dict[str, object]:
    answer = allow()
    del answer[field]
    return answer


def padded(characters: int) -> str:
    """A document of so many characters."""
    text = document(*EVERYTHING)
    return text + " " * (characters - len(text))


NO_DOCUMENTS: list[object] = [
    padded(2049),
    "{",
    "[]",
    "[" * 100_000,
    None,
    7,
    {},
    {"Statement": []},
    '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "iot:*", "Resource": "*"}}',
    {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "iot:*", "Resource": "*"}]},
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*"}]},
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "topic/a"}]},
    {"Version": "2012-10-17", "Principal": "*", "Statement": [*EVERYTHING]},
]


@pytest.mark.one_core
@both_versions
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (allow(isAuthenticated=False), "not_authenticated"),
        ({"isAuthenticated": False, "principalId": "-"}, "not_authenticated"),
        (allow(principalId="a-b"), "invalid_answer"),
    ],
    ids=["refused", "refused, with an invalid field", "invalid"],
)
def test_a_client_cannot_tell_a_refusal_from_an_invalid_answer(
    running: Running, version: Version, answer: dict[str, object], reason: str
) -> None:
    running.function.answer = lambda _: answer
    with running.client(version) as client:
        assert client.connect().reason_code == NOT_AUTHORIZED[version]
        assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason=reason, client_id="ann")


@pytest.mark.one_core
@pytest.mark.parametrize(
    ("answer", "field"),
    [
        *((without(field), field) for field in allow() if field != "isAuthenticated"),
        (without("isAuthenticated"), "isAuthenticated"),
        ({}, "isAuthenticated"),
        *((allow(isAuthenticated=value), "isAuthenticated") for value in ("true", 1, 0, None, "false")),
        *((allow(principalId=value), "principalId") for value in ("ann-1", "", "a" * 129, "ann\n", "é", 7, None)),
        *(
            (allow(**{field: value}), field)
            for field in ("disconnectAfterInSeconds", "refreshAfterInSeconds")
            for value in (299, 86_401, "300", 300.5, True, None, -1, 10**30, math.nan)
        ),
        (allow(policyDocuments=11 * [document(*EVERYTHING)]), "policyDocuments"),
        (allow(policyDocuments=document(*EVERYTHING)), "policyDocuments"),
        (allow(policyDocuments={"0": {}}), "policyDocuments"),
        *((allow(policyDocuments=[value]), "policyDocuments[0]") for value in NO_DOCUMENTS),
        (allow(policyDocuments=[document(*EVERYTHING), "{"]), "policyDocuments[1]"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_an_invalid_answer_is_refused_by_its_field(running: Running, answer: dict[str, object], field: str) -> None:
    running.function.answer = lambda _: answer
    assert refused(running, "invalid_answer")["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        (
            {"principalId": "ann-1"},
            'principalId: expected 1 to 128 letters and digits of ASCII, found "ann-1"',
        ),
        (
            {"refreshAfterInSeconds": "300"},
            'refreshAfterInSeconds: expected a whole number, 300 to 86400, found "300"',
        ),
        (
            {"policyDocuments": 11 * [document(*EVERYTHING)]},
            "policyDocuments: expected a list of at most 10 policy documents, found a list of 11",
        ),
        ({"policyDocuments": [padded(2049)]}, "policyDocuments[0]: expected at most 2048 characters, found 2049"),
    ],
    ids=["principal", "time", "11 documents", "2,049 characters"],
)
def test_the_detail_says_what_was_expected_and_found(running: Running, changed: dict[str, object], detail: str) -> None:
    running.function.answer = lambda _: allow(**changed)
    assert refused(running, "invalid_answer")["detail"] == detail


@pytest.mark.one_core
@pytest.mark.parametrize(
    "answer",
    [
        allow(policyDocuments=[padded(2048)]),
        allow(policyDocuments=[document(*EVERYTHING), *(9 * [document(EVERYTHING[0])])]),
        allow(policyDocuments=[json.loads(document(*EVERYTHING))]),
        allow(principalId="a" * 128),
        allow(disconnectAfterInSeconds=300, refreshAfterInSeconds=300),
        allow(context={"more": "fields"}),
    ],
    ids=["2048", "10 documents", "an object", "128", "300", "more"],
)
def test_an_answer_at_the_limits_is_accepted(running: Running, answer: dict[str, object]) -> None:
    running.function.answer = lambda _: answer
    with running.connected() as client:
        client.ping()
