"""User names and passwords."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Credentials, CredentialSource, Reason, Refusal
from iot_authorizer.configuration import PasswordEntry
from iot_authorizer.file_passwords import FilePasswords
from iot_identities import passwords
from iot_identities.passwords import LONGEST_PASSWORD
from iot_policies import InvalidFile
from tests.authorizer.events import SDK, event, with_password
from tests.authorizer.handlers import Running, start, table

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = QUICK.hash("correct horse")
_, KIND, VERSION, COST, SALT, DIGEST = HASH.split("$")


def write_users(folder: Path, **hashes: str) -> str:
    """Writes a password file and returns its `[passwords]` table."""
    users = [
        table(f'[users."{name}"]', hash=text) + 'claims = { rooms = ["lobby"] }\n' for name, text in hashes.items()
    ]
    (folder / "users.toml").write_text("\n".join(users))
    return '[passwords]\nfile = "users.toml"\n'


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Knows ann, whose password is `correct horse`."""
    folder = tmp_path_factory.mktemp("guarded")
    return start(folder, write_users(folder, ann=HASH))


def test_the_right_password_is_allowed(guarded: Running) -> None:
    assert guarded.verdict(with_password("ann", b"correct horse")) == "allowed"


def test_the_sdks_parameters_do_not_belong_to_the_user_name(guarded: Running) -> None:
    assert guarded.verdict(with_password(f"ann?{SDK}", b"correct horse")) == "allowed"


def test_the_user_name_names_the_principal(guarded: Running) -> None:
    line = guarded(with_password("ann", b"correct horse")).decision
    assert (line["principal"], line["source"]) == ("ann", "password")


def test_the_file_holds_the_principals_claims(guarded: Running) -> None:
    answer = guarded(with_password("ann", b"correct horse")).answer
    assert ":topic/rooms/lobby/say" in str(answer["policyDocuments"])


WRONG = [b"", b"correct horse ", b"correct hors", b"Correct horse", b"correct horse\x00", b"\x00", b"\xff\xfe"]


@pytest.mark.parametrize("password", WRONG)
def test_a_wrong_password_is_refused(guarded: Running, password: bytes) -> None:
    assert guarded.verdict(with_password("ann", password)) == Reason.WRONG_PASSWORD


@pytest.mark.parametrize("name", ["bob", "Ann", "ann ", " ann", "ann/x", "ann%40"])
def test_an_unknown_user_is_refused(guarded: Running, name: str) -> None:
    assert guarded.verdict(with_password(name, b"correct horse")) == Reason.UNKNOWN_USER


def test_a_wrong_password_names_its_principal_in_the_log(guarded: Running) -> None:
    assert guarded(with_password("ann", b"guess")).decision["principal"] == "ann"


def test_an_unknown_user_is_not_named_in_the_log(guarded: Running) -> None:
    assert "principal" not in guarded(with_password("s3cret-typed-into-the-wrong-field", b"guess")).decision


def test_a_password_longer_than_the_limit_is_refused(guarded: Running) -> None:
    too_long = with_password("ann", b"x" * (LONGEST_PASSWORD + 1))
    assert guarded.verdict(too_long) == Reason.PASSWORD_TOO_LONG


def test_a_password_as_long_as_the_limit_is_verified(guarded: Running) -> None:
    assert guarded.verdict(with_password("ann", b"x" * LONGEST_PASSWORD)) == Reason.WRONG_PASSWORD


def test_a_user_name_longer_than_the_limit_is_refused(guarded: Running) -> None:
    assert guarded.verdict(with_password("a" * 257, b"correct horse")) == Reason.PASSWORD_TOO_LONG


def test_a_jwt_in_the_password_is_not_a_password(guarded: Running) -> None:
    assert guarded.verdict(with_password("ann", b"eyJh.e30.c2ln")) == Reason.TOKENS_NOT_CONFIGURED


