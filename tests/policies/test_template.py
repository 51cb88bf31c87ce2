"""Templates that load: the ready ones and their content."""

from pathlib import Path

import pytest

from iot_policies import NothingGranted, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from tests import READY, ROOT
from tests.policies.probes import ACCOUNT, PREFIX, REGION
from tests.policies.reference import decide

CHAT = PolicyTemplate.load((ROOT / "policies") / "chat.toml")


def load(tmp_path: Path, content: str) -> PolicyTemplate:
    (tmp_path / "a.toml").write_text(content, encoding="utf-8")
    return PolicyTemplate.load(tmp_path / "a.toml")


@pytest.mark.parametrize("path", READY, ids=lambda path: path.name)
def test_a_ready_template_loads_and_grants_something(path: Path) -> None:
    assert PolicyTemplate.load(path).entries


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        *(("refresh_after", text, seconds) for text, seconds in (("5m", 300), ("300s", 300), ("24h", 86_400))),
        *(("disconnect_after", text, seconds) for text, seconds in (("5m", 300), ("1d", 86_400))),
        *(("spread", text, share) for text, share in (("0%", 0.0), ("10%", 0.1), ("90%", 0.9))),
    ],
)
def test_session_times_reach_from_5_minutes_to_a_day_and_the_spread_to_90_percent(
    key: str, text: str, expected: float, tmp_path: Path
) -> None:
    assert getattr(load(tmp_path, f'[session]\n{key} = "{text}"').session, key) == expected


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
    return decide(policy.documents(AccountRegion(REGION, ACCOUNT)), action, PREFIX + resource)


LOBBY: dict[str, object] = {"rooms": ["lobby"]}
MODERATOR: dict[str, object] = {"role": "moderator"}
SUSPENDED: dict[str, object] = {"suspended": True}


@pytest.mark.parametrize(
    ("claims", "action", "resource", "expected"),
    [
        (LOBBY, "Connect", "client/ann", True),
        (LOBBY, "Connect", "client/ann/phone", True),
        (LOBBY, "Connect", "client/ann-marie", False),
        (LOBBY, "Publish", "topic/users/ann/outbox", True),
        (LOBBY, "Publish", "topic/users/bob/outbox", False),
        (SUSPENDED, "Publish", "topic/users/ann/outbox", False),
        (LOBBY, "Subscribe", "topicfilter/users/ann/inbox/#", True),
        (LOBBY, "Subscribe", "topicfilter/users/+/inbox/#", False),
        (LOBBY, "Receive", "topic/users/ann/inbox/7", True),
        (SUSPENDED, "Receive", "topic/users/ann/inbox/7", True),
        (LOBBY, "Publish", "topic/rooms/lobby/say/ann", True),
        (LOBBY, "Publish", "topic/rooms/lobby/say/bob", False),
        (LOBBY, "RetainPublish", "topic/rooms/lobby/topic", True),
        (LOBBY, "RetainPublish", "topic/rooms/lobby/say/ann", False),
        (LOBBY, "Subscribe", "topicfilter/rooms/lobby/+/+", True),
        (LOBBY, "Subscribe", "topicfilter/rooms/#", False),
        (LOBBY, "Subscribe", "topicfilter/rooms/attic/#", False),
        (LOBBY, "Subscribe", "topicfilter/#", False),
        (LOBBY, "Publish", "topic/rooms/lobby/mute/bob", False),
        (MODERATOR, "Publish", "topic/rooms/attic/mute/bob", True),
        (MODERATOR, "Publish", "topic/rooms/attic/mute/bob/x", False),
    ],
)
def test_the_chat_allows_its_users_exactly_this(
    claims: dict[str, object], action: str, resource: str, expected: bool
) -> None:
    assert chat_allows(f"iot:{action}", resource, **claims) is expected
