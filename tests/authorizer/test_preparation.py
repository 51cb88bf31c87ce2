"""The preparation that `build` writes, so that the Lambda need not check the configuration when it starts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import iot_authorizer.preparation
from iot_authorizer import __version__
from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import Preparation, preparation_path, read_preparation, write_preparation
from iot_authorizer.preparing import prepare
from iot_identities.passwords import hash_password
from tests import ROOT
from tests.authorizer.handlers import jwt_table, table, write

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
    for name in ("name", "token_key_name", "issuers", "signed", "anonymous", "users", "table", "table_use"):
        assert getattr(found, name) == getattr(expected, name)


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
}


@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_it_is_not_used_if(tmp_path: Path, change: Callable[[Path], object]) -> None:
    config = prepared(tmp_path, jwt_table())
    change(tmp_path)
    assert read_preparation(config, {}) is None


def test_one_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = prepared(tmp_path, jwt_table())
    monkeypatch.setattr(iot_authorizer.preparation, "__version__", "0.0.1")
    assert read_preparation(config, {}) is None


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
    ],
    ids=["added", "removed", "changed", "the same", "others", "without its name", "without its table", "small letters"],
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


@pytest.mark.parametrize(
    "late", [{"AUTHORIZER__NAME": "a name"}, {"AUTHORIZER__TABLE": ""}, {"AUTHORIZER__TABLE": "[]"}]
)
def test_a_name_or_table_that_the_configuration_may_not_have_is_left_to_its_checks(
    tmp_path: Path, late: Mapping[str, str]
) -> None:
    assert read_preparation(prepared(tmp_path, jwt_table()), late) is None


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


def test_the_hashes_of_a_password_file_are_written_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("secret")))
    config = prepared(tmp_path, table("[passwords]", file="users.toml"))
    assert not preparation_path(config).exists()


def test_it_is_json_without_what_only_this_machine_knows(tmp_path: Path) -> None:
    text = preparation_path(prepared(tmp_path, jwt_table())).read_text()
    assert list(json.loads(text)) == ["made_of", "preparation"]
    assert str(tmp_path) not in text
