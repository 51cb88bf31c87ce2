"""`iot-authorizer init`: a project in this folder."""

import shlex
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cdk.app.prerequisites import LEAST_NODE
from iot_authorizer_cdk.package.uv import UvError, find_uv, run_uv
from iot_authorizer_cli.commands.init.issuer import IssuerOptions, jwt_table
from iot_authorizer_cli.commands.init.package_source import installed_from
from iot_authorizer_cli.commands.init.project_files import LOCK, NewProject
from iot_authorizer_cli.distribution import DISTRIBUTION
from iot_authorizer_cli.project.ready_templates import ready_templates
from iot_authorizer_cli.terminal import columns
from iot_policies import PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.client_ids import anonymous_findings
from iot_policies.testing.cases import SUFFIX

_ANONYMOUS_CLAIMS = {"broadcast": {"role": "listener"}}
"""The claims of clients without credentials, by template."""


_TEMPLATES = ", ".join(ready_templates())


def _template(name: str) -> str:
    if name not in ready_templates():
        raise typer.BadParameter(f"expected one of {_TEMPLATES}", param_hint="TEMPLATE")
    return name


def init(
    template: Annotated[
        str,
        typer.Argument(metavar="TEMPLATE", callback=_template, help=f"A ready template: {_TEMPLATES}."),
    ] = "chat",
    cognito: Annotated[
        str | None, typer.Option(metavar="POOL", help="Accept access tokens of this Cognito user pool.")
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="ID", help="The ID of the Cognito app client.")] = None,
    auth0: Annotated[str | None, typer.Option(metavar="DOMAIN", help="Accept tokens of this Auth0 tenant.")] = None,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Accept tokens of this OpenID Connect provider: their `iss`.")
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(metavar="URL", help="The issuer's keys; default: where its OpenID configuration says.")
    ] = None,
    audience: Annotated[
        str | None, typer.Option(metavar="AUDIENCE", help="The `aud` of tokens of --auth0 or --issuer.")
    ] = None,
    passwords: Annotated[bool, typer.Option("--passwords", help="Accept users with passwords.")] = False,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Accept clients without credentials.")] = False,
) -> None:
    """Write a new project into this folder.

    Writes authorizer.toml, a ready template and its tests, cdk.json, pyproject.toml, uv.lock, .gitignore and a CI
    workflow. If one of them exists, nothing is written. Without an option that names credentials, only dev accepts
    clients.
    """
    options = IssuerOptions(cognito=cognito, client=client, auth0=auth0, issuer=issuer, jwks=jwks, audience=audience)
    policy = ready_templates()[template]
    project = NewProject(
        folder=Path(),
        template=template,
        policy=policy,
        source=installed_from(),
        jwt=jwt_table(options),
        passwords=passwords,
        anonymous=_anonymous_claims(template, policy) if anonymous else None,
    )
    if existing := project.existing():
        names = ", ".join(path.as_posix() for path in existing)
        advice = "nothing is written: run init in another folder, such as a new subfolder, or move these away"
        raise typer.TyperException(f"found {names}: {advice}")
    project.write()
    _lock()
    typer.echo(report(project))


def _anonymous_claims(template: str, policy: Path) -> dict[str, str]:
    """The claims of clients without credentials. Raises a usage error if the template is not for such clients."""
    claims = _ANONYMOUS_CLAIMS.get(template, {})
    loaded, principal = PolicyTemplate.load(policy), Principal("anonymous", claims)
    if any(anonymous_findings(loaded, principal)):
        problem = f"with the template {template}, clients without credentials could take over each other's sessions"
        raise typer.BadParameter(f"{problem}: choose public or broadcast", param_hint="--anonymous")
    try:
        compile_policy(loaded, principal, None)
    except PolicyError:
        problem = f"the template {template} grants nothing to clients without credentials"
        raise typer.BadParameter(problem, param_hint="--anonymous") from None
    return claims


def _lock() -> None:
    try:
        run_uv("lock", "--quiet")
    except UvError as error:
        raise UvError(f"{error}: all files but {LOCK} are written: remove the cause, and run `uv lock`") from None


def report(project: NewProject) -> str:
    """Says what was written, what is left to configure, and the next commands."""
    written = [
        ("authorizer.toml", f"accepts {_accepted(project)}"),
        (f"policies/{project.template}.toml", "says what clients may do"),
        (f"policies/{project.template}{SUFFIX}", "tests it"),
        ("cdk.json", "has the stage dev"),
        ("pyproject.toml, uv.lock", f"have {DISTRIBUTION} {version(DISTRIBUTION)}, from {project.source.shown}"),
        (".github/workflows/test.yml", "runs lint, prove and the tests"),
        (".gitignore", ""),
    ]
    third = ("build", "# the Lambda function")
    if not project.accepts_clients:
        third = (f"lint policies/{project.template}.toml", "# mistakes in the template")
    uv = _uv()
    commands = [
        (f"  {uv} run iot-authorizer test", "# what clients may and may not do"),
        (f"  {uv} run iot-authorizer dev", "# IoT Core on this machine, and a page to try it"),
        (f"  {uv} run iot-authorizer {third[0]}", third[1]),
        (f"  {uv} run iot-authorizer deploy", f"# to AWS, with Node.js {LEAST_NODE} or newer"),
    ]
    notes = "".join(f"\n{note}\n" for note in _notes(project))
    return f"{columns(written)}\n{notes}\nNext:\n\n{columns(commands)}"


def _accepted(project: NewProject) -> str:
    found = [f"tokens of {project.jwt['issuer']}"] if project.jwt is not None else []
    found += ["users with passwords"] if project.passwords else []
    found += ["clients without credentials"] if project.anonymous is not None else []
    return ", ".join(found) or "no clients yet, except in dev"


def _notes(project: NewProject) -> list[str]:
    notes = []
    if not project.accepts_clients:
        notes.append("Before `build` and `deploy`, say in authorizer.toml whose tokens to trust.")
    if project.source.only_here:
        notes.append(f"Only this machine has {project.source.shown}: for CI, install a wheel and run init again.")
    return notes


def _uv() -> str:
    return "uv" if shutil.which("uv") else shlex.quote(find_uv())
