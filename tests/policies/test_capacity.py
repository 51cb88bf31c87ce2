"""How many values of a claim fit: in documents, and in session policies."""

from collections.abc import Sequence

import pytest

from iot_policies import Grant, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import LONGEST_PLACE
from iot_policies.capacity import capacity_messages
from iot_policies.errors import PolicyTooLarge, SessionPolicyTooLarge
from iot_policies.grants import Deny
from iot_policies.session_policy import compile_session_policy
from tests import ROOT

CHAT = PolicyTemplate.load(ROOT / "policies" / "chat.toml")


def values(count: int) -> Sequence[str]:
    return [f"{number:y>16}" for number in range(count)]


def room(*blocks: Grant | Deny) -> list[str]:
    """The numbers for documents and for session policies, as texts."""
    found = list(capacity_messages(PolicyTemplate.of(blocks)))
    return [message.partition("has room for ")[2].partition(" values")[0] for message in found]


def test_as_many_values_fit_as_it_says_and_no_more() -> None:
    documents, session = (int(text) for text in room(*CHAT.blocks))

    def ann(count: int) -> Principal:
        return Principal("x" * 16, {"rooms": values(count)})

    compile_policy(CHAT, ann(documents)).documents(LONGEST_PLACE)
    compile_session_policy(CHAT, ann(session), client_id="x" * 16, place=LONGEST_PLACE)
    with pytest.raises(SessionPolicyTooLarge):
        compile_session_policy(CHAT, ann(session + 1), client_id="x" * 16, place=LONGEST_PLACE)
    everything = PolicyTemplate.of([block.model_copy(update={"when": None}) for block in CHAT.blocks])
    with pytest.raises(PolicyTooLarge):
        compile_policy(everything, ann(documents + 1)).documents(LONGEST_PLACE)


def test_the_message_sends_clients_with_more_to_the_custom_authorizer() -> None:
    assert "custom authorizer" in list(capacity_messages(CHAT))[1]


@pytest.mark.parametrize(
    "connect", ["{principal}", "{principal}/*", "{client_id}", "{claims.rooms}/*", "x/{principal}"]
)
def test_each_form_of_client_id_has_a_session_policy(connect: str) -> None:
    _, session = room(Grant(connect=[connect], subscribe=["{claims.rooms}/#"]))
    assert 5 < int(session) < 20


def test_grants_for_different_roles_do_not_count_together() -> None:
    alone = Grant(when={"role": "a"}, connect=["{principal}"], subscribe=["{claims.rooms}/#"])
    other = Grant(when={"role": "b"}, connect=["{principal}"], subscribe=["{claims.rooms}/a", "{claims.rooms}/b"])
    assert room(alone, other)[1] == room(other)[1]


@pytest.mark.parametrize("wanted", ["lobby", ["lobby", "attic"], "*", 7])
def test_a_condition_on_the_claim_itself_is_met(wanted: object) -> None:
    grant = {"when": {"rooms": wanted}, "connect": ["{principal}"], "subscribe": ["{claims.rooms}/#"]}
    assert int(room(Grant.model_validate(grant))[1]) > 5


@pytest.mark.parametrize(
    "blocks",
    [
        [Grant(publish=["a/{claims.rooms}"])],
        [Grant(connect=["{principal}"], publish=["a/{claims.rooms}"]), Deny(connect=["*"])],
        [Grant(connect=["{principal}"], publish=["a"]), Deny(publish=["a/{claims.rooms}"])],
    ],
)
def test_without_a_client_id_or_a_grant_nothing_is_said_about_session_policies(blocks: list[Grant | Deny]) -> None:
    assert len(room(*blocks)) == 1


def test_a_template_that_fits_into_no_session_policy_has_room_for_no_value() -> None:
    topics = [f"{number:0>200}" for number in range(10)]
    assert room(Grant(connect=["{principal}"], publish=[*topics, "a/{claims.rooms}"]))[1] == "0"
