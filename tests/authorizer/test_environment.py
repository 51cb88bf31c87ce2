"""What the environment says beside `authorizer.toml`."""

import json
import time
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.configuration import Configuration, load_configuration
from iot_authorizer.development import ISSUER as DEVELOPMENT_ISSUER
from iot_authorizer.development import KEYS as DEVELOPMENT_KEYS
from iot_authorizer.development import TIME_SCALE as DEVELOPMENT_TIME_SCALE
from iot_policies import InvalidFile
from tests.authorizer.events import anonymous, bearer, with_password
from tests.authorizer.handlers import jwt_table, start, table, write
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint

PASSWORDS = table("[passwords]", file="users.toml")


def load(folder: Path, **environment: str) -> Configuration:
    path = write(folder, jwt_table(), jwt_table(issuer="https://b.example/"), PASSWORDS)
    return load_configuration(path, {f"AUTHORIZER__{name}": value for name, value in environment.items()})


def test_a_variable_overrides_or_adds_a_value_also_in_a_table_and_of_one_issuer(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        POLICY="other.toml",
        PASSWORDS__FILE="others.toml",
        JWT__1__JWKS="https://b.example/keys",
        JWT__0__LEEWAY="45s",
    )
    assert (found.policy, found.passwords and found.passwords.file) == ("other.toml", "others.toml")
    assert [(issuer.jwks, issuer.leeway) for issuer in found.jwt] == [("keys.json", 45), ("https://b.example/keys", 30)]


ISSUERS = json.dumps(
    [
        {
            "issuer": "https://c.example/",
            "client_id": ["web"],
            "algorithms": ["RS256"],
            "jwks": "https://c.example/keys",
        },
        {"issuer": "https://d.example/", "audience": ["chat"], "algorithms": ["HS256"], "secret": "ssm:chat"},
    ]
)


def test_a_variable_in_json_replaces_all_issuers_and_a_longer_name_then_one_of_their_values(tmp_path: Path) -> None:
    found = load(tmp_path, JWT__1__LEEWAY="45s", JWT=ISSUERS).jwt
    assert [(each.issuer, each.client_id, each.secret, each.leeway) for each in found] == [
        ("https://c.example/", ("web",), None, 30),
        ("https://d.example/", (), "ssm:chat", 45),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            '[{"issuer": "s3cr3t"',
            "AUTHORIZER__JWT: this environment variable begins like a list or a table, but is not",
        ),
        ("[" * 100_000, "AUTHORIZER__JWT: this environment variable begins like a list or a table, but is not valid"),
        ('[{"issuer": "s3cr3t", "issuer": "s3cr3t"}]', "AUTHORIZER__JWT: .* issuer: duplicate key in a JSON object"),
        ("", r"jwt: expected a list"),
        ("s3cr3t", r"jwt: expected a list"),
        ('{"issuer": "s3cr3t"}', r"jwt: expected \[\[jwt\]\], with two brackets on each side"),
        ('["s3cr3t"]', r"jwt\[0\]: expected a table"),
        ('[{"issuer": "s3cr3t"}]', r"jwt\[0\]\.algorithms: is missing"),
        (ISSUERS.replace('["web"]', '"s3cr3t"'), r"jwt\[0\]\.client_id: expected a list"),
        (ISSUERS.replace("client_id", "clients"), r"jwt\[0\]\.clients: is not a key of this table"),
        (ISSUERS.replace("https://c.example/keys", "http://s3cr3t/"), r"jwt\[0\]: jwks: use an https:// URL or a file"),
        (ISSUERS.replace("ssm:chat", "s3cr3t"), r"jwt\[1\]: secret: expected its name"),
        (json.dumps(json.loads(ISSUERS)[:1] * 2), r"jwt\[1\]\.issuer: jwt\[0\] has the same issuer"),
    ],
)
def test_issuers_in_a_variable_are_checked_like_those_of_the_file_and_not_quoted(
    tmp_path: Path, value: str, expected: str
) -> None:
    with pytest.raises(InvalidFile, match=f"authorizer.toml(:\\d+)?: {expected}") as refused:
        load(tmp_path, JWT=value)
    assert "s3cr3t" not in str(refused.value)


def test_json_in_a_variable_may_begin_with_space_as_in_a_block_of_yaml(tmp_path: Path) -> None:
    assert load(tmp_path, JWT=f"\n  {ISSUERS}\n").jwt == load(tmp_path, JWT=ISSUERS).jwt


def test_a_variable_with_a_huge_index_is_refused(tmp_path: Path) -> None:
    name = f"JWT__{'9' * 5_000}__LEEWAY"
    with pytest.raises(InvalidFile, match="this environment variable does not name a table of the file"):
        load(tmp_path, **{name: "45s"})


def test_with_issuers_in_a_variable_the_file_needs_none(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    found = load_configuration(path, {"AUTHORIZER__JWT": ISSUERS})
    assert [each.issuer for each in found.jwt] == ["https://c.example/", "https://d.example/"]


def test_an_overriding_value_is_checked_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"jwt\[0\]\.leeway: expected a number and a unit"):
        load(tmp_path, JWT__0__LEEWAY="soon")


