"""`iot-authorizer users show` and `list`."""

import json

from identities.passwords import check_hash
from identities.user import User, to_item
from tests.local.users.conftest import Users

FIRST = "correct horse"


def test_no_output_holds_a_chosen_password(users: Users) -> None:
    runs = [users("add", "ann", typed=FIRST), users("rotate", "ann", typed=FIRST), users("show", "ann")]
    assert FIRST not in "".join(done.stdout + done.stderr for done in runs)


def test_show_tells_all_but_hashes(users_anywhere: Users) -> None:
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
        "failures": [],
    }


def test_show_for_people_tells_each_password(users: Users) -> None:
    users.done("add", "ann", typed=FIRST)
    users.done("rotate", "ann", "--generate")
    shown = users.done("show", "ann")
    kinds = [line.split()[1] for line in shown.splitlines() if line.startswith("password")]
    assert (kinds, "$argon2id" in shown) == (["generated,", "chosen,"], False)
    assert all(check_hash(password.hash) not in shown for password in users.stored("ann").passwords)


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
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "there are no users\n")
