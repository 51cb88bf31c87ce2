"""`iot-authorizer deploy` and `destroy`: the CDK, run for a stage of cdk.json.

1. What would fail later is checked first: the stage, Node.js, the CDK, the AWS region and account, and for `deploy`
   whether the account was prepared for the CDK. Preparing it is left to an administrator: it makes a role that may do
   everything.
2. The CDK's command line runs in this folder, in its pinned version: that of node_modules, or one that npx fetches.
3. It runs our CDK app with this Python. The app builds the Lambda directory itself, so what is deployed is what the
   configuration says now.
4. The process becomes the CDK's: its questions, its exit code and Ctrl-C are the CDK's own.
"""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from iot_authorizer_cdk.app.prerequisites import check_node
from iot_authorizer_cdk.app.stages import read_stage, stage_tables, stages_of_file
from iot_authorizer_cdk.properties import InvalidSettings
from iot_authorizer_cli.options import CONFIG, Config, Yes, require_config
from iot_authorizer_cli.terminal import tell

CDK = "aws-cdk@2.1148.1"
"""The CDK's command line as npm names it, in the version that is tested."""
_LOCAL = Path("node_modules/.bin/cdk")

StageName = Annotated[str, typer.Option("--stage", metavar="NAME", help="Choose this stage of cdk.json.")]


def deploy(
    stage: StageName = "dev",
    config: Config = CONFIG,
    yes: Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the deployment would change in AWS.")
    ] = False,
) -> None:
    """Deploy a stage to AWS.

    Builds the Lambda function first. Needs Node.js 22 or newer, credentials and a region of AWS, and an account that
    was prepared for the CDK: prints the command for it if it was not. The CDK asks before it changes permissions.
    """
    from iot_authorizer_cli.project.rule_functions import check_topic_rules  # noqa: PLC0415 (it takes long to load)

    require_config(config)
    read_stage(stages_of_file(), stage)
    check_topic_rules(config)
    if dry_run:
        _run(stage, config, "diff")
    _run(stage, config, "deploy", ("--all", *(("--require-approval", "never") if yes else ())))


def destroy(stage: StageName = "dev", config: Config = CONFIG, yes: Yes = False) -> None:
    """Delete a stage from AWS.

    A table of users stays. Needs only the authorizer's name from the configuration, so that other mistakes in it do
    not matter.
    """
    require_config(config)
    stage_tables(stages_of_file(), stage)
    options = ("--all", "--output", "build/destroy.out", *(("--force",) if yes else ()))
    _run(stage, config, "destroy", options, "destroy")


def _run(stage: str, config: Path, action: str, options: tuple[str, ...] = (), *app: str) -> NoReturn:
    """Becomes the CDK. Raises InvalidSettings if something is missing that it needs."""
    check_node()
    program = _cdk()
    for package in ("aws_cdk", "botocore"):
        if find_spec(package) is None:
            raise InvalidSettings(f"{package} is not installed: install this package with its extra `cdk`")
    from iot_authorizer_cli.commands.deploy.account import find_account  # noqa: PLC0415 (it takes long to load)
    from iot_authorizer_cli.commands.deploy.bootstrap import missing_bootstrap  # noqa: PLC0415 (so does this)

    found = find_account()
    if action == "deploy" and (arguments := missing_bootstrap(found)):
        prepare = shlex.join([*program, *arguments])
        raise InvalidSettings(f"{found}: not prepared for the CDK: an administrator runs this once: {prepare}")
    tell(f"{action} of stage {stage}: {found}")
    python = (sys.executable, "-P", "-m", "iot_authorizer_cdk.app", *app, "--config", str(config))
    command = [*program, action, *options, "--context", f"stage={stage}", "--app", shlex.join(python)]
    os.environ.setdefault("npm_config_loglevel", "error")  # Without it, npm tells of newer versions of itself.
    os.execvp(command[0], command)  # noqa: S606 (no shell)


def _cdk() -> list[str]:
    """The program of the CDK's command line."""
    if _LOCAL.exists():
        return [str(_LOCAL.absolute())]
    if shutil.which("npx") is None:
        raise InvalidSettings("npx: not found: it comes with Node.js, and runs the CDK")
    return ["npx", "--yes", CDK]
