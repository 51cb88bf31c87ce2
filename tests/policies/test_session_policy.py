"""Session policies: their form, their client ID, their end, and what is refused. `test_targets.py` compares them."""

import json
from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given

from iot_policies import Grant, PolicyError, PolicyTemplate, Principal
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.evaluator import Evaluator
from iot_policies.grants import Deny
from iot_policies.iam import Caller, SignedConnection, parse_iam_document
from iot_policies.session_policy import SessionPolicy, compile_session_policy
from tests import ROOT
from tests.policies import hostile

CHAT = PolicyTemplate.load(ROOT / "policies" / "chat.toml")
FLEET = PolicyTemplate.load(ROOT / "policies" / "fleet.toml")
ANY_CLIENT = PolicyTemplate.of([Grant(connect=["{client_id}"], publish=["clients/{client_id}"])])
SNOW = PolicyTemplate.of([Grant(connect=["{principal}"], publish=["☃"])])
NOT_ANN = PolicyTemplate.of([Grant(connect=["{principal}"]), Deny(connect=["ann"])])
PREFIX = EXAMPLE_PLACE.arn_prefix("iot")
CALLER = Caller(user_id="AROA:ann", account=EXAMPLE_PLACE.account, arn="arn:aws:iam::123456789012:role/clients")
END = 1_796_040_000


def compiled(
    template: PolicyTemplate = CHAT,
    name: str = "ann",
    claims: Mapping[str, object] | None = None,
    client_id: str | None = None,
    expires: float | None = None,
) -> SessionPolicy:
    principal = Principal(name, claims or {})
    return compile_session_policy(
        template, principal, client_id=client_id or name, place=EXAMPLE_PLACE, expires=expires
    )


def allows(policy: SessionPolicy, action: str, resource: str, now: float = 0) -> bool:
    """What the policy decides, read as IAM reads it."""
    connection = SignedConnection(caller=CALLER, now=now)
    return Evaluator([parse_iam_document(policy.text)], connection).allows(action, f"{PREFIX}{resource}")


def rooms(count: int) -> Mapping[str, object]:
    return {"rooms": [f"room{number}" for number in range(count)]}


def test_statements_share_actions_on_different_types_of_resources() -> None:
    statements = json.loads(compiled(claims={"rooms": ["lobby"]}).text)["Statement"]
    assert [statement["Action"] for statement in statements] == [
        ["iot:Connect", "iot:Publish", "iot:Subscribe"],
        "iot:Receive",
        ["iot:Publish", "iot:RetainPublish"],
    ]


def test_a_deny_is_about_all_actions_unless_it_would_reach_what_is_allowed() -> None:
    entries = Grant(connect=["{principal}"], publish=["a/#", "b/+"], subscribe=["c/+"])
    apart, together = entries, entries.model_copy(update={"subscribe": ["b/#"]})
    found = [json.loads(compiled(PolicyTemplate.of([grant])).text)["Statement"] for grant in (apart, together)]
    assert [statement["Action"] for each in found for statement in each if statement["Effect"] == "Deny"] == [
        "iot:*",
        "iot:Publish",
    ]


@pytest.mark.parametrize(
    ("name", "claims", "client_id"),
    [
        ("ann", rooms(5), "ann/phone"),
        ("max", {"role": "moderator", **rooms(4)}, "max"),
        ("sue", {"suspended": True, **rooms(5)}, "sue"),
    ],
)
def test_five_rooms_of_the_chat_fit(name: str, claims: Mapping[str, object], client_id: str) -> None:
    assert len(compiled(name=name, claims=claims, client_id=client_id).text) <= 2048


def test_a_device_of_the_fleet_fits() -> None:
    assert len(compiled(FLEET, "pump-7", {"role": "device", "site": "berlin"}).text) <= 2048


@pytest.mark.parametrize("client_id", ["ann/*", "ann/?", "ann/${*}", "ann/$", "ann/${aws:userid}", "ann/+", "ann/a b"])
def test_a_client_id_stands_for_itself(client_id: str) -> None:
    policy = compiled(client_id=client_id)
    assert allows(policy, "iot:Connect", f"client/{client_id}")
    assert not any(
        allows(policy, "iot:Connect", f"client/{other}")
        for other in ("ann", "ann/x", "ann/AROA:ann", "ann/", f"{client_id}x")
    )


