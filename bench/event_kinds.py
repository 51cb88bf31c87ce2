"""Events of all kinds: allowed and refused, from each credential source, and malformed ones. No two are alike.

Two handlers answer them: one with passwords in the table of identities, one with passwords in a file.
"""

import json
import os
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import jwt
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from bench.known import AUDIENCE, FUNCTION_ARN, ISSUER
from iot_authorizer import LambdaHandler
from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.development import TABLE
from iot_authorizer.observer import Observer
from iot_authorizer.preparing import prepare
from iot_authorizer.response import AuthorizerResponse
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User, to_item

Event = Mapping[str, object]

PRINCIPALS = 200
"""How many principals have a token."""
_SIGNED_ISSUER, _UNREACHABLE_ISSUER = "https://signed.example", "https://unreachable.example"
_COMMON = f"""
name = "chat"
policy = "chat.toml"
token_key_name = "token"
anonymous = {{ principal = "guest" }}
signed_tokens = {{ issuer = "{_SIGNED_ISSUER}" }}

[[jwt]]
issuer = "{ISSUER}"
audience = ["{AUDIENCE}"]
algorithms = ["ES256"]
jwks = "jwks.json"

[[jwt]]
issuer = "{_UNREACHABLE_ISSUER}"
audience = ["{AUDIENCE}"]
algorithms = ["ES256"]
jwks = "http://localhost:1/keys"
"""
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Its passwords are not what is measured."""


class Context:
    """Lambda's context, as far as it is looked at."""

    invoked_function_arn = FUNCTION_ARN


