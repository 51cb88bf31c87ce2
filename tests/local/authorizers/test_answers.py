"""What the Lambda may answer: everything else closes the connection, and the feed says why."""

import json
import math

import pytest

from iot_core.mqtt import ConnectReturnCode, ReasonCode, Version
from tests.local.harness.function import EVERYTHING, allow, document
from tests.local.harness.running import Running, refused

VERSIONS = pytest.mark.parametrize(
    ("version", "code"),
    [(Version.MQTT_3_1_1, ConnectReturnCode.NOT_AUTHORIZED), (Version.MQTT_5, ReasonCode.NOT_AUTHORIZED)],
    ids=["MQTT_3_1_1", "MQTT_5"],
)


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
    {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "iot:*", "Resource": "*"}]},
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*"}]},
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "topic/a"}]},
    {"Version": "2012-10-17", "Principal": "*", "Statement": [*EVERYTHING]},
]


@VERSIONS
def test_a_no_is_a_no(running: Running, version: Version, code: int) -> None:
    running.function.answer = lambda _: allow(isAuthenticated=False)
    with running.client(version) as client:
        assert client.connect().reason_code == code
        assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason="not_authenticated", client_id="ann")


@VERSIONS
def test_a_wrong_answer_looks_to_the_client_like_a_no(running: Running, version: Version, code: int) -> None:
    running.function.answer = lambda _: allow(principalId="a-b")
    with running.client(version) as client:
        assert client.connect().reason_code == code
        assert client.ends() == []


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
def test_an_answer_that_iot_core_does_not_take_names_its_field(
    running: Running, answer: dict[str, object], field: str
) -> None:
    running.function.answer = lambda _: answer
    assert refused(running, "invalid_answer")["detail"].startswith(f"{field}: ")


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
def test_an_answer_at_the_bounds_is_taken(running: Running, answer: dict[str, object]) -> None:
    running.function.answer = lambda _: answer
    with running.connected() as client:
        client.ping()


def test_nothing_but_is_authenticated_counts_in_a_no(running: Running) -> None:
    running.function.answer = lambda _: {"isAuthenticated": False, "principalId": "-"}
    refused(running, "not_authenticated")