def test_the_client_id_fills_topics_too() -> None:
    policy = compiled(ANY_CLIENT, client_id="tablet")
    assert allows(policy, "iot:Publish", "topic/clients/tablet")
    assert not allows(policy, "iot:Publish", "topic/clients/phone")


def test_a_policy_with_an_end_allows_nothing_from_then_on() -> None:
    policy = compiled(claims={"rooms": ["lobby"]}, expires=END + 0.9)
    assert policy.expires == END
    actions = (
        ("iot:Connect", "client/ann"),
        ("iot:Receive", "topic/rooms/lobby/x"),
        ("iot:Publish", "topic/rooms/lobby/topic"),
    )
    assert [allows(policy, *asked, now=END - 1) for asked in actions] == [True] * 3
    assert [allows(policy, *asked, now=END) for asked in actions] == [False] * 3


def test_the_end_is_a_time_in_utc() -> None:
    found = json.loads(compiled(expires=END).text)["Statement"][0]["Condition"]["DateLessThan"]["aws:CurrentTime"]
    assert datetime.fromisoformat(found).timestamp() == END


@pytest.mark.parametrize(
    ("template", "claims", "client_id", "expires", "reason", "source"),
    [
        (CHAT, {}, "bob", None, "client_id_not_granted", "client_id"),
        (CHAT, {}, "ann-marie", None, "client_id_not_granted", "client_id"),
        (CHAT, rooms(40), "ann", None, "session_policy_too_large", ""),
        (CHAT, rooms(6), "ann", END, "session_policy_too_large", ""),
        (CHAT, rooms(500), "ann", None, "session_policy_too_large", ""),
        (CHAT, {"rooms": ["lobby", "☃"]}, "ann", None, "session_policy_character", "claims.rooms"),
        (CHAT, {}, "ann/☃", None, "session_policy_character", "client_id"),
        (SNOW, {}, "ann", None, "session_policy_character", ""),
        (CHAT, {}, "ann\u200b", None, "invalid_name", "client_id"),
        (CHAT, {"rooms": ["a/b"]}, "ann", None, "unsafe_value", "claims.rooms"),
        (ANY_CLIENT, {}, "a/b", None, "unsafe_value", "client_id"),
        (NOT_ANN, {}, "ann", None, "client_id_not_granted", "client_id"),
        (FLEET, {"role": "operator"}, "ann", None, "nothing_granted", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_with_its_reason(
    template: PolicyTemplate,
    claims: Mapping[str, object],
    client_id: str,
    expires: float | None,
    reason: str,
    source: str,
) -> None:
    with pytest.raises(PolicyError) as caught:
        compiled(template, claims=claims, client_id=client_id, expires=expires)
    assert (caught.value.reason, caught.value.source) == (reason, source)


@pytest.mark.parametrize("letter", ["e", "ÿ"])
def test_a_policy_may_have_2048_characters_and_no_more(letter: str) -> None:
    def length(of: int) -> int:
        template = PolicyTemplate.of([Grant(connect=["{principal}"], publish=[letter * 900, letter * of])])
        return len(compiled(template).text)

    room = 2048 - length(1) + 1
    assert length(room) == 2048
    with pytest.raises(PolicyError, match="2,049 characters"):
        length(room + 1)


@pytest.mark.parametrize("letter", ["é", "ÿ"])
def test_a_letter_below_u_0100_is_one_character(letter: str) -> None:
    assert len(compiled(name=letter).text) == len(compiled(name="e").text)


@given(hostile.names, hostile.names)
def test_hostile_names_and_client_ids_are_refused_or_stand_for_themselves(name: str, client_id: str) -> None:
    template = PolicyTemplate.of([Grant(connect=["{principal}/*"], publish=["of/{principal}/#"])])
    try:
        policy = compiled(template, name=name, client_id=f"{name}/{client_id}")
    except PolicyError:
        return
    assert allows(policy, "iot:Connect", f"client/{name}/{client_id}")
    assert not allows(policy, "iot:Connect", f"client/{name}/{client_id}x")
    assert not allows(policy, "iot:Publish", f"topic/of/{name}x/y")
