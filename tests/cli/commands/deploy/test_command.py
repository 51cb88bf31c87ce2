"""What `iot-authorizer deploy` and `destroy` check, and how they run the CDK's command line."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest

from iot_authorizer_cli.commands.deploy.command import CDK
from tests import ROOT
from tests.cli.dev import PROGRAM
from tests.http_server import Handler, HttpServer, serving
from tests.local_aws import local_aws, made_up_credentials

pytestmark = pytest.mark.slow

APP = [sys.executable, "-P", "-m", "iot_authorizer_cdk.app"]
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """An account that is prepared for the CDK only in eu-west-1, and with a qualifier of its own in us-east-1."""
    with local_aws() as url, pytest.MonkeyPatch.context() as patch:
        made_up_credentials(patch)
        for region, qualifier in (("eu-west-1", "hnb659fds"), ("us-east-1", "ours")):
            ssm = boto3.client("ssm", region_name=region, endpoint_url=url)
            ssm.put_parameter(Name=f"/cdk-bootstrap/{qualifier}/version", Value="30", Type="String")
        yield url


@pytest.fixture
def project(folder: Path) -> Path:
    """A folder with a stage `dev`, and programs that only print how they are called."""
    (folder / "cdk.json").write_text('{"context": {"stages": {"dev": {}}}}')
    for name, script in (("node", "echo v24.1.0"), ("npx", 'printf "%s\\n" npx "$@"; exit 3')):
        write_program(folder / name, script)
    return folder


def write_program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def environment(project: Path, aws: str) -> dict[str, str]:
    """Variables with a region and credentials, and no other programs than the project's."""
    return {
        "PATH": f"{project}:/bin",
        "HOME": str(project),
        "AWS_ENDPOINT_URL": aws,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run(project: Path, environment: Mapping[str, str], *arguments: str) -> Done:
    return subprocess.run(
        [PROGRAM, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "called", "app"),
    [
        ("deploy", ["deploy", "--all"], []),
        ("deploy --yes", ["deploy", "--all", "--require-approval", "never"], []),
        ("deploy --dry-run", ["diff"], []),
        ("destroy", ["destroy", "--all", "--output", "build/destroy.out"], ["destroy"]),
        ("destroy --yes", ["destroy", "--all", "--output", "build/destroy.out", "--force"], ["destroy"]),
    ],
)
def test_npx_runs_the_pinned_cdk_with_our_app_and_this_python(
    project: Path, environment: Mapping[str, str], aws: str, arguments: str, called: list[str], app: list[str]
) -> None:
    done = run(project, environment, *arguments.split(), "--stage", "dev")
    *command, our_app = done.stdout.splitlines()
    assert command == ["npx", "--yes", CDK, *called, "--context", "stage=dev", "--app"]
    assert shlex.split(our_app) == [*APP, *app, "--config", "authorizer.toml"]
    place = f"AWS account 123456789012, region eu-west-1, at {aws} instead of AWS"
    assert (done.returncode, done.stderr) == (3, f"{called[0]} of stage dev: {place}\n")


def test_the_pinned_cdk_is_the_one_that_is_tested() -> None:
    assert f"aws-cdk@{json.loads((ROOT / 'package.json').read_text())['devDependencies']['aws-cdk']}" == CDK


def test_a_cdk_of_the_project_is_used_instead(project: Path, environment: Mapping[str, str]) -> None:
    write_program(project / "node_modules/.bin/cdk", 'echo "the project\'s"')
    assert run(project, environment, "deploy").stdout == "the project's\n"


MISSING: dict[str, tuple[str, dict[str, str | None], str]] = {
    "a stage": ("--stage test", {}, "stage test: not in cdk.json under context.stages, which has: dev"),
    "a configuration": ("--config other.toml", {}, "other.toml: file not found"),
    "Node.js": ("", {"PATH": "/nowhere"}, "node: No such file or directory: the CDK needs Node.js 22 or newer"),
    "a region": ("", {"AWS_REGION": None}, "no AWS region is known: set AWS_REGION, such as AWS_REGION=eu-west-1, or"),
    "credentials": (
        "",
        {"AWS_ACCESS_KEY_ID": None},
        "no AWS account is known: Unable to locate credentials: choose a profile with AWS_PROFILE (`aws configure sso`",
    ),
    "half of the credentials": ("", {"AWS_SECRET_ACCESS_KEY": None}, "no AWS account is known: Partial credentials"),
    "the profile": ("", {"AWS_PROFILE": "prod"}, "(prod) could not be found: check AWS_PROFILE: `aws configure list-"),
    "the bootstrap": (
        "",
        {"AWS_REGION": "us-east-1"},
        " instead of AWS: not prepared for the CDK: an administrator runs this once: "
        f"npx --yes {CDK} bootstrap --app '' aws://123456789012/us-east-1\n",
    ),
    "the network": ("", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ": check the network, and the region"),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_is_one_line_before_the_cdk_runs(
    project: Path, environment: dict[str, str], missing: str
) -> None:
    options, changed, problem = MISSING[missing]
    found = {name: value for name, value in (environment | changed).items() if value is not None}
    done = run(project, found, "deploy", *options.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert problem in done.stderr


def test_a_condition_that_is_no_sql_of_rules_stops_before_the_cdk_runs(
    project: Path, environment: Mapping[str, str]
) -> None:
    rule = '[[rule]]\nname = "on_say"\ntopics = ["a"]\nfunction = "my_rules.on_message"\nwhere = "upper(a) = 1"\n'
    (project / "authorizer.toml").write_text(f'name = "chat"\n{rule}')
    done = run(project, environment, "deploy")
    assert (done.returncode, done.stdout) == (2, "")
    assert "authorizer.toml:6: rule[0].where: sql: upper() is not supported" in done.stderr


QUALIFIER = {"@aws-cdk/core:bootstrapQualifier": "ours"}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("cdk.json", {"context": {"stages": {"dev": {}}, **QUALIFIER}}),
        ("cdk.context.json", QUALIFIER),
        (".cdk.json", {"context": QUALIFIER}),
        (".cdk.json", []),
    ],
)
def test_the_bootstrap_may_have_a_qualifier_in_the_context(
    project: Path, environment: dict[str, str], file: str, content: object
) -> None:
    (project / file).write_text(json.dumps(content))
    done = run(project, environment | {"AWS_REGION": "us-east-1"}, "deploy")
    assert done.stdout.startswith("npx") is bool(content), done.stderr
    if content:
        said = run(project, environment, "deploy").stderr
        assert "bootstrap --app '' --qualifier ours aws://123456789012/eu-west-1" in said


@pytest.mark.parametrize("action", ["deploy --dry-run", "destroy"])
def test_only_a_deployment_needs_the_bootstrap(project: Path, environment: dict[str, str], action: str) -> None:
    assert run(project, environment | {"AWS_REGION": "us-east-1"}, *action.split()).stdout.startswith("npx")


class MayNotRead(Handler):
    """AWS, for a user who may not read the parameter."""

    def do_POST(self) -> None:  # noqa: N802 (the name that the library calls)
        is_ssm = "X-Amz-Target" in self.headers
        self.send_response(400 if is_ssm else 200)
        self.end_headers()
        identity = "<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>"
        sts = f"<GetCallerIdentityResponse>{identity}</GetCallerIdentityResponse>"
        self.wfile.write(b'{"__type": "AccessDeniedException"}' if is_ssm else sts.encode())


def test_a_user_that_may_not_ask_for_the_bootstrap_deploys(project: Path, environment: dict[str, str]) -> None:
    with serving(HttpServer(MayNotRead)) as aws:
        done = run(project, environment | {"AWS_ENDPOINT_URL": aws.url}, "deploy")
    assert done.stdout.startswith("npx"), done.stderr


def test_without_npx_it_says_what_runs_the_cdk(project: Path, environment: dict[str, str]) -> None:
    (project / "npx").unlink()
    assert (
        "npx: not found: it comes with Node.js" in run(project, environment | {"PATH": str(project)}, "destroy").stderr
    )


class Refusing(Handler):
    """STS, for credentials of a session that is over."""

    def do_POST(self) -> None:  # noqa: N802 (the name that the library calls)
        self.send_response(403)
        self.end_headers()
        code = "<Code>ExpiredToken</Code><Message>The token has expired.</Message>"
        self.wfile.write(f"<ErrorResponse><Error>{code}</Error></ErrorResponse>".encode())


def test_credentials_that_aws_refuses_are_told_with_what_to_do(project: Path, environment: dict[str, str]) -> None:
    with serving(HttpServer(Refusing)) as sts:
        said = run(project, environment | {"AWS_ENDPOINT_URL": sts.url}, "deploy").stderr
    assert "(ExpiredToken) when calling the GetCallerIdentity operation: The token has expired: sign in again" in said


def test_destroy_needs_only_the_name(project: Path, environment: Mapping[str, str]) -> None:
    (project / "authorizer.toml").write_text('name = "chat"\n[[')
    assert "destroy" in run(project, environment, "destroy").stdout
