"""`authorizer.toml` as the commands read it, with any Lambda handler."""

from pathlib import Path

import pytest

from iot_authorizer.development import ISSUER
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import User, to_item, user_id
from iot_policies import InvalidFile

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"
ISSUING = '[[jwt]]\nissuer = "https://a"\naudience = ["x"]\nalgorithms = ["RS256"]\njwks = "keys.json"\n'


def read(folder: Path, text: str | None, table: Path | None = None) -> ProjectConfiguration:
    path = folder / "authorizer.toml"
    if text is not None:
        path.write_text(text)
    return read_project_configuration(path, FUNCTION, table)


@pytest.mark.parametrize("text", [None, "", "[own_table_of_a_handler]\nkey = 1\n"])
def test_with_your_own_handler_every_key_can_be_missing(tmp_path: Path, text: str | None) -> None:
    found = read(tmp_path, text)
    assert (found.description.name, found.template, found.table, found.cache_for) == ("authorizer", None, None, 5)


def test_the_environment_overrides_single_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHORIZER__NAME", "other")
    assert read(tmp_path, 'name = "chat"\n').description.name == "other"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 3\n", r"authorizer\.toml:1: name: expected a string"),
        ('\nname = "a b"\n', r"authorizer\.toml:2: name: expected 1 to 128 letters, digits and _=,@-"),
        ('token_key_name = "a b"\n', r"authorizer\.toml:1: token_key_name: expected 1 to 128 letters, digits and _-"),
        ('[revocation]\ncache_for = 5\n', r"authorizer\.toml:2: revocation\.cache_for: expected a string"),
        (ISSUING + "audiences = 1\n", r"authorizer\.toml:6: jwt\[0\]\.audiences: .*audience"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_named_with_its_file_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read(tmp_path, text)


def test_signing_keys_that_iot_core_does_not_accept_are_named(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(InvalidFile, match=r"authorizer\.toml:1: signing: "):
        read(tmp_path, '[signing]\npublic_keys = { a = "key.pem" }\n')


@pytest.mark.parametrize("content", [None, "[users", "[users.bob]\nhash = 7\n"], ids=["missing", "no TOML", "invalid"])
def test_a_password_file_that_cannot_be_read_stores_no_claims(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "users.toml").write_text(content)
    found = read(tmp_path, '[passwords]\nfile = "users.toml"\n')
    assert (found.stored_claims.of_user("bob"), tmp_path / "users.toml" in found.files) == (None, True)


def test_stored_claims_join_those_of_their_issuers_and_of_the_development_issuer(tmp_path: Path) -> None:
    file = tmp_path / "identities.sqlite"
    table = SqliteTable(file)
    table.write(to_item(User("ann", claims={"rooms": ["lobby"], "x": 2})))
    table.write({"id": user_id("broken"), "claims": 7})
    stored = read(tmp_path, 'table = "identities"\n' + ISSUING + "stored_claims = true\n", file).stored_claims
    for issuer in ("https://a", ISSUER):
        claims = {"iss": issuer, "x": 1}
        assert stored.joined("ann", claims) == {"iss": issuer, "x": 2, "rooms": ["lobby"]}
        assert [stored.joined(name, claims) for name in ("bob", "broken", "")] == [claims] * 3
    assert stored.joined("ann", {"iss": "https://b", "x": 1}) == {"iss": "https://b", "x": 1}
    assert [stored.of_user("ann"), stored.of_user("bob")] == [{"rooms": ["lobby"], "x": 2}, None]


def test_claims_of_a_table_in_dynamodb_are_not_known_here(tmp_path: Path) -> None:
    stored = read(tmp_path, 'table = "identities"\n' + ISSUING + "stored_claims = true\n").stored_claims
    assert [stored.joined("ann", {"iss": "https://a"}), stored.of_user("ann")] == [None, None]