@dataclass(frozen=True)
class EventKinds:
    """The kinds, and the handlers that answer them."""

    kinds: Mapping[str, Callable[[int], object]]
    """The event of a kind with a number, by the name of the kind."""
    slow: Mapping[str, Callable[[int], object]]
    """The kinds whose answer takes the processor time of argon2id."""
    handlers: tuple[LambdaHandler, ...]

    def answer(self, event: object) -> list[AuthorizerResponse]:
        """What each handler answers."""
        return [handler(event, Context()) for handler in self.handlers]

    def run(self, numbers: Iterable[int], one_in: int = 0) -> None:
        """Answers the events with these numbers, of all kinds in turns; one in `one_in` is of a slow kind."""
        kinds, slow = tuple(self.kinds.values()), tuple(self.slow.values())
        for number in numbers:
            is_slow = one_in and number % one_in == 0
            chosen = slow[number // one_in % len(slow)] if is_slow else kinds[number % len(kinds)]
            self.answer(chosen(number))


def make_event_kinds(folder: Path) -> EventKinds:
    """Writes configurations, keys and users to the folder."""
    private = generate_private_key(SECP256R1())
    jwk = {**ECAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "bench", "use": "sig"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    (folder / "chat.toml").write_text(Path("policies/chat.toml").read_text("utf-8"))
    (folder / "users.toml").write_text(f'[users.ann]\nhash = "{_QUICK.hash("right")}"\n')
    (folder / "table.toml").write_text(f'table = "identities"\n{_COMMON}\n[passwords]\n')
    (folder / "file.toml").write_text(f'{_COMMON}\n[passwords]\nfile = "users.toml"\n')
    database = folder / "identities.sqlite"
    SqliteTable(database).write(to_item(User("ann", (StoredPassword(_QUICK.hash("right"), generated=True),))))
    with patch.dict(os.environ, {TABLE: str(database)}):
        handlers = tuple(_handler(folder / name) for name in ("table.toml", "file.toml"))
    tokens = [_token(private, ISSUER, f"user-{number}") for number in range(PRINCIPALS)]
    other = _token(private, _UNREACHABLE_ISSUER, "stranger")
    return EventKinds(_kinds(tokens, other), _SLOW, handlers)


def _handler(config: Path) -> LambdaHandler:
    observer = Observer("chat")
    return LambdaHandler(build(prepare(load_configuration(config), config.parent), observer.keys_fetched), observer)


def _token(private: object, issuer: str, subject: str, **changes: object) -> str:
    now = int(time.time())
    claims = {"sub": subject, "iss": issuer, "aud": AUDIENCE, "iat": now, "exp": now + 86_400, "jti": subject}
    claims |= {"rooms": ["lobby", subject], **changes}
    return jwt.encode(claims, private, "ES256", headers={"kid": "bench"})  # type: ignore[arg-type]


def _kinds(tokens: list[str], unreachable: str) -> dict[str, Callable[[int], object]]:
    def token(number: int) -> str:
        return tokens[number % len(tokens)]

    return {
        "token": lambda number: _event(number, token=token(number)),
        "header": lambda number: _event(number, headers={"Token": token(number)}),
        "authorization": lambda number: _event(number, headers={"Authorization": f"Bearer {token(number)}"}),
        "query": lambda number: _event(number, query=f"?n={number}&token={token(number)}"),
        "user name": lambda number: _event(number, user_name=f"user-{number}?token={token(number)}"),
        "password with a token": lambda number: _event(number, user_name="ann", password=token(number)),
        "client ID that is not granted": lambda number: _event(
            number, client_id=f"other-{number}", token=token(number)
        ),
        "signed": lambda number: _event(number, token=_unsigned(_SIGNED_ISSUER, number), signatureVerified=True),
        "signed, not verified": lambda number: _event(number, token=_unsigned(_SIGNED_ISSUER, number)),
        "unknown issuer": lambda number: _event(number, token=_unsigned(f"https://{number}.example", number)),
        "unknown key ID": lambda number: _event(number, token=_unsigned(ISSUER, number, kid=f"key-{number}")),
        "unreachable keys": lambda number: _event(number, token=_forged(unreachable, number)),
        "bad signature": lambda number: _event(number, token=_forged(token(number), number)),
        "no token": lambda number: _event(number, token=f"{number}.{number}.{number}"),
        "anonymous": lambda number: _event(number, client_id=f"guest/{number}"),
        "misplaced": lambda number: _event(number, query=f"?tokken={number}"),
        "two tokens": lambda number: _event(number, token=token(number), headers={"Token": token(number + 1)}),
        "user name only": lambda number: _event(number, user_name=f"user-{number}"),
        "malformed password": lambda number: {"protocolData": {"mqtt": {"username": "a", "password": f"%{number}"}}},
        "malformed query": lambda number: _event(number, query=f"?token=%ff{number}"),
        "wrong type": lambda number: {"token": number},
        "unknown keys": lambda number: {f"key-{number}": {"token": [number]}},
        "no object": lambda number: [number, str(number)],
    }


_SLOW: Mapping[str, Callable[[int], object]] = {
    "right password": lambda number: _event(number, user_name="ann", password="right", client_id=f"ann/{number}"),
    "wrong password": lambda number: _event(number, user_name="ann", password=f"wrong {number}"),
    "unknown user": lambda number: _event(number, user_name=f"user-{number}", password="right"),
}


def _event(
    number: int,
    *,
    headers: Mapping[str, str] | None = None,
    query: str = "",
    user_name: str | None = None,
    password: str | None = None,
    client_id: str | None = None,
    **fields: object,
) -> Event:
    mqtt = {"clientId": f"user-{number % PRINCIPALS}" if client_id is None else client_id}
    if user_name is not None:
        mqtt["username"] = user_name
    if password is not None:
        mqtt["password"] = b64encode(password.encode()).decode()
    http = {"headers": {"X-Request": str(number), **(headers or {})}, "queryString": query}
    return {**fields, "protocolData": {"http": http, "mqtt": mqtt}, "connectionMetadata": {"id": f"c-{number}"}}


def _forged(token: str, number: int) -> str:
    """The token with another signature."""
    return f"{token[:-20]}{number:08}{token[-12:]}"


def _unsigned(issuer: str, number: int, kid: str = "bench") -> str:
    """A token that this process has not signed: with the right form, and zeros for a signature."""
    algorithm = "RS256" if issuer == _SIGNED_ISSUER else "ES256"
    claims = {"sub": f"user-{number % PRINCIPALS}", "iss": issuer, "jti": str(number % PRINCIPALS), "exp": 2**33}
    parts = json.dumps({"alg": algorithm, "kid": kid}).encode(), json.dumps(claims).encode(), bytes(64)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
