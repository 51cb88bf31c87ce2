"""The preparation that `build` writes, so that the Lambda need not check the configuration when it starts."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import iot_authorizer.preparation
from iot_authorizer import __version__, development
from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import (
    Preparation,
    PreparedEndpoint,
    preparation_path,
    read_preparation,
    write_preparation,
)
from iot_authorizer.preparing import prepare
from iot_identities.passwords import hash_password
from iot_policies import InvalidFile
from tests import ROOT
from tests.authorizer.handlers import jwt_table, table, write
from tests.effort import examples

FILES = [Path("policy.toml"), Path("keys.json")]
GUESSING = table("[guessing]", lock_after=3, lock_for="1m")
TABLES: Mapping[str, tuple[str, ...]] = {
    "an issuer": (jwt_table(),),
    "an issuer with all keys": (
        jwt_table(
            leeway="10s",
            required_claims=["sub"],
            token_type="at+jwt",
            ignore_header=["jwk"],
            client_id=["a", "b"],
            client_claim="azp",
        ),
    ),
    "a URL": (jwt_table(jwks="https://issuer.example/keys", max_age="1m", max_stale="2m"),),
    "a shared secret": (jwt_table(algorithms=["HS256"], jwks=None, secret="ssm:a"),),
    "signed tokens": (table("[signed_tokens]", issuer="https://issuer.example", audience=["a"]),),
    "anonymous": (table("[anonymous]", principal="guest"), 'claims = { rooms = ["a", "b"], age = 1.5 }'),
    "a table": ('table = "identities"', jwt_table(stored_claims=True), table("[revocation]", when_unavailable="allow")),
    "a credentials endpoint": (jwt_table(), table("[credentials]", origins=["https://app.example.com"], role="x")),
    "passwords in a table": ('table = "identities"', "[passwords]", GUESSING),
}


def prepared(folder: Path, *tables: str, variables: Mapping[str, str] | None = None) -> Path:
    """A configuration with its preparation."""
    config = write(folder, *tables)
    write_preparation(prepare(load_configuration(config, variables or {}), folder), config, FILES, variables or {})
    return config


def read(config: Path, **variables: str) -> Preparation:
    found = read_preparation(config, variables)
    assert found is not None
    return found


@pytest.mark.parametrize("tables", TABLES.values(), ids=TABLES)
def test_what_is_read_is_what_was_written(tmp_path: Path, tables: tuple[str, ...]) -> None:
    config = prepared(tmp_path, *tables)
    written, found = preparation_path(config).read_text(), read(config)
    write_preparation(found, config, FILES, {})
    assert preparation_path(config).read_text() == written


@pytest.mark.parametrize("tables", TABLES.values(), ids=TABLES)
def test_what_is_read_says_what_the_configuration_says(tmp_path: Path, tables: tuple[str, ...]) -> None:
    config = prepared(tmp_path, *tables)
    found, expected = read(config), prepare(load_configuration(config, {}), tmp_path)
    assert replace(found, plan=expected.plan) == expected


def appended(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


STALE: Mapping[str, Callable[[Path], object]] = {
    "the configuration is another": lambda folder: appended(folder / "authorizer.toml"),
    "the template is another": lambda folder: appended(folder / "policy.toml"),
    "the keys are others": lambda folder: (folder / "keys.json").write_text('{"keys": []}'),
    "a file is missing": lambda folder: (folder / "keys.json").unlink(),
    "it is missing": lambda folder: (folder / "authorizer.prepared.json").unlink(),
    "it is cut off": lambda folder: (folder / "authorizer.prepared.json").write_text('{"made_of": {'),
    "it has another form": lambda folder: (folder / "authorizer.prepared.json").write_text("[1]"),
    "it has no variables": lambda folder: (folder / "authorizer.prepared.json").write_text(
        '{"made_of": {"files": {}}}'
    ),
    "it is nested too deeply": lambda folder: (folder / "authorizer.prepared.json").write_text("[" * 100_000),
}


@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_it_is_not_used_if(tmp_path: Path, change: Callable[[Path], object]) -> None:
    config = prepared(tmp_path, jwt_table())
    change(tmp_path)
    assert read_preparation(config, {}) is None


def test_that_of_another_configuration_with_the_same_beginning_of_its_name_is_not_used(tmp_path: Path) -> None:
    config = prepared(tmp_path, jwt_table())
    other = config.with_suffix(".old")
    other.write_text(config.read_text().replace("[[jwt]]", "[anonymous]\nprincipal = 'x'\n[[jwt]]"))
    assert preparation_path(other) == preparation_path(config)
    assert read_preparation(other, {}) is None


def test_on_a_users_machine_the_files_count_also_if_their_folder_has_one(tmp_path: Path) -> None:
    config = prepared(tmp_path, jwt_table())
    assert read_preparation(config, {development.KEYS: str(tmp_path / "keys.json")}) is None


def test_one_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = prepared(tmp_path, jwt_table())
    monkeypatch.setattr(iot_authorizer.preparation, "__version__", "0.0.1")
    assert read_preparation(config, {}) is None


def test_one_in_another_form_of_the_same_files_is_not_used(tmp_path: Path) -> None:
    config = prepared(tmp_path, jwt_table())
    text = preparation_path(config).read_text()
    preparation_path(config).write_text(text.replace('"denied_claims"', '"claims_denied"'))
    assert read_preparation(config, {}) is None


def with_another_value(written: Any, value: object) -> Iterator[Any]:  # noqa: ANN401
    """JSON with this value in each place, one after the other."""
    yield value
    if isinstance(written, (list, dict)):
        for key in written if isinstance(written, dict) else range(len(written)):
            for inner in with_another_value(written[key], value):
                changed = written.copy()
                changed[key] = inner
                yield changed


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, [None]], ids=repr)
@pytest.mark.parametrize("tables", [TABLES["an issuer"], TABLES["a table"]], ids=["an issuer", "a table"])
def test_one_with_another_value_anywhere_stops_no_start(tmp_path: Path, tables: tuple[str, ...], value: object) -> None:
    config = prepared(tmp_path, *tables)
    written = json.loads(preparation_path(config).read_text())
    for changed in with_another_value(written, value):
        preparation_path(config).write_text(json.dumps(changed))
        assert isinstance(read_preparation(config, {}), Preparation | None)


def test_the_version_is_that_of_the_package() -> None:
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text()


PREFIX = {"AUTHORIZER__TOPIC_PREFIX": "dev"}


@pytest.mark.parametrize(
    ("made_with", "read_with", "fits"),
    [
        ({}, PREFIX, False),
        (PREFIX, {}, False),
        (PREFIX, {"AUTHORIZER__TOPIC_PREFIX": "prod"}, False),
        (PREFIX, PREFIX, True),
        ({}, {"AUTHORIZER_CONFIG": "x", "HOME": "/"}, True),
        ({"AUTHORIZER__NAME": "chat-dev"}, {}, False),
        ({"AUTHORIZER__TABLE": "identities"}, {}, False),
        ({}, {"AUTHORIZER__name": "chat-dev"}, False),
        ({}, {"AUTHORIZER__NAME": "chat-dev", "AUTHORIZER__name": "chat-dev"}, False),
    ],
    ids=[
        *("added", "removed", "changed", "the same", "others", "without its name", "without its table"),
        *("small letters", "two spellings"),
    ],
)
def test_it_is_used_only_with_the_variables_that_it_was_made_with(
    tmp_path: Path, made_with: Mapping[str, str], read_with: Mapping[str, str], fits: bool
) -> None:
    config = prepared(tmp_path, jwt_table(), variables=made_with)
    assert (read_preparation(config, read_with) is not None) is fits


def test_the_deployment_may_choose_name_and_table_late(tmp_path: Path) -> None:
    config = prepared(tmp_path, jwt_table(), variables={"AUTHORIZER__NAME": "known-when-deployed"})
    found = read(
        config, AUTHORIZER__NAME="chat-signed", AUTHORIZER__TABLE="arn:aws:dynamodb:eu-west-1:123456789012:table/a-1"
    )
    assert (found.name, found.table) == ("chat-signed", "arn:aws:dynamodb:eu-west-1:123456789012:table/a-1")


ENDPOINT = {
    "AUTHORIZER__CREDENTIALS__ROLE": "arn:aws:iam::123456789012:role/client",
    "AUTHORIZER__CREDENTIALS__ENDPOINT": "a-ats.iot.eu-west-1.amazonaws.com",
}


def test_the_deployment_may_choose_the_role_and_the_host_of_the_credentials_endpoint_late(tmp_path: Path) -> None:
    config = prepared(tmp_path, jwt_table(), table("[credentials]", origins=["https://app.example.com"]))
    assert read(config).endpoint == PreparedEndpoint(("https://app.example.com",), None, None)
    assert read(config, **ENDPOINT).endpoint == PreparedEndpoint(
        ("https://app.example.com",),
        "a-ats.iot.eu-west-1.amazonaws.com",
        "arn:aws:iam::123456789012:role/client",
    )


@pytest.mark.parametrize(
    "late",
    [
        {"AUTHORIZER__NAME": "a name"},
        {"AUTHORIZER__TABLE": ""},
        {"AUTHORIZER__TABLE": "[]"},
        {"AUTHORIZER__CREDENTIALS__ROLE": ""},
        {"AUTHORIZER__CREDENTIALS__ENDPOINT": "https://a.example"},
        {"AUTHORIZER__CREDENTIALS__ORIGINS": '["*"]'},
    ],
)
def test_a_late_value_that_the_configuration_may_not_have_is_left_to_its_checks(
    tmp_path: Path, late: Mapping[str, str]
) -> None:
    assert read_preparation(prepared(tmp_path, jwt_table(), "[credentials]"), late) is None


@pytest.mark.parametrize("name", ENDPOINT)
def test_without_a_credentials_endpoint_its_variables_are_left_to_the_checks(tmp_path: Path, name: str) -> None:
    assert read_preparation(prepared(tmp_path, jwt_table()), {name: ENDPOINT[name]}) is None


VALUES = {
    "NAME": ("a", "b c", "", "[1]", "{}", "a\n"),
    "TABLE": ("identities", "", "a", "identities\n", '["x"]', "arn:aws:dynamodb:eu-west-1:123456789012:table/a-1"),
    "name": ("a",),
    "table": ("identities",),
    "TABLE__X": ("a",),
    "CREDENTIALS__ROLE": ("arn:aws:iam::123456789012:role/client", "[1]", "", "x"),
    "CREDENTIALS__ENDPOINT": ("a.example", "{}", "", "a.example\n"),
    "CREDENTIALS__role": ("arn:aws:iam::123456789012:role/client",),
    "CREDENTIALS": ("{}", '{"origins": ["*"], "role": "x"}', "x"),
    "TOPIC_PREFIX": ("dev", "+", ""),
    "POLICY": ("policy.toml", "./policy.toml", "other.toml"),
    "JWT__0__LEEWAY": ("1s", "x"),
    "JWT__00__LEEWAY": ("1m",),
    "JWT": ("[]", "x"),
    "REVOCATION": ('{"cache_for": "1s"}', "{}"),
    "PASSWORDS": ("{}",),
    "ANONYMOUS": ('{"principal": "x", "claims": {"a": [1, 2.5, null, {"b": "\\ud800"}]}}',),
    "ANONYMOUS__PRINCIPAL": ("y",),
    "TOKEN_KEY_NAME": ("s", ""),
}
"""Right and wrong values of variables whose names begin with AUTHORIZER__."""
some_variables = st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({f"AUTHORIZER__{name}": st.sampled_from(VALUES[name]) for name in names})
)


@given(
    st.sampled_from(["", 'table = "identities"', "[credentials]"]),
    some_variables,
    some_variables,
    st.booleans(),
)
@examples(1)
def test_whatever_the_variables_are_it_is_only_used_if_it_says_what_the_checks_say(
    first: str, made_with: Mapping[str, str], then: Mapping[str, str], more: bool
) -> None:
    read_with = {**(made_with if more else {}), **then}
    with TemporaryDirectory() as name:
        try:
            config = prepared(Path(name), first, jwt_table(), variables=made_with)
        except InvalidFile:
            reject()
        found = read_preparation(config, read_with)
        if found is not None:
            checked = prepare(load_configuration(config, read_with), config.parent)
            assert replace(found, plan=checked.plan) == checked
            assert json.dumps(found.plan.to_json()) == json.dumps(checked.plan.to_json())


@pytest.mark.parametrize(
    "tables",
    [("[passwords]",), (jwt_table(stored_claims=True),), (jwt_table(), "[revocation]")],
    ids=["passwords", "stored claims", "revocation"],
)
def test_a_configuration_that_needs_a_table_is_left_to_its_checks_without_one(
    tmp_path: Path, tables: tuple[str, ...]
) -> None:
    config = write(tmp_path, *tables)
    found = prepare(load_configuration(config, {"AUTHORIZER__TABLE": "stand-in"}), tmp_path)
    write_preparation(replace(found, table=None), config, FILES, {})
    assert read_preparation(config, {}) is None
    assert read(config, AUTHORIZER__TABLE="identities").table == "identities"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-32-be"])
def test_the_keys_of_a_file_have_one_form_in_any_encoding_of_json(tmp_path: Path, encoding: str) -> None:
    config = write(tmp_path, jwt_table())
    text = json.dumps({"keys": [{"kid": "\xe4"}]}, ensure_ascii=False)
    (tmp_path / "keys.json").write_bytes(text.encode(encoding))
    (issuer,) = prepare(load_configuration(config, {}), tmp_path).issuers
    assert json.loads(issuer.key_set or "") == json.loads(text)


def test_the_hashes_of_a_password_file_are_written_nowhere_else_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("secret")))
    config = prepared(tmp_path, table("[passwords]", file="users.toml"))
    assert not preparation_path(config).exists()
    assert "$argon2" not in repr(prepare(load_configuration(config, {}), tmp_path))


def test_it_is_json_without_what_only_this_machine_knows(tmp_path: Path) -> None:
    text = preparation_path(prepared(tmp_path, jwt_table())).read_text()
    assert list(json.loads(text)) == ["made_of", "preparation"]
    assert str(tmp_path) not in text
