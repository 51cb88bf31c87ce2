"""Users as items of the table."""

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.reading import MalformedItem
from iot_identities.table import Item
from iot_identities.user import LARGEST_CLAIMS, StoredPassword, User, from_item, to_item, user_id

HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
OTHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("battery staple")
ANN = User("ann", (StoredPassword(HASH, created_at=10),), {"rooms": ["lobby"]}, created_at=10, rotated_at=10)

times = st.integers(0, 2**40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
passwords = st.builds(
    StoredPassword, hash=st.sampled_from([HASH, OTHER]), created_at=times, expires_at=st.none() | times
)
users = st.builds(
    User,
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256),
    passwords=st.lists(passwords, max_size=2).map(tuple),
    claims=st.dictionaries(st.text(), json_values, max_size=3),
    disabled=st.booleans(),
    valid_until=st.none() | times,
    created_at=times,
    rotated_at=times,
)


@given(users)
def test_a_user_comes_back_from_its_item(user: User) -> None:
    assert from_item(to_item(user)) == user


def test_a_new_password_takes_the_place_of_all_others_which_can_stay_valid_for_some_time() -> None:
    new = StoredPassword(OTHER, created_at=20)
    assert ANN.with_password(new).passwords == (new,)
    assert ANN.with_password(new, keep_until=99).passwords == (new, StoredPassword(HASH, 10, expires_at=99))


def test_of_three_passwords_the_oldest_goes() -> None:
    twice = ANN.with_password(StoredPassword(OTHER, created_at=20), keep_until=99)
    third = twice.with_password(StoredPassword(HASH, created_at=30), keep_until=120)
    assert [password.created_at for password in third.passwords] == [30, 20]


def test_a_rotation_does_not_extend_an_expired_password() -> None:
    over = User("ann", (StoredPassword(HASH, created_at=10, expires_at=15),))
    kept = over.with_password(StoredPassword(OTHER, created_at=20), keep_until=99).passwords[1]
    assert kept.expires_at == 15


GENERATED, CHOSEN = StoredPassword(HASH, generated=True), StoredPassword(OTHER)


@pytest.mark.parametrize(
    ("passwords", "guessable"),
    [
        pytest.param((), True, id="no password"),
        pytest.param((GENERATED,), False, id="a generated one"),
        pytest.param((GENERATED, CHOSEN), True, id="a chosen one behind"),
        pytest.param((CHOSEN, GENERATED), True, id="a chosen one before"),
        pytest.param((GENERATED, StoredPassword(OTHER, expires_at=60)), True, id="a chosen one that is valid"),
        pytest.param((GENERATED, StoredPassword(OTHER, expires_at=59)), False, id="a chosen one that has expired"),
    ],
)
def test_a_user_with_a_chosen_password_or_none_is_guessable(
    passwords: tuple[StoredPassword, ...], guessable: bool
) -> None:
    assert User("ann", passwords).guessable(59) is guessable


@pytest.mark.parametrize("name", ["", "a" * 257])
def test_a_name_that_no_client_could_send_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 256 characters"):
        user_id(name)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (User("ann", claims={"x": "y" * LARGEST_CLAIMS}), "claims: expected at most"),
        (User("ann", (StoredPassword("correct horse"),)), "expected an argon2id hash"),
    ],
    ids=["large claims", "a password that is no hash"],
)
def test_a_user_that_can_not_be_stored_is_refused(user: User, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_item(user)


def test_a_hash_is_in_no_representation() -> None:
    assert HASH not in repr(ANN)


def damaged(**changes: object) -> Item:
    return to_item(ANN) | changes


PASSWORD = {"hash": HASH, "created_at": 10, "expires_at": None, "generated": False}
DAMAGED = {
    "passwords-no-list": damaged(passwords=HASH),
    "three-passwords": damaged(passwords=[PASSWORD] * 3),
    "password-no-map": damaged(passwords=[HASH]),
    "plain-text": damaged(passwords=[{**PASSWORD, "hash": "correct horse"}]),
    "expiry-in-words": damaged(passwords=[{**PASSWORD, "expires_at": "soon"}]),
    "expiry-left-out": damaged(passwords=[{key: PASSWORD[key] for key in ("hash", "created_at", "generated")}]),
    "generated-in-words": damaged(passwords=[{**PASSWORD, "generated": "yes"}]),
    "claims-no-json": damaged(claims="{"),
    "claims-no-object": damaged(claims="[]"),
    "claims-a-map": damaged(claims={}),
    "deep-claims": damaged(claims="[" * 100_000),
    "disabled-a-number": damaged(disabled=0),
    "disabled-left-out": {key: value for key, value in to_item(ANN).items() if key != "disabled"},
    "valid-until-true": damaged(valid_until=True),
    "created-in-words": damaged(created_at="yesterday"),
}


@pytest.mark.parametrize("item", DAMAGED.values(), ids=DAMAGED)
def test_an_item_that_is_not_as_written_is_malformed(item: Item) -> None:
    with pytest.raises(MalformedItem):
        from_item(item)


def test_the_error_quotes_nothing() -> None:
    with pytest.raises(MalformedItem) as refused:
        from_item(damaged(passwords=[{**PASSWORD, "hash": "correct horse"}]))
    assert str(refused.value) == "hash"
