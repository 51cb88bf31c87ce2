"""What IoT Core demands of an authorizer, and the file that keeps authorizers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iot_core.authorizers.registry import Authorizers
from iot_core.authorizers.rules import (
    AuthorizerDescription,
    AuthorizerExists,
    AuthorizerInUse,
    InvalidAuthorizer,
    UnknownAuthorizer,
    check_name,
    violation,
)
from iot_policies import InvalidFile
from tests.local.api.conftest import SigningKey
from tests.local.api.core import FUNCTION_ARN, Clock

Keys = tuple[SigningKey, SigningKey, SigningKey]
UNSIGNED: Mapping[str, Any] = {"function_arn": FUNCTION_ARN, "signing_disabled": True}


@pytest.fixture
def authorizers(tmp_path: Path) -> Authorizers:
    return Authorizers(tmp_path, Clock())


def signed(*keys: SigningKey) -> dict[str, Any]:
    public_keys = {f"k{number}": key.pem for number, key in enumerate(keys, start=1)}
    return {"function_arn": FUNCTION_ARN, "token_key_name": "token", "public_keys": public_keys}


@pytest.mark.parametrize("name", ["a", "A-b_c=,@9", "x" * 128])
def test_a_name_has_up_to_128_word_characters_and_some_others(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 129, "a\n"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidAuthorizer, match="authorizerName"):
        check_name(name)


def test_one_sentence_tells_all_constraints_that_a_member_breaks() -> None:
    assert violation("a", "x", "y") == (
        "2 validation errors detected: Value at 'a' failed to satisfy constraint: x; "
        "Value at 'a' failed to satisfy constraint: y"
    )


def test_an_authorizer_is_inactive_unless_it_is_made_active(authorizers: Authorizers) -> None:
    assert authorizers.create("a", **UNSIGNED).status == "INACTIVE"


@pytest.mark.parametrize("name", ["", "to ken", "x" * 129])
def test_a_token_key_name_has_up_to_128_letters_digits_and_hyphens(authorizers: Authorizers, name: str) -> None:
    with pytest.raises(InvalidAuthorizer, match="tokenKeyName"):
        authorizers.create("a", **UNSIGNED, token_key_name=name)


@pytest.mark.parametrize("arn", ["", "f", "arn:aws:sqs:eu-west-1:123456789012:queue", FUNCTION_ARN + ":a:b"])
def test_a_function_is_named_by_its_arn(authorizers: Authorizers, arn: str) -> None:
    with pytest.raises(InvalidAuthorizer, match="not in proper ARN syntax"):
        authorizers.create("a", function_arn=arn, signing_disabled=True)


@pytest.mark.parametrize("qualifier", ["", ":live", ":7", ":$LATEST"])
def test_a_function_may_be_an_alias_or_a_version(authorizers: Authorizers, qualifier: str) -> None:
    assert authorizers.create("a", function_arn=FUNCTION_ARN + qualifier, signing_disabled=True)


def test_signing_needs_a_token_key_name(authorizers: Authorizers, keys: Keys) -> None:
    with pytest.raises(InvalidAuthorizer, match="Token key name for authorizer a cannot be null"):
        authorizers.create("a", **{**signed(keys[0]), "token_key_name": None})


def test_signing_needs_a_key(authorizers: Authorizers) -> None:
    with pytest.raises(InvalidAuthorizer, match="cannot be null or empty"):
        authorizers.create("a", **signed())


def test_without_signing_there_are_no_keys(authorizers: Authorizers, keys: Keys) -> None:
    with pytest.raises(InvalidAuthorizer, match="must be null"):
        authorizers.create("a", **signed(keys[0]), signing_disabled=True)


def test_two_keys_are_the_most(authorizers: Authorizers, keys: Keys) -> None:
    with pytest.raises(InvalidAuthorizer, match="more than 2 keys"):
        authorizers.create("a", **signed(*keys))


def weak_key() -> str:
    return (Path(__file__).parent / "weak_key.pem").read_text()


WRONG_KEYS = {
    "empty": ("", "cannot be null or empty"),
    "no PEM": ("a key", "not a valid RSA key"),
    "cut": ("-----BEGIN PUBLIC KEY-----\nMIIB", "Cannot convert public key PEM"),
    "private": ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "Cannot convert public key PEM"),
    "1,024 bits": (weak_key(), "Key must be 2048 bits but was 1024 bits"),
    "surrogates": ("-----BEGIN PUBLIC KEY-----\n\ud800", "Cannot convert public key PEM"),
    "too long": ("x" * 5121, "less than or equal to 5120"),
}


@pytest.mark.parametrize(("pem", "message"), WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_key_is_a_public_rsa_key_of_2048_bits_in_pem(authorizers: Authorizers, pem: str, message: str) -> None:
    with pytest.raises(InvalidAuthorizer, match=message):
        authorizers.create("a", **{**signed(), "public_keys": {"k": pem}})


def test_pem_is_read_line_by_line_as_iot_core_does(authorizers: Authorizers, keys: Keys) -> None:
    with pytest.raises(InvalidAuthorizer, match="not a valid RSA key"):
        authorizers.create("a", **{**signed(), "public_keys": {"k": keys[0].pem.replace("\n", "")}})


@pytest.mark.parametrize("key_name", ["", "a b", "x" * 129])
def test_a_keys_name_has_up_to_128_characters(authorizers: Authorizers, keys: Keys, key_name: str) -> None:
    with pytest.raises(InvalidAuthorizer, match="tokenSigningPublicKeys"):
        authorizers.create("a", **{**signed(), "public_keys": {key_name: keys[0].pem}})


def test_a_name_is_taken_once(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED)
    with pytest.raises(AuthorizerExists, match="Authorizer a already exist for this account"):
        authorizers.create("a", **UNSIGNED)


def test_an_update_adds_keys_and_replaces_them_by_name(authorizers: Authorizers, keys: Keys) -> None:
    first, second, third = (key.pem for key in keys)
    authorizers.create("a", **signed(keys[0]))
    authorizers.update("a", public_keys={"k2": second})
    assert authorizers.update("a", public_keys={"k1": third}).public_keys == {"k1": third, "k2": second}
    assert first not in authorizers.describe("a").public_keys.values()


def test_an_update_to_a_third_key_is_refused(authorizers: Authorizers, keys: Keys) -> None:
    authorizers.create("a", **signed(*keys[:2]))
    with pytest.raises(InvalidAuthorizer, match="must neither be zero nor greater than 2"):
        authorizers.update("a", public_keys={"k3": keys[2].pem})


def test_a_refused_update_changes_nothing(authorizers: Authorizers) -> None:
    before = authorizers.create("a", **UNSIGNED)
    with pytest.raises(InvalidAuthorizer):
        authorizers.update("a", status="ACTIVE", token_key_name="not a name")
    assert authorizers.get("a") == before


def test_an_active_authorizer_is_not_deleted(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED, status="ACTIVE")
    with pytest.raises(InvalidAuthorizer, match="in ACTIVE status"):
        authorizers.delete("a")


def test_the_default_authorizer_is_not_deleted(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED)
    authorizers.set_default("a")
    with pytest.raises(AuthorizerInUse):
        authorizers.delete("a")


def test_what_was_made_survives(tmp_path: Path, keys: Keys) -> None:
    authorizers = Authorizers(tmp_path, Clock())
    made = authorizers.create("a", **signed(keys[0]), enable_caching_for_http=True)
    authorizers.set_default("a")
    again = Authorizers(tmp_path, Clock())
    assert (again.get("a"), again.default) == (made, "a")


def configured(**fields: object) -> AuthorizerDescription:
    known: dict[str, Any] = {"name": "chat", **UNSIGNED, "creation_date": 1.0, "last_modified_date": 1.0}
    return AuthorizerDescription(**(known | fields))


def test_the_configurations_authorizer_is_not_kept(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path)
    authorizers.put_configured(configured())
    authorizers.update("chat", status="ACTIVE")
    assert Authorizers(tmp_path).list() == ()


def test_a_configuration_with_another_name_takes_the_place_of_the_one_before(authorizers: Authorizers) -> None:
    authorizers.put_configured(configured())
    authorizers.put_configured(configured(name="talk"))
    assert [one.name for one in authorizers.list()] == ["talk"]


def test_the_configurations_authorizer_comes_before_one_of_the_same_name(authorizers: Authorizers) -> None:
    authorizers.create("chat", **UNSIGNED)
    authorizers.put_configured(configured(token_key_name="token"))
    assert [one.token_key_name for one in authorizers.list()] == ["token"]


def test_a_configured_authorizer_is_held_to_the_same_rules(authorizers: Authorizers) -> None:
    with pytest.raises(InvalidAuthorizer):
        authorizers.put_configured(configured(signing_disabled=False))


def test_a_default_that_is_gone_is_none(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path)
    authorizers.put_configured(configured())
    authorizers.set_default("chat")
    assert Authorizers(tmp_path).default is None


def test_another_default_takes_the_place_of_the_one_before(authorizers: Authorizers) -> None:
    for name in ("a", "b"):
        authorizers.create(name, **UNSIGNED)
        authorizers.set_default(name)
    assert authorizers.default == "b"


def test_the_default_is_not_set_twice(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED)
    authorizers.set_default("a")
    with pytest.raises(AuthorizerExists, match="Duplicate default authorizer a"):
        authorizers.set_default("a")


def test_an_unknown_authorizer_is_no_default(authorizers: Authorizers) -> None:
    with pytest.raises(UnknownAuthorizer, match="Authorizer a not found"):
        authorizers.set_default("a")


def test_what_can_not_be_written_is_not_done(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path / "data")
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(OSError):
        authorizers.create("a", **UNSIGNED)
    assert authorizers.get("a") is None


def broken_files() -> dict[str, str]:
    good = {"name": "a", **UNSIGNED, "creation_date": 1.0, "last_modified_date": 1.0}
    return {
        "no JSON": "{",
        "no object": "[]",
        "a member is missing": '{"default": null}',
        "a wrong type": json.dumps({"default": None, "authorizers": {"a": {**good, "status": 7}}}),
        "a broken rule": json.dumps({"default": None, "authorizers": {"a": {**good, "function_arn": "f"}}}),
        "another name": json.dumps({"default": None, "authorizers": {"b": good}}),
        "no UTF-8": "\udcff",
    }


@pytest.mark.parametrize("text", broken_files().values(), ids=broken_files())
def test_a_broken_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "authorizers.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidFile) as caught:
        Authorizers(tmp_path)
    assert (str(caught.value).count("\n"), "remove it" in str(caught.value)) == (0, True)
