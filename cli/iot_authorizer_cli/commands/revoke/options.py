"""Options that the subcommands of `iot-authorizer revoke` share, and the values that they give."""

import math
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Annotated
from urllib.parse import urlsplit

import jwt
import typer

from iot_authorizer_cli.commands.revoke.client_ids import is_client_id, read_known
from iot_authorizer_cli.commands.revoke.connections import ConnectionApi, Ending, LocalConnectionApi
from iot_authorizer_cli.commands.revoke.locking_out import RevocationTarget
from iot_authorizer_cli.dev_endpoint import DEV
from iot_authorizer_cli.options import CONFIG, LONGEST, AsJson, duration, usage_errors
from iot_authorizer_cli.project.development_issuer import table_path
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.terminal import read_standard_input
from iot_identities.revocations import Kind, Revocation
from iot_policies.toml_file import read_file

_PATIENCE, _PATIENCE_FOR_AWS = 5.0, 20.0
"""Seconds that an endpoint has for a complete answer; at AWS, the first answer includes DescribeEndpoint."""
_CLOCKS_DIFFER = 60
"""Seconds that a time may be in the future; a later one is a mistake, and would revoke new tokens too."""
_LONGEST_TOKEN = 64 * 1024
"""Bytes, many times what the authorizer accepts."""


def _name(name: str) -> str:
    if not name:
        raise typer.BadParameter("expected a name", param_hint="NAME")
    return name


def _issuer(issuer: str | None) -> str | None:
    """Checks that an issuer is not empty, as an unset shell variable would be."""
    if issuer == "":
        raise typer.BadParameter("expected an issuer", param_hint="--issuer")
    return issuer


def _client_ids(found: list[str] | None) -> list[str]:
    if not all(map(is_client_id, found or ())):
        raise typer.BadParameter("expected 1 to 128 characters, not beginning with $", param_hint="--client-id")
    return found or []


PrincipalName = Annotated[
    str, typer.Argument(metavar="NAME", callback=_name, help="The principal's name, as in log lines.")
]
TokenText = Annotated[
    str | None, typer.Argument(metavar="TOKEN", show_default=False, help="A JWT; - reads it from standard input.")
]
TokenId = Annotated[str | None, typer.Option("--id", metavar="JTI", help="Choose the token by its ID and --issuer.")]
TokenIssuer = Annotated[str | None, typer.Option("--issuer", metavar="ISS", help="Set the issuer of that token.")]
Issuer = Annotated[
    str | None, typer.Option("--issuer", metavar="ISS", callback=_issuer, help="Limit this to tokens of this issuer.")
]
For = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="End the revocation after 30m, 24h or 30d; default: never."),
]
ClientIds = Annotated[
    list[str] | None,
    typer.Option("--client-id", metavar="ID", callback=_client_ids, help="End this client's connection; repeatable."),
]


@dataclass(frozen=True)
class TargetOptions(TableOptions):
    """The options for the table that gets a revocation, and for the connections that end."""

    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help=f"Read this configuration; default: {CONFIG}.")
    ] = None
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help=f"End connections here; default: {DEV}, or AWS's with --table.")
    ] = None
    clean_session: Annotated[
        bool, typer.Option("--clean-session", help="Also delete their sessions; queued messages are lost.")
    ] = False
    no_will: Annotated[bool, typer.Option("--no-will", help="Do not publish their Wills.")] = False
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not look for clients that connect again.")] = False
    as_json: AsJson = False

    def target(self) -> RevocationTarget:
        """Opens the table, and chooses the endpoint. Raises usage errors, InvalidFile, TableUnavailable and OSError."""
        if self.config is not None:
            read_file(self.config)
        self._check_endpoint()
        file = table_path(self.data)
        is_new = self.table is None and not file.exists()
        return RevocationTarget(
            table=self.open(make=True),
            table_name=str(file) if self.table is None else self.table,
            known=read_known(self.config or CONFIG),
            connections=self._connections(),
            patience=_PATIENCE if self.table is None else _PATIENCE_FOR_AWS,
            pause=None if self.no_wait else time.sleep,
            is_new=is_new,
            endpoint_required=self.table is not None or self.endpoint_url is not None,
            also_sessions=self.clean_session,
        )

    def _check_endpoint(self) -> None:
        """Raises a usage error, before a table is made."""
        url = self.endpoint_url
        with usage_errors("--endpoint-url"):
            if self.table is None:
                LocalConnectionApi(url or DEV)
            elif url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
                raise ValueError("expected a URL such as https://HOST")

    def _connections(self) -> ConnectionApi:
        ending = Ending(self.clean_session, self.no_will)
        if self.table is None:
            return LocalConnectionApi(self.endpoint_url or DEV, ending)
        from iot_authorizer_cli.commands.revoke.aws_connections import (  # noqa: PLC0415 (boto3 is slow)
            AwsConnectionApi,
        )

        return AwsConnectionApi(self.endpoint_url, ending)


def given_token(text: str | None, token_id: str | None, issuer: str | None) -> Revocation:
    """The revocation of a token, without its times, by the token itself or by its ID and issuer.

    The token is not verified: nothing but its ID and its issuer is used. Raises a usage error, which does not quote it.
    """
    if text is not None:
        if token_id is not None or issuer is not None:
            raise typer.BadParameter("a token has these itself: give only the token", param_hint="--id, --issuer")
        token_id, issuer = _read_token(_token_text(text))
    if not token_id or not issuer:
        raise typer.BadParameter("expected a token, or --id and --issuer", param_hint="TOKEN")
    return Revocation(Kind.TOKEN, 0, issuer=issuer, token_id=token_id)


def _token_text(text: str) -> str:
    if text != "-":
        return text
    try:
        return read_standard_input("TOKEN", _LONGEST_TOKEN).decode().strip()
    except UnicodeDecodeError:
        raise typer.BadParameter("expected a JWT", param_hint="TOKEN") from None


def _read_token(text: str) -> tuple[str, str]:
    """A token's ID and its issuer."""
    whole = f"{text}." if text.count(".") == 1 else text
    try:
        claims = jwt.decode(whole, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise typer.BadParameter("expected a JWT", param_hint="TOKEN") from None
    token_id, issuer, subject = (claims.get(name) for name in ("jti", "iss", "sub"))
    if not isinstance(token_id, str) or not token_id:
        name = quote(subject) if isinstance(subject, str) and subject else "NAME"
        instead = f"iot-authorizer revoke principal {name} --issued-before now"
        raise typer.BadParameter(f"the token has no ID (jti), so revoke its principal: {instead}", param_hint="TOKEN")
    if not isinstance(issuer, str) or not issuer:
        raise typer.BadParameter("the token names no issuer (iss)", param_hint="TOKEN")
    return token_id, issuer


def end_of(lasting: str | None, now: float) -> int | None:
    """The end of a revocation, in seconds since 1970; None for no end. Raises a usage error."""
    return None if lasting is None else math.ceil(now) + duration(lasting, "--for", LONGEST, "1s")


def past_time(text: str, option: str, now: float) -> int:
    """A time in seconds since 1970, from `now` or RFC 3339. Raises a usage error, also for a future time.

    It is rounded up: a token that was issued within the same second counts as issued before.
    """
    if text == "now":
        return math.ceil(now)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter('expected now, or a time such as "2026-11-21T10:00:00Z"', param_hint=option)
    if found.timestamp() > now + _CLOCKS_DIFFER:
        raise typer.BadParameter(
            "expected a time in the past: a future time would also revoke new tokens", param_hint=option
        )
    return math.ceil(found.timestamp())
