"""The rules for an authorizer, and the registry with its file."""

import json
from collections.abc import Callable, Mapping
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
)
from iot_policies import InvalidFile
from tests.clock import Clock
from tests.local.api.core import FUNCTION_ARN
from tests.local.harness.signing_keys import Keys, SigningKey

ARN_SYNTAX, QUEUE_ARN = "not in proper ARN syntax", "arn:aws:sqs:eu-west-1:123456789012:queue"
UNSIGNED: Mapping[str, Any] = {"function_arn": FUNCTION_ARN, "signing_disabled": True}


@pytest.fixture
def authorizers(tmp_path: Path) -> Authorizers:
    return Authorizers(tmp_path, Clock(1_000_000))


def signed(*keys: SigningKey) -> dict[str, Any]:
    public_keys = {f"k{number}": key.pem for number, key in enumerate(keys, start=1)}
    return {"function_arn": FUNCTION_ARN, "token_key_name": "token", "public_keys": public_keys}


@pytest.mark.parametrize("name", ["a", "A-b_c=,@9", "x" * 128])
def test_a_name_has_up_to_128_word_characters_and_some_others_and_the_authorizer_is_inactive(
    authorizers: Authorizers, name: str
) -> None:
    assert authorizers.create(name, **UNSIGNED).status == "INACTIVE"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 129, "a\n"])
def test_any_other_name_is_refused(authorizers: Authorizers, name: str) -> None:
    with pytest.raises(InvalidAuthorizer, match="authorizerName"):
        authorizers.create(name, **UNSIGNED)


def keyed(pem: str, name: str = "k") -> dict[str, Any]:
    return {**signed(), "public_keys": {name: pem}}


def weak_key() -> str:
    return (Path(__file__).parent / "weak_key.pem").read_text()


INVALID: dict[str, tuple[Callable[[Keys], Mapping[str, Any]], str]] = {
    "an empty token key name": (lambda _: {**UNSIGNED, "token_key_name": ""}, "tokenKeyName"),
    "a token key name with a space": (lambda _: {**UNSIGNED, "token_key_name": "to ken"}, "tokenKeyName"),
    "a token key name of 129 characters": (lambda _: {**UNSIGNED, "token_key_name": "x" * 129}, "tokenKeyName"),
    "no function": (lambda _: {**UNSIGNED, "function_arn": ""}, ARN_SYNTAX),
    "a function without ARN": (lambda _: {**UNSIGNED, "function_arn": "f"}, ARN_SYNTAX),
    "the ARN of a queue": (lambda _: {**UNSIGNED, "function_arn": QUEUE_ARN}, ARN_SYNTAX),
    "two qualifiers": (lambda _: {**UNSIGNED, "function_arn": f"{FUNCTION_ARN}:a:b"}, ARN_SYNTAX),
    "signing without a token key name": (
        lambda keys: {**signed(keys[0]), "token_key_name": None},
        "Token key name for authorizer a cannot be null",
    ),
    "signing without a key": (lambda _: signed(), "cannot be null or empty"),
    "keys without signing": (lambda keys: {**signed(keys[0]), "signing_disabled": True}, "must be null"),
    "three keys": (lambda keys: signed(*keys), "more than 2 keys"),
    "an empty key": (lambda _: keyed(""), "cannot be null or empty"),
    "a key that is not PEM": (lambda _: keyed("a key"), "not a valid RSA key"),
    "PEM without line breaks, as in IoT Core": (
        lambda keys: keyed(keys[0].pem.replace("\n", "")),
        "not a valid RSA key",
    ),
    "PEM that is cut": (lambda _: keyed("-----BEGIN PUBLIC KEY-----\nMIIB"), "Cannot convert public key PEM"),
    "a private key": (
        lambda _: keyed("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"),
        "Cannot convert public key PEM",
    ),
    "a key of 1,024 bits": (lambda _: keyed(weak_key()), "Key must be 2048 bits but was 1024 bits"),
    "a key with surrogates": (
        lambda _: keyed("-----BEGIN PUBLIC KEY-----\n\ud800"),
        "Cannot convert public key PEM",
    ),
    "a key that is too long": (lambda _: keyed("x" * 5121), "less than or equal to 5120"),
    "a key without a name": (lambda keys: keyed(keys[0].pem, ""), "tokenSigningPublicKeys"),
    "a key's name with a space": (lambda keys: keyed(keys[0].pem, "a b"), "tokenSigningPublicKeys"),
    "a key's name of 129 characters": (lambda keys: keyed(keys[0].pem, "x" * 129), "tokenSigningPublicKeys"),
}


@pytest.mark.parametrize(("members", "message"), INVALID.values(), ids=INVALID)
def test_an_authorizer_that_breaks_a_rule_is_refused(
    authorizers: Authorizers, keys: Keys, members: Callable[[Keys], Mapping[str, Any]], message: str
) -> None:
    with pytest.raises(InvalidAuthorizer, match=message):
        authorizers.create("a", **members(keys))


@pytest.mark.parametrize("qualifier", ["", ":live", ":7", ":$LATEST"])
def test_a_function_may_be_an_alias_or_a_version(authorizers: Authorizers, qualifier: str) -> None:
    assert authorizers.create("a", function_arn=FUNCTION_ARN + qualifier, signing_disabled=True)


