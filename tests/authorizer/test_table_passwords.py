"""User names and passwords from the table of identities."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from iot_authorizer import Credentials, CredentialSource, Reason, Refusal
from iot_authorizer.table_passwords import TablePasswords
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities import passwords as hashing
from iot_identities.passwords import LONGEST_PASSWORD
from iot_identities.revocations import Kind, Revocation, principal_id
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Item
from iot_identities.user import User, to_item
from tests.authorizer.tables import NOW, QUICK, Identities, stored

RIGHT, WRONG = b"correct horse", b"guess"


@pytest.fixture
def identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identities:
    monkeypatch.setattr("iot_authorizer.table_passwords.hash_password", QUICK.hash)
    found = Identities(tmp_path / "identities.sqlite")
    found.add("ann", "correct horse", claims={"rooms": ["lobby"]})
    found.add("pump-7", stored("correct horse", generated=True))
    return found


@pytest.fixture
def verifier(identities: Identities) -> TablePasswords:
    return identities.passwords()


def sign_in(verifier: TablePasswords, name: str, password: bytes, client_id: str | None = "ann/x") -> VerifiedPrincipal:
    return verifier.verify(
        Credentials(CredentialSource.PASSWORD, user_name=name, password=password, client_id=client_id)
    )


def verdict(verifier: TablePasswords, name: str, password: bytes = RIGHT, client_id: str | None = "ann/x") -> str:
    try:
        sign_in(verifier, name, password, client_id)
    except Refusal as refusal:
        return refusal.reason
    return "allowed"


def test_the_right_password_is_allowed_with_the_stored_claims(verifier: TablePasswords) -> None:
    assert sign_in(verifier, "ann", RIGHT).principal.claims == {"rooms": ["lobby"]}


@pytest.mark.parametrize("password", [b"", WRONG, RIGHT + b" ", b"\xff", b"\x00"])
def test_a_wrong_password_is_refused(verifier: TablePasswords, password: bytes) -> None:
    assert verdict(verifier, "ann", password) == Reason.WRONG_PASSWORD


@pytest.mark.parametrize("name", ["bob", "Ann", "ann ", "#", "user#ann", "+", "*", "ann/#", "🔑", "\x00", "\ud800"])
def test_an_unknown_user_is_refused(verifier: TablePasswords, name: str) -> None:
    assert verdict(verifier, name) == Reason.UNKNOWN_USER


@pytest.mark.parametrize(("name", "password"), [("a" * 257, RIGHT), ("ann", b"x" * (LONGEST_PASSWORD + 1))])
def test_what_is_longer_than_the_limit_is_refused_before_anything_is_looked_up(
    identities: Identities, name: str, password: bytes
) -> None:
    assert verdict(identities.passwords(identities.failing()), name, password) == Reason.PASSWORD_TOO_LONG


ENDS = {"never": (None, None, None), "user": (600, None, 600), "password": (None, 700, 700), "both": (600, 700, 600)}


@pytest.mark.parametrize(("of_user", "of_password", "expected"), ENDS.values(), ids=ENDS)
def test_a_session_ends_with_the_user_or_the_password_whichever_expires_first(
    identities: Identities, verifier: TablePasswords, of_user: int | None, of_password: int | None, expected: int | None
) -> None:
    ends = [None if end is None else NOW + end for end in (of_user, of_password, expected)]
    identities.add("ann", "new", stored("old", expires_at=ends[1]), valid_until=ends[0])
    assert sign_in(verifier, "ann", b"old").expires_at == ends[2]


@pytest.mark.parametrize(("seconds", "of_old"), [(0, "allowed"), (60, Reason.PASSWORD_EXPIRED)])
def test_while_a_password_is_rotated_both_are_allowed_and_then_only_the_new_one(
    identities: Identities, verifier: TablePasswords, seconds: int, of_old: str
) -> None:
    identities.add("ann", "new", stored("old", expires_at=NOW + 60))
    identities.now += seconds
    assert (verdict(verifier, "ann", b"new"), verdict(verifier, "ann", b"old")) == ("allowed", of_old)


REFUSED: dict[str, tuple[Callable[[Identities], None], Reason]] = {
    "without-password": (lambda identities: identities.add("ann"), Reason.WRONG_PASSWORD),
    "disabled": (lambda identities: identities.add("ann", "correct horse", disabled=True), Reason.USER_DISABLED),
    "expired": (lambda identities: identities.add("ann", "correct horse", valid_until=NOW), Reason.USER_EXPIRED),
    "password-expired": (
        lambda identities: identities.add("ann", "new", stored("correct horse", expires_at=NOW)),
        Reason.PASSWORD_EXPIRED,
    ),
    "revoked": (
        lambda identities: identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann")),
        Reason.PRINCIPAL_REVOKED,
    ),
}


@pytest.mark.parametrize(("refuse", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_user_that_must_not_connect_is_refused_and_a_wrong_password_does_not_tell_why(
    identities: Identities, verifier: TablePasswords, refuse: Callable[[Identities], None], reason: Reason
) -> None:
    refuse(identities)
    assert (verdict(verifier, "ann", WRONG), verdict(verifier, "ann")) == (Reason.WRONG_PASSWORD, reason)


def test_a_revocation_of_tokens_issued_before_a_time_revokes_no_password(
    identities: Identities, verifier: TablePasswords
) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann", issued_before=NOW))
    identities.revoke(Revocation(Kind.BEFORE, NOW, issued_before=NOW))
    assert verdict(verifier, "ann") == "allowed"


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_guessing_is_locked_whether_the_user_exists_or_not(verifier: TablePasswords, name: str) -> None:
    for _ in range(10):
        verdict(verifier, name, WRONG, "stranger")
    assert verdict(verifier, name, RIGHT, "stranger") == Reason.LOCKED


def test_a_client_id_that_has_signed_in_is_not_locked_out_by_strangers(verifier: TablePasswords) -> None:
    verdict(verifier, "ann")
    reasons = [verdict(verifier, "ann", WRONG, f"stranger-{number}") for number in range(11)]
    assert (reasons[-1], verdict(verifier, "ann")) == (Reason.LOCKED, "allowed")


@pytest.mark.parametrize("refuse", [each for each, reason in REFUSED.values() if reason != Reason.WRONG_PASSWORD])
def test_a_client_that_repeats_the_right_password_while_it_is_refused_waits_15_minutes_at_most_afterwards(
    identities: Identities, verifier: TablePasswords, refuse: Callable[[Identities], None]
) -> None:
    verdict(verifier, "ann")
    refuse(identities)
    reasons = [verdict(verifier, "ann") for _ in range(30)]
    identities.table.delete(principal_id("ann"))
    identities.add("ann", "correct horse")
    identities.now += 15 * 60
    assert (len(set(reasons)), reasons[-1], verdict(verifier, "ann")) == (2, Reason.LOCKED, "allowed")


def test_a_refusal_in_a_lock_tells_the_log_how_long_it_lasts(identities: Identities, verifier: TablePasswords) -> None:
    for _ in range(10):
        verdict(verifier, "ann", WRONG, "stranger")
    identities.now += 10
    with pytest.raises(Refusal) as refused:
        sign_in(verifier, "ann", RIGHT, "stranger")
    assert (refused.value.reason, refused.value.detail) == (Reason.LOCKED, "890s")


def test_a_generated_password_is_never_locked(verifier: TablePasswords) -> None:
    for _ in range(20):
        verdict(verifier, "pump-7", WRONG, "stranger")
    assert verdict(verifier, "pump-7", RIGHT, "stranger") == "allowed"


def test_a_generated_password_is_not_locked_either_while_a_chosen_one_is_still_good(
    identities: Identities, verifier: TablePasswords
) -> None:
    identities.add("pump-7", stored("correct horse", generated=True), stored("chosen", expires_at=NOW + 600))
    for _ in range(10):
        verdict(verifier, "pump-7", WRONG, "stranger")
    reasons = [verdict(verifier, "pump-7", password, "stranger") for password in (RIGHT, b"chosen", RIGHT, b"chosen")]
    assert reasons == ["allowed", Reason.LOCKED] * 2


@pytest.mark.parametrize("failures", [0, 10], ids=["at first", "in a lock"])
@pytest.mark.parametrize(("name", "named"), [("ann", "ann"), ("s3cret-typed-into-the-wrong-field", None)])
def test_only_a_user_that_exists_is_named(
    verifier: TablePasswords, name: str, named: str | None, failures: int
) -> None:
    """People type passwords into the user name field."""
    for _ in range(failures):
        verdict(verifier, name, WRONG)
    with pytest.raises(Refusal) as refused:
        sign_in(verifier, name, WRONG)
    assert (refused.value.principal and refused.value.principal.name) == named


@pytest.mark.parametrize(
    ("name", "password", "answers", "expected"),
    [
        pytest.param("ann", RIGHT, 0, Reason.TABLE_UNAVAILABLE, id="nothing answers"),
        pytest.param("ann", RIGHT, 1, Reason.TABLE_UNAVAILABLE, id="a right password is not counted"),
        pytest.param("ann", WRONG, 1, Reason.TABLE_UNAVAILABLE, id="a wrong password is not counted"),
        pytest.param("ann", RIGHT, 2, "allowed", id="a right password is not taken off again"),
        pytest.param("ann", RIGHT, 3, "allowed", id="the client ID is not stored"),
        pytest.param("pump-7", RIGHT, 1, "allowed", id="a generated password needs no write"),
        pytest.param("pump-7", WRONG, 1, Reason.TABLE_UNAVAILABLE, id="a wrong one for a generated password does"),
    ],
)
def test_while_the_table_does_not_answer_or_count_passwords_are_refused(
    identities: Identities, name: str, password: bytes, answers: int, expected: str
) -> None:
    assert verdict(identities.passwords(identities.failing(answers)), name, password) == expected


@pytest.mark.parametrize("is_known", [False, True])
def test_while_nothing_can_be_counted_no_password_is_looked_at(
    identities: Identities, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    if is_known:
        verdict(identities.passwords(), "ann")
    cost = Cost(identities, monkeypatch)
    for password in [WRONG] * 30 + [RIGHT]:
        cost.calls.answers = 1
        assert verdict(cost.verifier, "ann", password) == Reason.TABLE_UNAVAILABLE
    assert cost.hashes == 0


def test_a_generated_password_writes_nothing(identities: Identities) -> None:
    once = identities.failing(answers=5)
    assert (verdict(identities.passwords(once), "pump-7"), once.answers) == ("allowed", 4)


class Together(SqliteTable):
    """A table that answers reads only when all have read."""

    all_have_read: Barrier

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        found = super().read(ids)
        self.all_have_read.wait()
        return found


@pytest.mark.parametrize("is_known", [False, True])
def test_of_12_wrong_passwords_at_once_10_are_looked_at(identities: Identities, is_known: bool) -> None:
    if is_known:
        verdict(identities.passwords(), "ann")
    table = Together(identities.path, lambda: identities.now)
    table.all_have_read = Barrier(12)
    verifier = identities.passwords(table)
    with ThreadPoolExecutor(12) as threads:
        reasons = list(threads.map(lambda _: verdict(verifier, "ann", WRONG), range(12)))
    assert (reasons.count(Reason.WRONG_PASSWORD), reasons.count(Reason.LOCKED)) == (10, 2)


def test_a_malformed_item_allows_no_client(identities: Identities, verifier: TablePasswords) -> None:
    identities.table.write({"id": "user#ann", "passwords": "correct horse"})
    with pytest.raises(Refusal, match=Reason.MALFORMED_ITEM) as refused:
        sign_in(verifier, "ann", RIGHT)
    assert refused.value.principal is not None
    assert refused.value.principal.name == "ann"


@pytest.mark.parametrize("still_good", [False, True])
def test_a_client_id_that_knew_the_password_before_is_a_stranger_unless_that_one_is_still_good(
    identities: Identities, verifier: TablePasswords, still_good: bool
) -> None:
    verdict(verifier, "ann")
    identities.now += 60
    old = (stored("correct horse", expires_at=NOW + 6000),) if still_good else ()
    identities.table.write(to_item(User("ann", (replace(stored("new"), created_at=NOW + 60), *old))))
    for number in range(10):
        verdict(verifier, "ann", WRONG, f"stranger-{number}")
    assert verdict(verifier, "ann", b"new") == ("allowed" if still_good else Reason.LOCKED)


class Cost:
    """Counts what an attempt costs."""

    def __init__(self, identities: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes = 0
        self.calls = identities.failing(answers=1000)
        self.verifier = identities.passwords(self.calls)
        verify = hashing.verify_password

        def counting(encoded: str, password: bytes) -> bool:
            self.hashes += 1
            return verify(encoded, password)

        monkeypatch.setattr("iot_authorizer.table_passwords.verify_password", counting)

    def of(self, name: str, password: bytes) -> tuple[int, int]:
        """Hashes and calls of one refusal."""
        hashes, calls = self.hashes, self.calls.answers
        assert verdict(self.verifier, name, password, "stranger") != "allowed"
        return self.hashes - hashes, calls - self.calls.answers


USERS = {
    "unknown": ("nobody", WRONG),
    "one-password": ("ann", WRONG),
    "two-passwords": ("rotated", WRONG),
    "generated": ("pump-7", WRONG),
    "generated-and-chosen": ("mixed", WRONG),
    "no-password": ("claims-only", WRONG),
    "disabled": ("disabled", RIGHT),
    "expired": ("expired", RIGHT),
    "malformed": ("malformed", RIGHT),
}


@pytest.mark.parametrize("failures", [0, 9, 11])
@pytest.mark.parametrize(("name", "password"), USERS.values(), ids=USERS)
def test_each_refusal_costs_the_same(
    identities: Identities, monkeypatch: pytest.MonkeyPatch, name: str, password: bytes, failures: int
) -> None:
    identities.add("rotated", "new", stored("old", expires_at=NOW + 60))
    identities.add("mixed", stored("new", generated=True), "old")
    identities.add("claims-only")
    identities.add("disabled", "correct horse", disabled=True)
    identities.add("expired", "correct horse", valid_until=NOW)
    identities.table.write({"id": "user#malformed"})
    cost = Cost(identities, monkeypatch)
    for _ in range(failures):
        cost.of(name, WRONG)
    assert cost.of(name, password) == (2, 2)


@pytest.mark.parametrize("disabled", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_each_refusal_costs_the_same_before_and_in_a_lock(
    identities: Identities, monkeypatch: pytest.MonkeyPatch, known: bool, disabled: bool
) -> None:
    if known:
        verdict(identities.passwords(), "ann", RIGHT, "stranger")
    identities.add("ann", "correct horse", disabled=disabled)
    cost = Cost(identities, monkeypatch)
    passwords = (RIGHT, WRONG) * 6 if disabled else (WRONG,) * 12 + (RIGHT,)
    assert [cost.of("ann", password) for password in passwords] == [(2, 2)] * len(passwords)
