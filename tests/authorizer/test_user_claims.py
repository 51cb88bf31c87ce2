"""Claims that a service changes: what is stored, what is refused, and that the authorizer agrees."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from iot_authorizer.user_claims import InvalidClaims, UserClaims, check_claims, check_user_name
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User
from iot_identities.users import UnknownUser, add_user, find_user
from iot_policies import PolicyTemplate
from tests import PACKAGES_PATH, ROOT
from tests.authorizer.events import bearer
from tests.authorizer.handlers import jwt_table, start
from tests.authorizer.tables import QUICK, Identities
from tests.authorizer.tokens import mint

CHAT = PolicyTemplate.load(ROOT / "policies/chat.toml")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The development table, with a user."""
    path = tmp_path / "identities.sqlite"
    password = StoredPassword(QUICK.hash("secret"), created_at=1)
    add_user(SqliteTable(path), User("ann", (password,), {"rooms": ["lobby"], "role": "guest"}))
    return path


@pytest.fixture
def users(path: Path) -> UserClaims:
    return UserClaims(str(path), CHAT)


def test_a_change_keeps_the_other_claims_and_the_passwords(users: UserClaims, path: Path) -> None:
    before = find_user(SqliteTable(path), "ann")
    changed = users.change("ann", lambda claims: {**claims, "rooms": ["attic"]})
    assert changed == users.read("ann") == {"rooms": ["attic"], "role": "guest"}
    assert find_user(SqliteTable(path), "ann").passwords == before.passwords


def test_a_replacement_leaves_no_other_claim(users: UserClaims) -> None:
    users.replace("ann", {"rooms": []})
    assert users.read("ann") == {"rooms": []}


def test_changes_at_the_same_time_are_all_there(path: Path) -> None:
    def join(room: str) -> None:
        UserClaims(path, CHAT).change("ann", lambda claims: {**claims, "rooms": [*rooms_of(claims), room]})

    names = [f"room-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(join, names))
    assert sorted(rooms_of(UserClaims(path, CHAT).read("ann"))) == ["lobby", *names]


def rooms_of(claims: Mapping[str, Any]) -> list[str]:
    found: list[str] = claims["rooms"]
    return found


def test_a_user_that_is_missing_is_added_only_if_that_is_said_and_has_no_password(
    users: UserClaims, path: Path
) -> None:
    with pytest.raises(UnknownUser):
        users.replace("bob", {"rooms": ["lobby"]})
    users.replace("bob", {"rooms": ["lobby"]}, add_missing=True)
    bob = find_user(SqliteTable(path), "bob")
    assert (bob.claims, bob.passwords) == ({"rooms": ["lobby"]}, ())


MANY = [f"a-room-with-a-long-name-{number:0>60}" for number in range(200)]
REFUSED: list[tuple[object, str]] = [
    ({"rooms": ["#"]}, "unsafe_value"),
    ({"rooms": ["a/b"]}, "unsafe_value"),
    ({"rooms": ["re\u0301gis"]}, "invalid_name"),
    ({"rooms": ["lobby "]}, "invalid_name"),
    ({"suspended": {"since": 1}}, "unclear_denial"),
    ({"rooms": MANY}, "policy_too_large"),
    ({"rooms": {"lobby"}}, "expected what JSON has"),
    ({"level": float("nan")}, "expected what JSON has"),
    ({"note": "\ud800"}, "expected what JSON has"),
    ({"note": "x" * 65_536}, "at most 65536 bytes"),
    ({1: "a", "1": "b"}, "the same text in JSON"),
    (["lobby"], "expected claims, as in {'rooms': ['lobby']}, found list"),
    (None, "found NoneType"),
]


@pytest.mark.parametrize(("claims", "expected"), REFUSED, ids=[expected[:25] for _, expected in REFUSED])
def test_claims_that_the_authorizer_would_refuse_are_not_stored(users: UserClaims, claims: Any, expected: str) -> None:  # noqa: ANN401
    before = users.read("ann")
    with pytest.raises(InvalidClaims) as refused:
        users.replace("ann", claims)
    assert expected in str(refused.value)
    assert users.read("ann") == before


def test_claims_of_a_user_who_may_then_do_nothing_are_stored(path: Path) -> None:
    template = PolicyTemplate.parse(b'[[grant]]\nwhen = { rooms = "*" }\nconnect = ["{principal}"]\n', "t.toml")
    UserClaims(path, template).replace("ann", {})
    assert UserClaims(path, template).read("ann") == {}


JUDGED = [{"rooms": ["lobby"]}, {"rooms": "lobby"}, {"rooms": []}, {"role": 7}, {"a": {"b": [None, 1.5]}}]
JUDGED += [claims for claims, reason in REFUSED if isinstance(claims, dict) and "_" in reason]


@pytest.mark.parametrize("claims", JUDGED, ids=lambda claims: str(claims)[:30])
def test_the_authorizer_refuses_exactly_what_is_refused_here_and_for_the_same_reason(
    identities: Identities, tmp_path: Path, claims: Mapping[str, object]
) -> None:
    identities.add("ann", claims=claims)
    policy = (ROOT / "policies/chat.toml").read_text()
    variables = {"AUTHORIZER__TABLE": "identities"}
    authorizer = start(tmp_path, jwt_table(stored_claims=True), policy=policy, environment=variables)
    assert authorizer.verdict(bearer(mint())) == judged_here(claims)


def judged_here(claims: Mapping[str, object]) -> str:
    """The reason code of the refusal, or `allowed`."""
    try:
        check_claims("ann", claims, CHAT)
    except InvalidClaims as error:
        return str(error).partition("(")[2].partition(")")[0]
    return "allowed"


@pytest.mark.parametrize("name", ["pump-7", "ann@example.com", "a b", "é", "x" * 128, "-"])
def test_a_name_that_is_one_level_of_a_topic_is_accepted(name: str) -> None:
    assert check_user_name(name) == name


NAMES = ["", "a/b", "+", "#", "a*", "a?b", "$aws", "a\nb", "a\x00", "\ud800", "x" * 129, "é" * 65, " ann", "ann "]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_no_template_can_use_safely_is_refused(users: UserClaims, name: str) -> None:
    with pytest.raises(ValueError, match="a user name"):
        users.replace(name, {}, add_missing=True)


def test_a_data_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*: start iot-authorizer dev"):
        UserClaims(f"{tmp_path}/data/identities.sqlite", CHAT)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_needs_no_configuration_of_the_lambda(path: Path) -> None:
    program = """
import sys
from iot_authorizer.user_claims import UserClaims
UserClaims(sys.argv[1], None).replace("ann", {"rooms": ["attic"]})
print([name for name in sys.modules if name.startswith(("boto", "iot_authorizer.configuration"))])
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGES_PATH}
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, UserClaims(path, CHAT).read("ann")) == ("[]\n", {"rooms": ["attic"]})
