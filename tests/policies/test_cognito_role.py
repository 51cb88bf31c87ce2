"""The policy of a role for guests: its variable, the claims that all guests have, and what is refused."""

import json
from collections.abc import Mapping

import pytest

from iot_policies import Grant, InvalidTopics, NothingGranted, PolicyError, PolicyTemplate
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.evaluator import Evaluator
from iot_policies.grants import Deny
from iot_policies.iam import Caller, SignedConnection, parse_iam_document
from tests import ROOT

CHAT, FLEET, BROADCAST = (
    PolicyTemplate.load(ROOT / "policies" / f"{name}.toml") for name in ("chat", "fleet", "broadcast")
)
PREFIX = EXAMPLE_PLACE.arn_prefix("iot")
ANN, BOB = "eu-west-1:0a1b2c3d-0000-1111-2222-333344445555", "eu-west-1:0a1b2c3d-0000-1111-2222-333344445556"


def allows(role: str, identity: str | None, action: str, resource: str) -> bool:
    """What a role's policy decides for an identity; None for credentials that Cognito did not give."""
    caller = Caller(user_id="AROA:CognitoIdentityCredentials", account="1", arn="a", identity_id=identity)
    evaluator = Evaluator([parse_iam_document(role)], SignedConnection(caller=caller, now=0))
    return evaluator.allows(action, f"{PREFIX}{resource}")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", "client/{}"),
        ("iot:Connect", "client/{}/phone"),
        ("iot:Publish", "topic/users/{}/outbox"),
        ("iot:Subscribe", "topicfilter/users/{}/inbox/#"),
        ("iot:Receive", "topic/users/{}/inbox/x"),
    ],
)
def test_each_guest_may_use_only_what_has_its_own_identity(action: str, resource: str) -> None:
    role = compile_cognito_role(CHAT, EXAMPLE_PLACE)
    asked = {identity: allows(role, identity, action, resource.format(ANN)) for identity in (ANN, BOB, None)}
    assert asked == {ANN: True, BOB: False, None: False}


def test_grants_whose_conditions_no_guest_meets_do_not_count() -> None:
    assert "rooms" not in compile_cognito_role(CHAT, EXAMPLE_PLACE)


def test_claims_are_those_of_all_guests() -> None:
    role = compile_cognito_role(CHAT, EXAMPLE_PLACE, {"rooms": ["lobby"]})
    assert allows(role, ANN, "iot:Publish", f"topic/rooms/lobby/say/{ANN}")
    assert not allows(role, ANN, "iot:Publish", f"topic/rooms/attic/say/{ANN}")


def test_a_deny_is_about_its_own_actions_only_since_a_role_may_have_other_policies() -> None:
    statements = json.loads(compile_cognito_role(BROADCAST, EXAMPLE_PLACE, {"role": "listener"}))["Statement"]
    denied = [statement["Action"] for statement in statements if statement["Effect"] == "Deny"]
    assert denied == [["iot:Subscribe", "iot:Receive"]]


@pytest.mark.parametrize(
    ("blocks", "location", "expected"),
    [
        ([Grant(publish=["a/{claims.rooms}"])], ("grant", 0, "publish", 0), 'when = { rooms = "*" }'),
        ([Grant(connect=["x", "{client_id}"])], ("grant", 0, "connect", 1), "write {principal}"),
        ([Grant(connect=["x"]), Deny(publish=["a/{client_id}"])], ("deny", 0, "publish", 0), "write {principal}"),
        ([Grant(connect=["x"]), Deny(publish=["a/{claims.id}"])], ("deny", 0, "publish", 0), "no claim id"),
        ([Grant(subscribe=["{principal}/#", "a/+/"])], ("grant", 0, "subscribe", 1), "serves all guests"),
        ([Grant(publish=["x", "☃"])], ("grant", 0, "publish", 1), "U+00FF"),
        ([Grant(publish=[f"{number:0>200}" for number in range(50)])], (), "IAM accepts 10,240"),
    ],
)
def test_an_entry_that_a_role_cannot_say_is_refused_with_advice(
    blocks: list[Grant | Deny], location: tuple[object, ...], expected: str
) -> None:
    with pytest.raises(InvalidTopics) as caught:
        compile_cognito_role(PolicyTemplate.of(blocks), EXAMPLE_PLACE)
    assert (caught.value.key, expected in str(caught.value)) == (location, True)


def test_the_entry_whose_claim_has_a_character_that_iam_does_not_take_is_named() -> None:
    with pytest.raises(InvalidTopics, match="a claim in it") as caught:
        compile_cognito_role(CHAT, EXAMPLE_PLACE, {"rooms": ["lobby", "☃"]})
    assert caught.value.key == ("grant", 1, "publish", 0)


def test_an_entry_may_be_left_out_because_of_claims_that_all_guests_have() -> None:
    template = PolicyTemplate.of([Grant(subscribe=["{claims.x}/#", "a/+/"])])
    role = compile_cognito_role(template, EXAMPLE_PLACE, {"x": ["a", "b"]})
    assert allows(role, ANN, "iot:Subscribe", "topicfilter/a/x/y")
    assert not allows(role, ANN, "iot:Subscribe", "topicfilter/c/x/")


def test_guests_without_any_grant_have_no_role() -> None:
    with pytest.raises(NothingGranted):
        compile_cognito_role(FLEET, EXAMPLE_PLACE)


@pytest.mark.parametrize("claims", [{"rooms": ["a/b"]}, {"rooms": "${aws:userid}"}, {"rooms": " a"}])
def test_a_claim_that_is_no_level_is_refused(claims: Mapping[str, object]) -> None:
    with pytest.raises(PolicyError) as caught:
        compile_cognito_role(CHAT, EXAMPLE_PLACE, claims)
    assert caught.value.source == "claims.rooms"
