"""Session tokens: what is sealed into them, and which do not open."""

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.iam.access_keys import AccessKey
from iot_core.iam.identity_pool import IdentityPool
from iot_core.iam.roles import CLIENT_ROLE, Role, Roles, RoleSession
from iot_core.iam.temporary_keys import TemporaryKeys, sealing_key
from iot_policies import InvalidFile
from iot_policies.connection import Connection
from iot_policies.documents import InvalidDocument
from iot_policies.iam import parse_iam_document
from tests.clock import Clock
from tests.local.iam.signers import NOW, PLACE, REGION, policy

ARN = f"arn:aws:iot:{REGION}:123456789012:"
SECRET = bytes(range(32))
POOL = IdentityPool(REGION, SECRET)
CLOCK = Clock(NOW)
ROLES = Roles(PLACE, POOL.pool_id, CLOCK)
KEYS = TemporaryKeys(SECRET, ROLES.principal)
ANN = RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 3600)


def token_of(key: AccessKey) -> str:
    assert key.session_token is not None
    return key.session_token


TOKEN = token_of(KEYS.issue(ANN))


def allows(key: AccessKey, action: str, resource: str) -> bool:
    return key.principal.evaluator(Connection(client_id="ann")).allows(action, ARN + resource)


def test_a_token_opens_to_the_key_that_was_issued() -> None:
    key = KEYS.issue(ANN)
    assert KEYS.open(token_of(key)) == key
    assert key.key_id.startswith("ASIA")
    assert KEYS.issue(ANN).secret != key.secret


def test_a_token_opens_after_a_restart_and_in_no_other_data_folder(tmp_path: Path) -> None:
    token = token_of(TemporaryKeys(sealing_key(tmp_path), ROLES.principal).issue(ANN))
    assert TemporaryKeys(sealing_key(tmp_path), ROLES.principal).open(token) is not None
    assert TemporaryKeys(sealing_key(tmp_path / "other"), ROLES.principal).open(token) is None


@given(st.data())
def test_a_token_with_any_change_does_not_open(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.sampled_from(["", "A", "/", "=", "\n", "é", TOKEN[index] * 2]))
    changed = TOKEN[:index] + other + TOKEN[index + 1 :]
    assert changed == TOKEN or KEYS.open(changed) is None


@given(st.one_of(st.text(), st.binary().map(lambda content: base64.b64encode(content).decode())))
def test_any_text_is_no_token(text: str) -> None:
    assert KEYS.open(text) is None


@dataclass(frozen=True, slots=True)
class _Later(RoleSession):
    """A session as another version of the program could seal it."""

    region: str = REGION


def test_a_token_that_another_version_of_the_program_sealed_does_not_open() -> None:
    assert KEYS.open(token_of(KEYS.issue(_Later(CLIENT_ROLE, "ann", NOW, NOW + 3600)))) is None


def test_a_token_shows_neither_the_secret_nor_the_policy() -> None:
    key = KEYS.issue(RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 60, policy(("iot:Publish", "*"))))
    content = base64.b64decode(token_of(key))
    assert key.secret.encode() not in content
    assert b"iot:Publish" not in content


def test_an_invalid_session_policy_gets_no_key() -> None:
    with pytest.raises(InvalidDocument):
        KEYS.issue(RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 60, "{}"))


def test_only_its_owner_can_read_the_sealing_key(tmp_path: Path) -> None:
    sealing_key(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(InvalidFile, match="other users can read it"):
        sealing_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"00", b"x" * 64])
def test_a_file_without_a_sealing_key_is_refused_and_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    sealing_key(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match="remove the file"):
        sealing_key(tmp_path)


# What a session may do.

CLIENT_MAY = [
    ("iot:Connect", "client/ann"),
    ("iot:Publish", "topic/a/b"),
    ("iot:RetainPublish", "topic/a"),
    ("iot:Receive", "topic/a"),
    ("iot:Subscribe", "topicfilter/a/#"),
    ("iot:GetRetainedMessage", "topic/a"),
    ("iot:SendDirectMessage", "client/ann"),
]


@pytest.mark.parametrize(("action", "resource"), CLIENT_MAY)
def test_the_clients_role_allows_the_data_plane_of_its_account_only(action: str, resource: str) -> None:
    principal = KEYS.issue(ANN).principal
    evaluator = principal.evaluator(Connection())
    assert evaluator.allows(action, ARN + resource)
    assert not evaluator.allows(action, ARN.replace("123456789012", "210987654321") + resource)
    assert not evaluator.allows(action, ARN.replace(REGION, "us-west-2") + resource)


@pytest.mark.parametrize(
    "action", ["iot:DeleteConnection", "iot:GetConnection", "iot:UpdateAuthorizer", "sts:AssumeRole"]
)
def test_the_clients_role_allows_nothing_else(action: str) -> None:
    assert not allows(KEYS.issue(ANN), action, "client/ann")


def test_a_session_policy_only_takes_away() -> None:
    limited = KEYS.issue(RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 60, policy(("iot:*", f"{ARN}client/ann"))))
    assert allows(limited, "iot:Connect", "client/ann")
    assert not allows(limited, "iot:Connect", "client/bob")
    assert not allows(limited, "iot:DeleteConnection", "client/ann")


def test_a_condition_on_the_time_is_decided_at_each_request() -> None:
    clock = Clock(NOW)
    keys = TemporaryKeys(SECRET, Roles(PLACE, POOL.pool_id, clock).principal)
    until = policy(("iot:Connect", "*")).replace(
        '"Resource"', f'"Condition": {{"NumericLessThan": {{"aws:EpochTime": "{NOW + 60}"}}}}, "Resource"'
    )
    key = keys.issue(RoleSession(CLIENT_ROLE, "ann", NOW, NOW + 3600, until))
    assert allows(key, "iot:Connect", "client/ann")
    clock.now += 60
    assert not allows(key, "iot:Connect", "client/ann")


def test_a_session_that_is_not_an_identitys_has_no_value_for_the_identitys_variable() -> None:
    ROLES.put(
        Role(
            "guests",
            parse_iam_document(policy(("iot:Connect", f"{ARN}client/${{cognito-identity.amazonaws.com:sub}}"))),
        )
    )
    identity = POOL.new_guest()
    guest = KEYS.issue(RoleSession("guests", "CognitoIdentityCredentials", NOW, NOW + 60, identity=identity))
    other = KEYS.issue(RoleSession("guests", "ann", NOW, NOW + 60))
    assert allows(guest, "iot:Connect", f"client/{identity}")
    assert not allows(other, "iot:Connect", f"client/{identity}")
