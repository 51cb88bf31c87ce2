"""`iot-authorizer conformance`: the same checks against IoT Core in an account and on this machine."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey
from iot_authorizer_cli.commands.conformance.caching_checks import CACHING_CHECKS
from iot_authorizer_cli.commands.conformance.checks import MQTT_CHECKS, NOT_TRIED, ConformanceCheck
from iot_authorizer_cli.commands.conformance.credential_checks import CREDENTIAL_CHECKS
from iot_authorizer_cli.commands.conformance.direct_message_checks import DIRECT_MESSAGE_CHECKS
from iot_authorizer_cli.commands.conformance.http_checks import HTTP_CHECKS
from iot_authorizer_cli.commands.conformance.limit_checks import LIMIT_CHECKS
from iot_authorizer_cli.commands.conformance.local_endpoint import local_endpoint
from iot_authorizer_cli.commands.conformance.policy_checks import POLICY_CHECKS
from iot_authorizer_cli.commands.conformance.project import (
    NAME,
    SIGNED_NAME,
    ConformanceProject,
    read_project,
    write_project,
)
from iot_authorizer_cli.commands.conformance.retained_checks import RETAINED_CHECKS
from iot_authorizer_cli.commands.conformance.session_checks import SESSION_CHECKS
from iot_authorizer_cli.commands.conformance.signing_checks import SIGNING_CHECKS
from iot_authorizer_cli.commands.conformance.sigv4_checks import SIGV4_CHECKS
from iot_authorizer_cli.commands.conformance.time_checks import TIME_CHECKS
from iot_authorizer_cli.commands.conformance.tls_checks import TLS_CHECKS
from iot_authorizer_cli.commands.conformance.wire import Endpoint, NotTried
from iot_authorizer_cli.progress import progress
from iot_authorizer_cli.terminal import count
from iot_policies.errors import printable

_KINDS = (
    MQTT_CHECKS,
    HTTP_CHECKS,
    CREDENTIAL_CHECKS,
    TLS_CHECKS,
    SIGNING_CHECKS,
    SIGV4_CHECKS,
    SESSION_CHECKS,
    POLICY_CHECKS,
    LIMIT_CHECKS,
    RETAINED_CHECKS,
    DIRECT_MESSAGE_CHECKS,
    CACHING_CHECKS,
    TIME_CHECKS,
)
CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {name: check for kind in _KINDS for name, check in kind.items()}
)
"""All checks by their names."""
_PATIENCE = 5.0
"""Seconds to wait for an account's endpoint."""
_TIME_SCALE = 30
"""How many times as fast the seconds of an authorizer's answer pass here, for the checks that wait."""
_NEXT = """\
{folder}: written: two authorizers with one user, whose secrets are in credentials.json.
Next, in that folder, with the credentials of an AWS account (some minutes of it cost a few cents at most):

  iot-authorizer deploy
  iot-authorizer deploy --config signed.toml     # for the checks of signed tokens
  iot-authorizer conformance . --endpoint HOST --signed-authorizer {signed}
  iot-authorizer destroy --config signed.toml
  iot-authorizer destroy

HOST is what deploy prints, …-ats.iot.REGION.amazonaws.com. Your AWS credentials, if they are found, sign some requests
to it; with --role, they also assume that role. Without --endpoint, the checks run on this machine only."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a check found."""

    check: ConformanceCheck
    here: str
    """On this machine."""
    there: str | None
    """At the other endpoint, now or in an earlier run; None without one."""

    @property
    def tried(self) -> bool:
        """Whether the question was asked in both places, or here if there is no other one."""
        return not any((answer or "").startswith(NOT_TRIED) for answer in (self.here, self.there))

    @property
    def differs(self) -> bool:
        """Whether both have answers, and not the same one."""
        return self.tried and self.there not in (None, self.here)


def conformance(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The checks' project. It is written if missing.")],
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="HOST", help="IoT Core's data endpoint in your account, or HOST:PORT."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="The CA of that endpoint, if it is not a public one.")
    ] = None,
    authorizer: Annotated[
        str, typer.Option("--authorizer", metavar="NAME", help="The name of the deployed authorizer.")
    ] = NAME,
    signed_authorizer: Annotated[
        str | None,
        typer.Option("--signed-authorizer", metavar="NAME", help="The name of the deployed authorizer of signed.toml."),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role", metavar="ARN", help="A role for the checks of sessions. Your AWS credentials assume it."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare with what an earlier run printed with --json."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--check", metavar="NAME", help="Run only this check; repeatable.")
    ] = None,
    slow: Annotated[
        bool, typer.Option("--slow", help="Also run the checks that wait for IoT Core's times: 12 minutes more.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found as JSON, without secrets.")] = False,
) -> None:
    """Compare your account with IoT Core on this machine.

    Each check does one thing with MQTT or HTTPS, in both places, and compares the answers. It takes about five minutes,
    and invokes the deployed functions some 230 times. With --slow, it takes 12 minutes more. Some checks sign requests
    with your AWS credentials, which are found as the aws CLI finds them. What cannot be asked is not tried, and the
    line says what it needs.

    Exits with 1 if an answer differs.
    """
    if endpoint is not None and against is not None:
        raise typer.BadParameter("expected --endpoint or --against, found both", param_hint="--against")
    if not folder.exists():
        write_project(folder)
        typer.echo(_NEXT.format(folder=printable(str(folder)), signed=SIGNED_NAME), err=True)
        return
    project, checks = read_project(folder), _checks(only or (), slow=slow or against is not None)
    there = _there(project, endpoint, authorizer, ca) if against is None else _read(against)
    if isinstance(there, Endpoint):
        there = replace(
            there, signed_authorizer=signed_authorizer, find_key=_find_once(partial(_users_key, there.host, role))
        )
    if isinstance(there, Mapping):
        checks = [each for each in checks if each.name in there]
    if isinstance(there, Endpoint) and (waiting := [each.seconds for each in checks if each.seconds]):
        typer.echo(f"{count(len(waiting), 'check')} wait at the same time, {max(waiting) // 60} minutes", err=True)
    found = []
    with progress("checks", len(checks)) as show:
        for each in _observations(project, checks, there):
            found.append(each)
            show(len(found))
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found], indent=2))
    else:
        for line in _lines(found):
            typer.echo(printable(line))
    raise typer.Exit(1 if any(each.differs for each in found) else 0)


