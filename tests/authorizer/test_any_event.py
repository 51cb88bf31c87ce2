"""Every event gets a valid answer and one log line."""

import re

import pytest
from hypothesis import example, given

from iot_authorizer import Reason, Refusal
from iot_authorizer.response import refused
from tests.authorizer.answers import check_answer
from tests.authorizer.any_event import any_event
from tests.authorizer.events import Event, bearer, event
from tests.authorizer.handlers import Running, jwt_table, start, table
from tests.authorizer.tokens import mint


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """An authorizer that accepts every kind of credentials."""
    folder = tmp_path_factory.mktemp("open")
    (folder / "users.toml").write_text("")
    sources = (
        table("[passwords]", file="users.toml"),
        table("[signed_tokens]", issuer="s"),
        "[anonymous]",
        'principal="x"',
    )
    return start(folder, jwt_table(), *sources)


@given(any_event)
@example({"connectionMetadata": {"id": "\ud800"}, "protocolData": {"mqtt": {"clientId": "\ud800"}}})
def test_any_event_gets_a_valid_answer_one_log_line_and_the_same_reason_code_each_time(
    open_to_all: Running, authorizer: Running, event: object
) -> None:
    """Of two authorizers: one that accepts every kind of credentials, and one that trusts only tokens of `ann`."""
    outcome = open_to_all(event)
    check_answer(outcome.answer)
    assert len(outcome.decisions) == 1
    assert outcome.verdict in {*Reason, "allowed"} - {Reason.INTERNAL_ERROR}
    assert open_to_all.verdict(event) == outcome.verdict
    strict = authorizer(event)
    assert strict.answer == refused() or strict.decision["principal"] == "ann"


NO_EVENTS = {
    "nothing": None,
    "list": [],
    "events": [{}],
    "text": "{}",
    "bytes": b"{}",
    "number": 5,
    "true": True,
    "object": object(),
    "refusal": Refusal("own_reason"),
}


@pytest.mark.parametrize("no_event", NO_EVENTS.values(), ids=NO_EVENTS)
def test_anything_but_an_event_is_refused(open_to_all: Running, no_event: object) -> None:
    assert open_to_all.verdict(no_event) == Reason.MALFORMED_EVENT


TYPES = {
    "token": {"token": 5},
    "signatureVerified": {"signatureVerified": "true"},
    "protocolData": {"protocolData": []},
    "protocolData.http": {"protocolData": {"http": {"headers": {"a": 5}}}},
    "protocolData.mqtt": {"protocolData": {"mqtt": {"password": b"YQ=="}}},
    "protocolData.tls": {"protocolData": {"tls": "example.com"}},
    "connectionMetadata.id": {"connectionMetadata": {"id": 5}},
    "event": [],
}


@pytest.mark.parametrize(("place", "malformed"), TYPES.items(), ids=TYPES)
def test_the_log_names_the_field_that_has_a_wrong_type(authorizer: Running, place: str, malformed: object) -> None:
    line = authorizer(malformed).decision
    assert (line["reason"], line["detail"]) == (Reason.MALFORMED_EVENT, place)


NULLS = {"signatureVerified": None, "protocols": None, "protocolData": None, "connectionMetadata": None}


@pytest.mark.parametrize(
    "event",
    [
        bearer(mint()) | {"new": {"deep": [1]}, "connectionMetadata": {"id": "x", "sourceIp": "::1"}},
        {"token": mint(), **NULLS},
    ],
    ids=["new fields", "null for a missing field"],
)
def test_new_fields_and_null_for_a_missing_one_are_ignored(authorizer: Running, event: Event) -> None:
    assert authorizer.verdict(event) == "allowed"


def test_a_connection_is_named_in_the_log(authorizer: Running) -> None:
    line = authorizer(event(token=mint(), client_id="ann", connection_id="c1")).decision
    assert (line["client_id"], line["connection_id"]) == ("ann", "c1")


def test_line_breaks_of_a_client_do_not_break_the_line(authorizer: Running) -> None:
    outcome = authorizer(event(client_id='x\n{"decision": "allowed"}\r\n\u2028'))
    (line,) = (line for line in outcome.output.split("\n") if "decision" in line)  # A cold start has a line of its own.
    assert len(re.findall("decision", line)) == 2
