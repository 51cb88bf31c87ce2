"""Principals and topics to try, whatever the template is."""

from pathlib import Path

import pytest

from iot_authorizer_cli.examples.presets import Preset, presets
from iot_authorizer_cli.examples.suggestions import Suggestions, suggestions
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_policies import Deny, Grant, PolicyTemplate
from tests import ROOT

READY = sorted((ROOT / "policies").glob("*.toml"))


def suggested(template: PolicyTemplate, preset: Preset) -> Suggestions:
    principal = principal_of(preset["principal"], preset["claims"])
    return suggestions(template, principal, None)


def test_the_chat_has_a_member_a_moderator_somebody_suspended_and_a_stranger() -> None:
    found = presets(PolicyTemplate.load(ROOT / "policies/chat.toml"))
    assert [each["label"] for each in found] == ["ann", "bob, moderator", "cleo, suspended", "mallory, no claims"]


def test_the_first_of_a_list_of_values_is_taken() -> None:
    template = PolicyTemplate.of([Grant(when={"role": ("listener", "speaker")}, connect=["{principal}"])])
    assert presets(template)[0]["claims"] == {"role": "listener"}


def test_grants_for_the_same_value_are_one_principals() -> None:
    template = PolicyTemplate.of(
        [
            Grant(when={"role": "device"}, connect=["{principal}"]),
            Grant(when={"role": "device", "site": "*"}, subscribe=["sites/{claims.site}/#"]),
        ]
    )
    assert [each["claims"] for each in presets(template)] == [{"site": "berlin", "role": "device"}, {}]


def test_a_claim_in_the_plural_is_a_list() -> None:
    template = PolicyTemplate.of([Grant(publish=["teams/{claims.teams}", "class/{claims.class}"])])
    assert presets(template)[0]["claims"] == {"teams": ["team-1"], "class": "class-1"}


def test_a_denial_is_a_kind_of_its_own() -> None:
    template = PolicyTemplate.of([Grant(publish=["a"]), Deny(when={"banned": True}, publish=["#"])])
    assert [each["claims"] for each in presets(template)] == [{}, {"banned": True}, {}]


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_each_preset_but_the_strangers_may_connect(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for preset in presets(template)[:-1]:
        assert suggested(template, preset)["client_id"]


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_what_is_suggested_as_allowed_stands_in_front(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for preset in presets(template)[:-1]:
        found = [each["allowed"] for each in suggested(template, preset)["publish"]]
        assert found == sorted(found, reverse=True)


def test_a_topic_that_the_principal_hears_itself_comes_first() -> None:
    template = PolicyTemplate.load(ROOT / "policies/chat.toml")
    found = suggested(template, presets(template)[0])
    assert (found["publish"][0], found["subscribe"][0]) == (
        {"text": "rooms/lobby/say/ann", "allowed": True},
        {"text": "rooms/lobby/#", "allowed": True},
    )


def test_a_topic_that_is_refused_is_among_them() -> None:
    template = PolicyTemplate.load(ROOT / "policies/chat.toml")
    found = suggested(template, presets(template)[0])["publish"]
    assert {"text": "rooms/lobby/mute/somebody", "allowed": False} in found


def test_a_principal_whose_name_is_no_level_gets_no_suggestion_of_its_own() -> None:
    template = PolicyTemplate.load(ROOT / "policies/chat.toml")
    found = suggestions(template, principal_of("ann/+", {}), None)
    assert found["client_id"] is None


def test_an_operator_is_told_to_subscribe_to_what_a_device_publishes() -> None:
    template = PolicyTemplate.load(ROOT / "policies/fleet.toml")
    found = suggested(template, presets(template)[1])
    assert (found["subscribe"][0]["text"], found["publish"][0]["text"]) == (
        "devices/pump-7/#",
        "devices/pump-7/commands/ann",
    )