def _checks(names: Sequence[str], *, slow: bool) -> Sequence[ConformanceCheck]:
    if unknown := [name for name in names if name not in CHECKS]:
        raise typer.BadParameter(f"{unknown[0]}: expected one of {', '.join(CHECKS)}", param_hint="--check")
    return [CHECKS[name] for name in names] or [each for each in CHECKS.values() if slow or not each.seconds]


def _read(against: Path) -> Mapping[str, str]:
    """What each check of an earlier run found at its endpoint, or on that machine if it had no endpoint."""
    try:
        listed = json.loads(against.read_text("utf-8"))
        found = {str(each["check"]): str(each["there"] or each["here"]) for each in listed}
        if not found:
            raise ValueError("it has no checks")
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{against}: expected the output of conformance with --json: {type(error).__name__}: {error}"
        raise typer.BadParameter(problem, param_hint="--against") from None
    return found


def _there(project: ConformanceProject, address: str | None, authorizer: str, ca: Path | None) -> Endpoint | None:
    if address is None:
        return None
    host, _, port = address.partition(":")
    if not host or not (port or "443").isdecimal():
        raise typer.BadParameter(f"{address}: expected HOST or HOST:PORT, without https://", param_hint="--endpoint")
    return project.endpoint(host, int(port or 443), patience=_PATIENCE, authorizer=authorizer, ca=ca)


def _find_once(find: Callable[[], AwsKey]) -> Callable[[], AwsKey]:
    """Finds a key once, for all checks. If that fails, all get the same reason."""

    @cache
    def found() -> AwsKey | NotTried:
        try:
            return find()
        except NotTried as reason:
            return reason

    def key() -> AwsKey:
        if isinstance(answer := found(), NotTried):
            raise answer
        return answer

    return key


def _users_key(host: str, role: str | None) -> AwsKey:
    try:
        from iot_authorizer_cli.commands.conformance.aws_credentials import users_key  # noqa: PLC0415 (it is slow)
    except ImportError:
        raise NotTried("botocore is missing: install iot-authorizer[aws]") from None
    return users_key(host, role)


def _observations(
    project: ConformanceProject, checks: Sequence[ConformanceCheck], there: Endpoint | Mapping[str, str] | None
) -> Iterator[Observation]:
    """Runs one check after the other. Those that wait run at the end, all at the same time."""
    waiting = [each for each in checks if each.seconds]
    with local_endpoint(project) as here:
        for check in checks:
            if not check.seconds:
                yield _observation(here, there, check)
    if waiting:
        with local_endpoint(project, _TIME_SCALE) as here, ThreadPoolExecutor(len(waiting)) as pool:
            yield from pool.map(partial(_observation, here, there), waiting)


def _observation(here: Endpoint, there: Endpoint | Mapping[str, str] | None, check: ConformanceCheck) -> Observation:
    return Observation(check, check.observe(here), _found(check, there))


def _found(check: ConformanceCheck, there: Endpoint | Mapping[str, str] | None) -> str | None:
    if isinstance(there, Endpoint):
        return check.observe(there)
    return None if there is None else there[check.name]


def _lines(found: Sequence[Observation]) -> Iterator[str]:
    """The observations; those that were not tried there come last, in one line for each reason."""
    untried: dict[str, list[str]] = {}
    for each in found:
        if each.there is None:
            yield f"{each.check.name}: {each.here}"
        elif each.differs:
            yield f"DIFFERS    {each.check.name}: {each.check.asks}"
            yield f"             here:  {each.here}"
            yield f"             there: {each.there}"
        elif each.tried:
            yield f"agrees     {each.check.name}: {each.here}"
        elif each.there.startswith(NOT_TRIED):
            untried.setdefault(each.there.removeprefix(NOT_TRIED), []).append(each.check.name)
        else:
            yield f"not tried  {each.check.name}: here: {each.here.removeprefix(NOT_TRIED)}"
            yield f"             there: {each.there}"
    yield from (f"not tried  {', '.join(names)}: {reason}" for reason, names in untried.items())
    if any(each.there is not None for each in found):
        differing, missing = sum(each.differs for each in found), sum(not each.tried for each in found)
        yield f"{count(len(found), 'check')}, {differing} differ" + (f", {missing} not tried" if missing else "")


def _as_json(each: Observation) -> dict[str, object]:
    agrees = not each.differs if each.tried and each.there is not None else None
    return {"check": each.check.name, "asks": each.check.asks, "here": each.here, "there": each.there, "agrees": agrees}