def test_a_name_and_the_default_are_taken_once(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED)
    with pytest.raises(AuthorizerExists, match="Authorizer a already exist for this account"):
        authorizers.create("a", **UNSIGNED)
    authorizers.set_default("a")
    with pytest.raises(AuthorizerExists, match="Duplicate default authorizer a"):
        authorizers.set_default("a")


def test_the_configured_authorizer_is_the_default_one_if_its_configuration_says_so(authorizers: Authorizers) -> None:
    authorizers.put_configured(configured())
    assert authorizers.default is None
    authorizers.put_configured(configured(), default=True)
    assert authorizers.describe_default().name == "chat"
    authorizers.put_configured(configured(name="rooms"), default=True)
    assert authorizers.default == "rooms"


def test_a_default_set_by_the_api_goes_before_the_configured_one(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED)
    authorizers.put_configured(configured(), default=True)
    authorizers.set_default("a")
    authorizers.put_configured(configured(), default=True)
    assert authorizers.default == "a"


def test_a_cleared_default_stays_cleared_until_the_next_configuration(authorizers: Authorizers) -> None:
    authorizers.put_configured(configured(), default=True)
    authorizers.clear_default()
    assert authorizers.default is None
    authorizers.put_configured(configured(), default=True)
    assert authorizers.default == "chat"


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


def test_neither_an_active_nor_the_default_authorizer_is_deleted(authorizers: Authorizers) -> None:
    authorizers.create("a", **UNSIGNED, status="ACTIVE")
    with pytest.raises(InvalidAuthorizer, match="in ACTIVE status"):
        authorizers.delete("a")
    authorizers.create("b", **UNSIGNED)
    authorizers.set_default("b")
    with pytest.raises(AuthorizerInUse):
        authorizers.delete("b")


def test_created_authorizers_and_the_default_are_stored(tmp_path: Path, keys: Keys) -> None:
    authorizers = Authorizers(tmp_path, Clock(1_000_000))
    made = authorizers.create("a", **signed(keys[0]), enable_caching_for_http=True)
    authorizers.set_default("a")
    again = Authorizers(tmp_path, Clock(1_000_000))
    assert (again.get("a"), again.default) == (made, "a")


def configured(**fields: object) -> AuthorizerDescription:
    known: dict[str, Any] = {"name": "chat", **UNSIGNED, "creation_date": 1.0, "last_modified_date": 1.0}
    return AuthorizerDescription(**(known | fields))


def test_the_configured_authorizer_is_not_stored(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path)
    authorizers.put_configured(configured())
    authorizers.update("chat", status="ACTIVE")
    assert Authorizers(tmp_path).list() == ()


def test_a_configuration_with_another_name_replaces_the_previous_authorizer(authorizers: Authorizers) -> None:
    authorizers.put_configured(configured())
    authorizers.put_configured(configured(name="talk"))
    assert [one.name for one in authorizers.list()] == ["talk"]


def test_the_configured_authorizer_hides_a_stored_one_of_the_same_name(authorizers: Authorizers) -> None:
    authorizers.create("chat", **UNSIGNED)
    authorizers.put_configured(configured(token_key_name="token"))
    assert [one.token_key_name for one in authorizers.list()] == ["token"]


def test_a_configured_authorizer_must_follow_the_same_rules(authorizers: Authorizers) -> None:
    with pytest.raises(InvalidAuthorizer):
        authorizers.put_configured(configured(signing_disabled=False))


def test_a_default_that_no_longer_exists_is_none(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path)
    authorizers.put_configured(configured())
    authorizers.set_default("chat")
    assert Authorizers(tmp_path).default is None


def test_an_unknown_authorizer_cannot_be_the_default(authorizers: Authorizers) -> None:
    with pytest.raises(UnknownAuthorizer, match="Authorizer a not found"):
        authorizers.set_default("a")


def test_an_authorizer_that_cannot_be_stored_is_not_created(tmp_path: Path) -> None:
    authorizers = Authorizers(tmp_path / "data")
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(OSError):
        authorizers.create("a", **UNSIGNED)
    assert authorizers.get("a") is None


def broken_files() -> dict[str, str]:
    good = {"name": "a", **UNSIGNED, "creation_date": 1.0, "last_modified_date": 1.0}
    return {
        "not JSON": "{",
        "not an object": "[]",
        "a member is missing": '{"default": null}',
        "a wrong type": json.dumps({"default": None, "authorizers": {"a": {**good, "status": 7}}}),
        "a broken rule": json.dumps({"default": None, "authorizers": {"a": {**good, "function_arn": "f"}}}),
        "another name": json.dumps({"default": None, "authorizers": {"b": good}}),
        "not UTF-8": "\udcff",
    }


@pytest.mark.parametrize("text", broken_files().values(), ids=broken_files())
def test_a_broken_file_is_reported_in_one_line_with_advice(tmp_path: Path, text: str) -> None:
    (tmp_path / "authorizers.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidFile) as caught:
        Authorizers(tmp_path)
    assert (str(caught.value).count("\n"), "remove it" in str(caught.value)) == (0, True)