def test_passwords_are_refused_if_they_are_not_configured(authorizer: Running) -> None:
    assert authorizer.verdict(with_password("ann", b"correct horse")) == Reason.PASSWORDS_NOT_CONFIGURED


def test_half_of_it_is_refused(guarded: Running) -> None:
    halves = [guarded.verdict(event(user_name="ann")), guarded.verdict(event(password=b"correct horse"))]
    assert halves == [Reason.PASSWORD_MISSING, Reason.USER_NAME_MISSING]


@given(st.binary(max_size=64))
def test_any_bytes_may_be_a_password(password: bytes) -> None:
    verifier = FilePasswords({"ann": PasswordEntry(hash=QUICK.hash(password))})
    credentials = Credentials(CredentialSource.PASSWORD, user_name="ann", password=password)
    assert verifier.verify(credentials).principal.name == "ann"


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that were verified. No password matches."""
    found: list[str] = []

    def verify(encoded: str, password: bytes) -> bool:
        found.append(encoded)
        return False

    monkeypatch.setattr("iot_authorizer.file_passwords.verify_password", verify)
    return found


@pytest.mark.parametrize("like", [None, HASH], ids=["no decoy configured", "like a hash"])
def test_a_wrong_password_and_an_unknown_user_cost_one_hash_of_the_same_parameters(
    verified: list[str], like: str | None
) -> None:
    users = {"ann": PasswordEntry(hash=like or passwords.hash_password("correct horse"))}
    verifier = FilePasswords(users, like)
    for name in ("ann", "bob"):
        with pytest.raises(Refusal):
            verifier.verify(Credentials(CredentialSource.PASSWORD, user_name=name, password=b"guess"))
    known, unknown = (encoded.split("$")[:4] for encoded in verified)
    assert known == unknown


def test_the_empty_password_opens_no_account() -> None:
    verifier = FilePasswords({})
    with pytest.raises(Refusal, match=Reason.UNKNOWN_USER):
        verifier.verify(Credentials(CredentialSource.PASSWORD, user_name="", password=b""))


def hashed(cost: str = COST, salt: str = SALT, digest: str = DIGEST) -> str:
    return "$".join(("", KIND, VERSION, cost, salt, digest))


BAD_HASHES = {
    "plain-text": "correct horse",
    "bcrypt": "$2b$12$abcdefghijklmnopqrstuuKq1dGCkzz7zvW0w2h0JQ6X3rY9K8tWu",
    "argon2i": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.I).hash("x"),
    "argon2d": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.D).hash("x"),
    "too-much-memory": hashed(cost="m=65537,t=1,p=1"),
    "too-many-passes": hashed(cost="m=8,t=11,p=1"),
    "too-many-lanes": hashed(cost="m=65536,t=1,p=8000"),
    "no-pass": hashed(cost="m=8,t=0,p=1"),
    "negative": hashed(cost="m=-8,t=-1,p=-1"),
    "no-number": hashed(cost="m=x,t=1,p=1"),
    "no-salt": hashed(salt=""),
    "no-digest": hashed(digest=""),
    "not-base64": hashed(digest="!" * len(DIGEST)),
    "cut-off": HASH[:-2],
    "line-behind": HASH + "\n",
}


@pytest.mark.parametrize("text", BAD_HASHES.values(), ids=BAD_HASHES)
def test_a_hash_that_could_never_be_verified_in_time_is_refused_at_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidFile, match=r"users\.ann\.hash: expected"):
        start(tmp_path, write_users(tmp_path, ann=text))


def test_the_error_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"users\.toml:6: users\.bob\.hash: "):
        start(tmp_path, write_users(tmp_path, ann=HASH, bob="plain text"))


def test_the_error_does_not_quote_a_password_written_instead_of_its_hash(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as refused:
        start(tmp_path, write_users(tmp_path, ann="correct horse"))
    assert "horse" not in str(refused.value)
