"""No token, password or signature is in a log line of any level, or in an exception."""

import traceback
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Authorizer, Refusal
from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.preparing import prepare
from iot_identities.passwords import hash_password
from iot_policies.account_region import AccountRegion
from tests.authorizer.events import Event, event, every_source
from tests.authorizer.handlers import Running, jwt_table, printed, start, table, write
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import claims, cut, mint, with_header, with_payload

secrets = st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=24).map(lambda text: f"s3cr3t{text}")
"""Texts that are in no other output."""

TABLES = (
    jwt_table(),
    table("[passwords]", file="users.toml"),
    table("[signed_tokens]", issuer="https://signed.example/"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrecy")
    (folder / "users.toml").write_text("")
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Running:
    return start(folder, *TABLES)


@pytest.fixture(scope="module")
def built(folder: Path) -> Authorizer:
    return build(prepare(load_configuration(write(folder, *TABLES), {}), folder))


def _token(value: str) -> Event:
    return event(token=value)


def _password(value: str) -> Event:
    return event(user_name="ann", password=value.encode())


SOURCES: dict[str, Callable[[str], Event]] = {
    "token": _token,
    "token-verified": lambda value: event(token=value, signature_verified=True),
    "token-in-parts": lambda value: event(token=f"eyJ.{value}.{value}"),
    "header": lambda value: event(headers={"token": value}),
    "bearer": lambda value: event(headers={"Authorization": f"Bearer {value}"}),
    "basic": lambda value: event(headers={"Authorization": f"Basic {value}"}),
    "no-scheme": lambda value: event(headers={"Authorization": value}),
    "query": lambda value: event(query=f"?token={value}"),
    "query-not-utf-8": lambda value: event(query=f"?token={value}%ff"),
    "access-token": lambda value: event(query=f"?access_token={value}"),
    "user-name": lambda value: event(user_name=f"ann?token={value}"),
    "signature": lambda value: event(user_name=f"ann?x-amz-customauthorizer-signature={value}&token=a.b.c"),
    "password": _password,
    "password-alone": lambda value: event(password=value.encode()),
    "password-no-base64": lambda value: event(user_name="ann", password=f"{value}%"),
    "password-jwt": lambda value: event(password=f"eyJ.{value}.{value}".encode()),
    "conflict": lambda value: event(token="a.b.c", headers={"token": value}),
    "conflict-password": lambda value: event(token="a.b.c", password=value.encode()),
    "wrong-type": lambda value: {"token": [value]},
    "wrong-type-header": lambda value: {"protocolData": {"http": {"headers": {"Authorization": [value]}}}},
    "wrong-type-password": lambda value: {"protocolData": {"mqtt": {"password": {value: value}}}},
    "wrong-place": lambda value: {"protocolData": value},
    "header-name": lambda value: {"protocolData": {"http": {"headers": {value: 5}}}},
    "issuer": lambda value: _token(mint(iss=value)),
    "audience": lambda value: _token(mint(aud=value)),
    "claim": lambda value: _token(mint(jti=value, exp=1)),
    "claim-name": lambda value: _token(mint(**{value: 5}, exp=...)),
    "key-id": lambda value: _token(mint(head={"kid": value})),
    "algorithm": lambda value: _token(mint(head={"alg": value})),
    "type": lambda value: _token(mint(head={"typ": value}, exp=1)),
    "header-member": lambda value: _token(mint(head={value: 1, "crit": [value]})),
    "no-json": lambda value: _token(with_payload(value.encode())),
    "no-json-header": lambda value: _token(with_header(f'{{"alg": {value}}}'.encode())),
    "duplicate-key": lambda value: _token(with_payload(f'{{"{value}": 1, "{value}": 1}}'.encode())),
    "time": lambda value: _token(mint(exp=value)),
    "unsafe-claim": lambda value: _token(mint(rooms=[f"{value}/#"])),
}
"""Events of clients that are refused, with a secret in each."""


def spellings(secret: str) -> tuple[str, ...]:
    return secret, secret[:16], b64encode(secret.encode()).decode().rstrip("=")[:16]


@given(source=st.sampled_from(sorted(SOURCES)), secret=secrets)
def test_what_a_refused_client_sent_is_in_no_log_line_of_any_level_and_in_no_exception(
    running: Running, built: Authorizer, every_level: None, source: str, secret: str
) -> None:
    event = SOURCES[source](secret)
    text = running(event).output + refusal(built, event)
    assert not [spelling for spelling in spellings(secret) if spelling in text]


def refusal(authorizer: Authorizer, event: Event) -> str:
    """All that an exception and those behind it say."""
    with pytest.raises(Refusal) as refused:
        authorizer.authorize(AuthorizerEvent.parse(event), AccountRegion("eu-west-1", "123456789012"))
    return "".join((*traceback.format_exception(refused.value), repr(refused.value)))


VALID = every_source(mint(jti="s3cr3tjti"))


@pytest.mark.parametrize("event", VALID.values(), ids=VALID)
def test_the_token_of_an_admitted_client_is_not_logged_at_any_level(
    running: Running, every_level: None, event: Event
) -> None:
    outcome = running(event)
    assert outcome.verdict == "allowed"
    assert not [part for part in cut(mint(jti="s3cr3tjti")) if part[-20:] in outcome.output]


FORGED = every_source(mint(signing_key("RS256", "forger"), head={"kid": "main-RS256"}))


@pytest.mark.parametrize("event", FORGED.values(), ids=FORGED)
def test_no_part_of_a_forged_token_is_logged_at_any_level(running: Running, every_level: None, event: Event) -> None:
    assert "eyJ" not in running(event).output


def test_the_password_of_an_admitted_client_is_not_logged_at_any_level(tmp_path: Path, every_level: None) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("s3cr3tpassword")))
    outcome = start(tmp_path, table("[passwords]", file="users.toml"))(_password("s3cr3tpassword"))
    assert outcome.verdict == "allowed"
    assert not [spelling for spelling in (*spellings("s3cr3tpassword"), "argon2id$") if spelling in outcome.output]


def test_starting_writes_nothing_at_any_level(folder: Path, every_level: None) -> None:
    with printed() as output:
        build(prepare(load_configuration(write(folder, *TABLES), {}), folder))
    assert output.text.strip() == ""


@given(st.sampled_from(sorted(claims())), secrets)
def test_the_log_quotes_no_value_of_a_claim(running: Running, name: str, secret: str) -> None:
    changes: dict[str, Any] = {name: {secret: secret}}
    assert secret not in running(_token(mint(**changes))).output