def test_other_variables_are_no_matter(tmp_path: Path) -> None:
    path = write(tmp_path, jwt_table())
    others = {"AUTHORIZER_CONFIG": "x", "AUTHORIZER": "x", "authorizer__name": "x", "PATH": "x"}
    assert load_configuration(path, others) == load_configuration(path, {})


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZER__NAME", "other")
    assert load_configuration(write(tmp_path, jwt_table())).name == "other"


@pytest.mark.parametrize(
    "name",
    ["NONE__NAME", "JWT__5__LEEWAY", "JWT__00__LEEWAY", "JWT__X__LEEWAY", "JWT__0", "NAME__X", "ANONYMOUS__PRINCIPAL"],
)
def test_a_variable_that_names_no_table_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        InvalidFile, match=f"authorizer.toml: AUTHORIZER__{name}: this environment variable does not name a table"
    ):
        load(tmp_path, **{name: "x"})


@pytest.mark.parametrize("name", ["table", "Table", "JWT__0__leeway", "TO\N{KELVIN SIGN}EN_KEY_NAME"])
def test_a_variable_in_other_letters_is_refused_because_two_could_name_one_key(tmp_path: Path, name: str) -> None:
    capitals = name.lower().upper()
    expected = f"AUTHORIZER__{name}: this environment variable must be in capitals: write AUTHORIZER__{capitals}"
    with pytest.raises(InvalidFile, match=expected):
        load(tmp_path, **{name: "45s"})


@pytest.mark.parametrize("name", ["", "NONSENSE", "JWT__0__NONSENSE"])
def test_a_variable_that_names_no_key_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidFile, match="is not a key of this table"):
        load(tmp_path, **{name: "x"})


def test_the_error_does_not_quote_the_variables_value(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as refused:
        load(tmp_path, JWT__0__SECRET="s3cr3t", JWT__0__NONSENSE="s3cr3t")
    assert "s3cr3t" not in str(refused.value)


@pytest.fixture
def development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file of the development issuer, named to this process."""
    path = tmp_path / "development.json"
    path.write_text(json.dumps(public_keys(signing_key("ES256", "development"))))
    monkeypatch.setenv(DEVELOPMENT_KEYS, str(path))
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    return path


DEVELOPMENT_TOKEN = mint(signing_key("ES256", "development"), iss=DEVELOPMENT_ISSUER, aud=DEVELOPMENT_ISSUER)


@pytest.mark.usefixtures("development")
def test_on_a_developers_machine_the_development_issuer_may_vouch(tmp_path: Path) -> None:
    assert start(tmp_path).verdict(bearer(DEVELOPMENT_TOKEN)) == "allowed"


def test_on_a_developers_machine_the_development_issuer_can_be_the_only_one(tmp_path: Path, development: Path) -> None:
    authorizer = start(tmp_path, "", environment={DEVELOPMENT_KEYS: str(development)})
    assert authorizer.verdict(bearer(DEVELOPMENT_TOKEN)) == "allowed"
    assert authorizer.verdict(bearer(mint(signing_key("RS256")))) == Reason.UNKNOWN_ISSUER
    assert authorizer.verdict(anonymous()) == Reason.NO_CREDENTIALS
    assert authorizer.verdict(with_password("ann", b"x")) == Reason.PASSWORDS_NOT_CONFIGURED


def test_in_lambda_the_development_issuer_is_refused_at_start(
    tmp_path: Path, development: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
    with pytest.raises(InvalidFile, match=f"{development.name}: {DEVELOPMENT_KEYS}: .* never for Lambda"):
        start(tmp_path)


def test_unless_it_is_named_the_development_issuer_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOPMENT_KEYS, raising=False)
    assert start(tmp_path).verdict(bearer(DEVELOPMENT_TOKEN)) == Reason.UNKNOWN_ISSUER


@pytest.mark.usefixtures("development")
def test_the_development_issuer_vouches_for_no_other(tmp_path: Path) -> None:
    token = mint(signing_key("ES256", "development"))
    assert start(tmp_path).verdict(bearer(token)) == Reason.ALGORITHM_NOT_ALLOWED


@pytest.mark.usefixtures("development")
def test_the_time_of_development_tokens_can_pass_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, key = int(time.time()), signing_key("ES256", "development")
    old, new = (
        bearer(mint(key, iss=DEVELOPMENT_ISSUER, aud=DEVELOPMENT_ISSUER, iat=now - age, exp=now + 3600))
        for age in (120, 0)
    )
    assert start(tmp_path).verdict(old) == "allowed"
    monkeypatch.setenv(DEVELOPMENT_TIME_SCALE, "60")
    assert [start(tmp_path).verdict(each) for each in (old, new)] == [Reason.EXPIRED, "allowed"]
