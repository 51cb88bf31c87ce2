"""Templates that load: the ready ones and their content."""

from pathlib import Path

import pytest

from iot_policies import NothingGranted, PolicyTemplate, Principal, compile_policy
from tests import ROOT
from tests.policies.probes import ACCOUNT, PREFIX, REGION
from tests.policies.reference import decide

READY = sorted((ROOT / "policies").glob("*.toml"))
CHAT = PolicyTemplate.load((ROOT / "policies") / "chat.toml")


def load(tmp_path: Path, content: str) -> PolicyTemplate:
    (tmp_path / "a.toml").write_text(content, encoding="utf-8")
    return PolicyTemplate.load(tmp_path / "a.toml")


@pytest.mark.parametrize("path", READY, ids=lambda path: path.name)
def test_a_ready_template_loads_and_grants_something(path: Path) -> None:
    assert PolicyTemplate.load(path).entries


def test_a_path_may_be_a_text() -> None:
    assert PolicyTemplate.load(str(READY[0])).principal_claim == "sub"


@pytest.mark.parametrize(
    ("attribute", "expected"), [("disconnect_after", 86_400), ("refresh_after", 900), ("spread", 0.1)]
)
def test_session_times_are_seconds_and_the_spread_a_fraction(attribute: str, expected: float) -> None:
    assert getattr(CHAT.session, attribute) == expected


@pytest.mark.parametrize(("text", "expected"), [("0%", 0.0), ("90%", 0.9)])
def test_the_spread_reaches_from_0_to_90_percent(text: str, expected: float, tmp_path: Path) -> None:
    assert load(tmp_path, f'[session]\nspread = "{text}"').session.spread == expected


@pytest.mark.parametrize(("text", "expected"), [("5m", 300), ("300s", 300), ("24h", 86_400), ("1d", 86_400)])
def test_session_times_reach_from_5_minutes_to_a_day(text: str, expected: int, tmp_path: Path) -> None:
    assert load(tmp_path, f'[session]\nrefresh_after = "{text}"').session.refresh_after == expected


def test_the_claim_that_names_the_principal_is_the_files(tmp_path: Path) -> None:
    assert load(tmp_path, 'principal = "username"').principal_claim == "username"


def test_entries_have_the_order_of_the_file_grants_first(tmp_path: Path) -> None:
    template = load(tmp_path, '[[deny]]\npublish=["a"]\n[[grant]]\npublish=["b"]\nconnect=["c"]\n')
    assert [entry.location for entry in template.entries] == [
        ("grant", 0, "connect", 0),
        ("grant", 0, "publish", 0),
        ("deny", 0, "publish", 0),
    ]


def test_an_entry_tells_its_grant_its_key_and_its_text() -> None:
    assert str(CHAT.entries[0]) == 'grant "inbox", connect = "{principal}"'


def test_an_empty_template_grants_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingGranted):
        compile_policy(load(tmp_path, ""), Principal("ann"))


def chat_allows(action: str, resource: str, **claims: object) -> bool:
    policy = compile_policy(CHAT, Principal("ann", claims))
    return decide(policy.documents(region=REGION, account=ACCOUNT), action, PREFIX + resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", "client/ann"),
        ("iot:Connect", "client/ann/phone"),
        ("iot:Publish", "topic/users/ann/outbox"),
        ("iot:Subscribe", "topicfilter/users/ann/inbox/#"),
        ("iot:Receive", "topic/users/ann/inbox/7"),
        ("iot:Publish", "topic/rooms/lobby/say/ann"),
        ("iot:RetainPublish", "topic/rooms/lobby/topic"),
        ("iot:Subscribe", "topicfilter/rooms/lobby/+/+"),
    ],
)
def test_the_chat_allows_its_users(action: str, resource: str) -> None:
    assert chat_allows(action, resource, rooms=["lobby"])


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", "client/ann-marie"),
        ("iot:Publish", "topic/users/bob/outbox"),
        ("iot:Subscribe", "topicfilter/users/+/inbox/#"),
        ("iot:Publish", "topic/rooms/lobby/say/bob"),
        ("iot:RetainPublish", "topic/rooms/lobby/say/ann"),
        ("iot:Subscribe", "topicfilter/rooms/#"),
        ("iot:Subscribe", "topicfilter/rooms/attic/#"),
        ("iot:Publish", "topic/rooms/lobby/mute/bob"),
        ("iot:Subscribe", "topicfilter/#"),
    ],
)
def test_the_chat_denies_its_users(action: str, resource: str) -> None:
    assert not chat_allows(action, resource, rooms=["lobby"])


def test_a_moderator_may_mute_in_any_room() -> None:
    assert chat_allows("iot:Publish", "topic/rooms/attic/mute/bob", role="moderator")


def test_a_moderator_may_mute_no_deeper() -> None:
    assert not chat_allows("iot:Publish", "topic/rooms/attic/mute/bob/x", role="moderator")


def test_a_suspended_user_may_not_publish() -> None:
    assert not chat_allows("iot:Publish", "topic/users/ann/outbox", suspended=True)


def test_a_suspended_user_may_still_receive() -> None:
    assert chat_allows("iot:Receive", "topic/users/ann/inbox/7", suspended=True)
