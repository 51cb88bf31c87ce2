"""User names and passwords."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Credentials, CredentialSource, Reason, Refusal
from iot_authorizer.file_passwords import FilePasswords
from iot_identities import passwords
from iot_identities.passwords import LONGEST_PASSWORD
from iot_policies import Claims, InvalidFile
from tests.authorizer.events import with_password
from tests.authorizer.handlers import Running, start, table
from tests.effort import examples

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
RIGHT = b"correct horse"
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


def test_the_right_password_is_allowed_with_the_users_name_and_claims(guarded: Running) -> None:
    outcome = guarded(with_password("ann", RIGHT))
    assert (outcome.verdict, outcome.decision["principal"], outcome.decision["source"]) == (
        "allowed",
        "ann",
        "password",
    )
    assert ":topic/rooms/lobby/say" in str(outcome.answer["policyDocuments"])


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        *(("ann", wrong, Reason.WRONG_PASSWORD) for wrong in (b"", RIGHT + b" ", RIGHT[:-1], b"Correct horse")),
        *(("ann", wrong, Reason.WRONG_PASSWORD) for wrong in (RIGHT + b"\x00", b"\x00", b"\xff\xfe")),
        *((name, RIGHT, Reason.UNKNOWN_USER) for name in ("bob", "Ann", "ann ", " ann", "ann/x", "ann%40")),
        ("ann", b"x" * LONGEST_PASSWORD, Reason.WRONG_PASSWORD),
        ("ann", b"x" * (LONGEST_PASSWORD + 1), Reason.PASSWORD_TOO_LONG),
        ("a" * 257, RIGHT, Reason.PASSWORD_TOO_LONG),
        ("ann", b"eyJh.e30.c2ln", Reason.TOKENS_NOT_CONFIGURED),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_anything_but_a_user_with_its_password_is_refused(
    guarded: Running, name: str, password: bytes, reason: Reason
) -> None:
    assert guarded.verdict(with_password(name, password)) == reason


def test_a_refusal_names_only_a_user_that_exists_in_the_log(guarded: Running) -> None:
    lines = [guarded(with_password(name, b"guess")).decision for name in ("ann", "s3cret-in-the-wrong-field")]
    assert [line.get("principal") for line in lines] == ["ann", None]


def test_passwords_are_refused_if_they_are_not_configured(authorizer: Running) -> None:
    assert authorizer.verdict(with_password("ann", RIGHT)) == Reason.PASSWORDS_NOT_CONFIGURED


@given(st.binary(max_size=64))
@examples(0.2)
def test_any_bytes_may_be_a_password(password: bytes) -> None:
    verifier = FilePasswords({"ann": (QUICK.hash(password), {})})
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


@pytest.mark.parametrize("like", [None, HASH], ids=["own parameters", "those of the users"])
def test_a_wrong_password_and_an_unknown_user_cost_one_hash_of_the_same_parameters(
    verified: list[str], like: str | None
) -> None:
    users: dict[str, tuple[str, Claims]] = {"ann": (like or passwords.hash_password("correct horse"), {})}
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
