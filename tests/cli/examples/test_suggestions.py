"""Example principals and topics, for any template."""

from pathlib import Path

import pytest

from iot_authorizer_cli.examples.suggestions import Preset, Suggestions, presets, suggestions
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_policies import Deny, Grant, PolicyTemplate
from tests import READY, ROOT

CHAT = PolicyTemplate.load(ROOT / "policies/chat.toml")


def suggested(template: PolicyTemplate, preset: Preset) -> Suggestions:
    return suggestions(template, principal_of(preset["principal"], preset["claims"]), None)


def test_the_chat_has_a_member_a_moderator_a_suspended_member_and_a_stranger() -> None:
    assert [each["label"] for each in presets(CHAT)] == [
        "ann",
        "bob, moderator",
        "cleo, suspended",
        "mallory, no claims",
    ]


@pytest.mark.parametrize(
    ("blocks", "claims"),
    [
        ([Grant(when={"role": ("listener", "speaker")}, connect=["{principal}"])], [{"role": "listener"}, {}]),
        (
            [
                Grant(when={"role": "device"}, connect=["{principal}"]),
                Grant(when={"role": "device", "site": "*"}, subscribe=["sites/{claims.site}/#"]),
            ],
            [{"site": "berlin", "role": "device"}, {}],
        ),
        (
            [Grant(publish=["teams/{claims.teams}", "class/{claims.class}"])],
            [{"teams": ["team-1"], "class": "class-1"}, {}],
        ),
        ([Grant(publish=["a"]), Deny(when={"banned": True}, publish=["#"])], [{}, {"banned": True}, {}]),
    ],
    ids=["the first of several values", "one value, one principal", "a plural is a list", "a deny is a kind"],
)
def test_each_kind_of_principal_gets_the_claims_that_its_blocks_ask_for(
    blocks: list[Grant | Deny], claims: list[object]
) -> None:
    assert [each["claims"] for each in presets(PolicyTemplate.of(blocks))] == claims


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_each_preset_of_a_ready_template_may_connect_and_allowed_topics_come_first(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for preset in presets(template)[:-1]:
        found = suggested(template, preset)
        assert found["client_id"]
        allowed = [each["allowed"] for each in found["publish"]]
        assert allowed == sorted(allowed, reverse=True)


def test_a_topic_that_the_principal_receives_itself_comes_first_and_a_refused_one_is_among_them() -> None:
    found = suggested(CHAT, presets(CHAT)[0])
    assert found["publish"][0] == {"text": "rooms/lobby/say/ann", "allowed": True}
    assert found["subscribe"][0] == {"text": "rooms/lobby/#", "allowed": True}
    assert {"text": "rooms/lobby/mute/somebody", "allowed": False} in found["publish"]


def test_a_principal_whose_name_is_not_a_topic_level_gets_no_client_id() -> None:
    assert suggestions(CHAT, principal_of("ann/+", {}), None)["client_id"] is None


def test_an_operator_subscribes_to_what_a_device_publishes() -> None:
    template = PolicyTemplate.load(ROOT / "policies/fleet.toml")
    found = suggested(template, presets(template)[1])
    assert (found["subscribe"][0]["text"], found["publish"][0]["text"]) == (
        "devices/pump-7/#",
        "devices/pump-7/commands/ann",
    )
