"""`iot-authorizer users show` and `list`."""

import json
import weakref
from collections.abc import Iterator

import pytest

from iot_identities import revocations
from iot_identities.passwords import check_hash
from iot_identities.revocations import Kind, Revocation
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import Users

FIRST = "correct horse"


def test_show_prints_a_user_as_json_without_hashes(users_anywhere: Users) -> None:
    users_anywhere.done("add", "ann", "--claims", '{"rooms": ["lobby"]}', "--valid-for", "1d", typed=FIRST)
    user = users_anywhere.stored("ann")
    assert json.loads(users_anywhere.done("show", "ann", "--json")) == {
        "name": "ann",
        "claims": {"rooms": ["lobby"]},
        "disabled": False,
        "valid_until": user.valid_until,
        "created_at": user.created_at,
        "rotated_at": user.created_at,
        "passwords": [{"created_at": user.created_at, "expires_at": None, "generated": False}],
        "revoked": None,
        "failures": [],
    }


def test_show_prints_each_password_without_its_text_and_hash(users: Users) -> None:
    runs = [users("add", "ann", typed=FIRST), users("rotate", "ann", "--generate"), users("show", "ann")]
    assert FIRST not in "".join(done.stdout + done.stderr for done in runs)
    shown = runs[-1].stdout
    kinds = [line.split()[1] for line in shown.splitlines() if line.startswith("password")]
    assert (kinds, "$argon2id" in shown) == (["generated,", "chosen,"], False)
    assert all(check_hash(password.hash) not in shown for password in users.stored("ann").passwords)


def test_show_prints_the_revocation(users: Users) -> None:
    users.table.write(to_item(User("ann")))
    revocation = Revocation(Kind.PRINCIPAL, 1_800_000_000, principal="ann", expires_at=4102444800)
    users.table.write(revocations.to_item(revocation))
    shown = users.done("show", "ann").splitlines()
    assert "revoked      principal ann, until 2100-01-01 00:00:00Z" in shown
    assert json.loads(users.done("show", "ann", "--json"))["revoked"]["revoked_at"] == 1_800_000_000


def test_the_list_can_be_limited_to_a_prefix(users: Users) -> None:
    for name in ("pump-7", "pump-70", "valve-7"):
        users.table.write(to_item(User(name)))
    assert [each["name"] for each in json.loads(users.done("list", "pump", "--json"))] == ["pump-7", "pump-70"]


def test_the_list_can_be_limited_to_states(users: Users) -> None:
    for name, attributes in (("ann", {}), ("bob", {"disabled": True}), ("cleo", {"valid_until": 1})):
        users.table.write(to_item(User(name, **attributes)))
    users.table.write({"id": "user#dora"})
    found = {
        state: [each["name"] for each in json.loads(users.done("list", "--json", "--state", state))]
        for state in ("active", "disabled", "expired", "malformed")
    }
    assert found == {"active": ["ann"], "disabled": ["bob"], "expired": ["cleo"], "malformed": ["dora"]}
    both = json.loads(users.done("list", "--json", "--state", "active", "--state", "expired"))
    assert [each["name"] for each in both] == ["ann", "cleo"]


class Weak(dict[str, object]):
    """An item that can have weak references."""


@pytest.mark.parametrize("options", [(), ("--json",), ("--state", "active")], ids=str)
def test_the_list_holds_one_user_at_a_time(
    users: Users, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    held: weakref.WeakValueDictionary[int, Weak] = weakref.WeakValueDictionary()
    most = []

    def items(_: SqliteTable, prefix: str) -> Iterator[Item]:
        for number in range(3000):
            held[number] = item = Weak(to_item(User(f"{prefix}{number:05}", claims={"rooms": ["lobby"]})))
            yield item
            most.append(len(held))

    monkeypatch.setattr(SqliteTable, "items", items)
    assert users.done("list", *options).count("lobby") == 3000
    assert max(most) <= 2


def test_a_folder_without_a_table_is_an_error(users: Users) -> None:
    done = users("list", "--data", "mistyped")
    told = "Invalid value for --data: mistyped has no table yet: add a user first, or give another folder"
    assert (done.returncode, done.stderr) == (2, f"iot-authorizer: {told}\n")
    assert not (users.folder / "mistyped").exists()


def test_the_list_is_sorted_by_name(users_anywhere: Users) -> None:
    for name in ("bob", "ann", "cleo"):
        users_anywhere.table.write(to_item(User(name)))
    users_anywhere.table.write({"id": "failures#x", "count": 1})
    assert [each["name"] for each in json.loads(users_anywhere.done("list", "--json"))] == ["ann", "bob", "cleo"]


def test_the_list_in_a_pipe_has_plain_columns(users: Users) -> None:
    users.table.write(to_item(User("ann", claims={"role": "admin"})))
    users.table.write(to_item(User("pump-7", disabled=True, valid_until=1798761600)))
    users.table.write(to_item(User("x\x1b", valid_until=1)))
    assert users.done("list").splitlines() == [
        "name    state     passwords  valid until           claims",
        'ann     active    0          never                 {"role":"admin"}',
        "pump-7  disabled  0          2027-01-01 00:00:00Z  {}",
        "x\\x1b   expired   0          1970-01-01 00:00:01Z  {}",
    ]


def test_a_malformed_user_hides_no_other_from_the_list(users: Users) -> None:
    users.table.write(to_item(User("ann")))
    users.table.write({**to_item(User("bob")), "claims": "{"})
    assert json.loads(users.done("list", "--json"))[1:] == [{"name": "bob", "malformed": "claims"}]
    assert users.done("list").splitlines()[2].split() == ["bob", "malformed:", "claims"]


def test_an_empty_list_says_so(users: Users) -> None:
    done = users("list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no users\n")
    assert users("list", "bob").stderr == "no such users\n"
