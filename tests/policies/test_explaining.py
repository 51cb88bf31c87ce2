"""Why something is allowed or not: the deciding entry first."""

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.explaining import Question, explain

TEMPLATE = PolicyTemplate.of(
    [
        Grant(
            name="own",
            connect=("{principal}", "device/{client_id}"),
            publish=("users/{principal}/+", "devices/{client_id}/state"),
            subscribe=("users/{principal}/inbox/#",),
        ),
        Grant(name="rooms", when={"role": "x"}, retain=("rooms/{claims.rooms}/topic",)),
        Grant(name="open", publish=("open/{claims.rooms}",)),
        Deny(name="closed", publish=("users/{principal}/closed",)),
    ]
)
ANN = Principal("ann")


def reasons(question: Question, resource: str, principal: Principal = ANN, client_id: str | None = None) -> str:
    return "; ".join(explain(TEMPLATE, principal, question, resource, client_id).reasons)


@pytest.mark.parametrize(
    ("question", "resource", "allowed", "reason"),
    [
        ("connect", "ann", True, 'by grant "own", connect = "{principal}"'),
        ("connect", "bob", False, ""),
        ("publish", "users/ann/x", True, 'by grant "own", publish = "users/{principal}/+"'),
        ("publish", "users/ann/x/y", False, ""),
        ("publish", "users/ann/closed", False, 'by deny "closed", publish = "users/{principal}/closed"'),
        ("publish", "open/lobby", False, "claims.rooms is missing"),
        ("publish", "elsewhere", False, "no entry covers it"),
        ("retain", "users/ann/x", False, ""),
        ("subscribe", "users/ann/inbox/+", True, 'by grant "own", subscribe = "users/{principal}/inbox/#"'),
        ("subscribe", "users/+/inbox/+", False, ""),
        ("receive", "users/ann/inbox/x", True, 'by grant "own", subscribe = "users/{principal}/inbox/#"'),
        ("receive", "users/ann/x", False, ""),
    ],
)
def test_the_answer_is_the_policys_and_names_the_entry_that_decides(
    question: Question, resource: str, allowed: bool, reason: str
) -> None:
    assert explain(TEMPLATE, ANN, question, resource).allowed is allowed
    found = reasons(question, resource)
    assert found == reason if reason.startswith(("by", "no ")) else reason in found


def test_a_yes_names_an_entry_that_is_filled_with_the_client_id() -> None:
    found = reasons("publish", "devices/phone/state", client_id="phone")
    assert found == 'by grant "own", publish = "devices/{client_id}/state"'


def test_a_connect_is_explained_with_the_client_id_that_it_asks_for() -> None:
    template = PolicyTemplate.of([Grant(connect=("{client_id}",))])
    assert explain(template, ANN, "connect", "phone").reasons == ('by grant[0], connect = "{client_id}"',)


def test_a_no_names_the_grant_whose_condition_is_not_met() -> None:
    found = reasons("retain", "rooms/lobby/topic", Principal("ann", {"rooms": ["lobby"]}))
    assert 'grant "rooms"' in found
    assert "role = x" in found


def test_an_unsafe_value_is_the_reason_and_is_not_quoted() -> None:
    found = reasons("publish", "open/lobby", Principal("ann", {"rooms": "secret/#"}))
    assert found.startswith("unsafe_value: claims.rooms ")
    assert "secret" not in found
