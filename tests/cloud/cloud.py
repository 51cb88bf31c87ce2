"""An AWS account on this machine: ministack, and our IoT Core for its IoT API. The CDK and `aws` use both."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from tests import ROOT, UV

REGION, ACCOUNT = "eu-west-1", "123456789012"
_CDK = ROOT / "node_modules/.bin/cdk"
_INTERPRETER = ROOT / ".venv-cloud/bin/python"
_PATIENCE = 60
"""Seconds that ministack may take to start; it needs about three."""


@dataclass(frozen=True)
class Cloud:
    """The account, with the programs and clients that use it."""

    environment: Mapping[str, str]
    """Variables for programs: the account's URLs, credentials, and their own folders."""
    _clients: dict[str, Any] = field(default_factory=dict)

    def run(self, folder: Path, program: str | Path, *arguments: str, **variables: str) -> str:
        """Runs a program in a folder and returns its output. It must succeed. `variables` replace the environment's."""
        environment = {**self.environment, **variables}
        done = subprocess.run(
            [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def iot_authorizer(self, folder: Path, *arguments: str) -> str:
        """Runs our command line in a folder and returns its output. It must succeed."""
        return self.run(folder, Path(sys.executable).with_name("iot-authorizer"), *arguments)

    def cdk(self, folder: Path, *arguments: str) -> str:
        """Runs the CDK's CLI in a folder and returns its output. It must succeed."""
        return self.run(folder, _CDK, *arguments, "--no-notices", "--ci")

    def aws(self, *arguments: str) -> Any:  # noqa: ANN401
        """Runs the AWS CLI and returns its answer. It must succeed."""
        return json.loads(self.run(Path(self.environment["HOME"]), Path(sys.executable).with_name("aws"), *arguments))

    def client(self, service: str) -> Any:  # noqa: ANN401
        """Returns a client of boto3, which answers sooner than the AWS CLI."""
        if service not in self._clients:
            url = self.environment.get(f"AWS_ENDPOINT_URL_{service.upper()}", self.environment["AWS_ENDPOINT_URL"])
            session = boto3.Session(ACCOUNT, "secret", region_name=REGION)
            self._clients[service] = cast("Callable[..., Any]", session.client)(service, endpoint_url=url)
        return self._clients[service]

    def close(self) -> None:
        """Closes the clients."""
        for client in self._clients.values():
            client.close()

    def ask(self, authorizer: str, **contexts: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Calls TestInvokeAuthorizer with a client's contexts, and returns the answer."""
        return self.client("iot").test_invoke_authorizer(authorizerName=authorizer, **contexts)

    def describe(self, authorizer: str) -> Any:  # noqa: ANN401
        """Returns the description of an authorizer."""
        return self.client("iot").describe_authorizer(authorizerName=authorizer)["authorizerDescription"]

    def outputs(self, stack: str) -> dict[str, str]:
        """Returns the outputs of a deployed stack."""
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def function(self, arn: str) -> Any:  # noqa: ANN401
        """Returns the configuration of a function."""
        return self.client("lambda").get_function_configuration(FunctionName=arn)

    def statements(self, arn: str) -> list[dict[str, Any]]:
        """Returns the statements of a function's resource policy."""
        found: list[dict[str, Any]] = json.loads(self.client("lambda").get_policy(FunctionName=arn)["Policy"])[
            "Statement"
        ]
        return found

    def log(self, arn: str) -> list[dict[str, Any]]:
        """Returns the JSON lines that a function logged."""
        group = self.function(arn)["LoggingConfig"]["LogGroup"]
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]


@contextmanager
def running_cloud(folder: Path, iot_url: str) -> Iterator[Cloud]:
    """Runs an account until the end of the block. It writes only into the folder."""
    _require()
    port = _free_port()
    environment = _environment(folder) | {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ENDPOINT_URL_IOT": iot_url,
    }
    own = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,  # Of requests without a signature.
        "PYTHONPATH": str(Path(__file__).with_name("lambda_runtime")),
    }
    command: list[str | Path] = [_INTERPRETER, "-P", Path(__file__).with_name("ministack_server.py")]
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment | own, stdout=log, stderr=log)
        try:
            _wait(process, environment["AWS_ENDPOINT_URL"], folder / "ministack.log")
            cloud = Cloud(environment)
            yield cloud
            cloud.close()
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _require() -> None:
    """Fails if a program is missing: skipped tests would look like tests that pass."""
    if shutil.which("node") is None:
        pytest.fail("node is not installed: `make test` installs it", pytrace=False)
    for path, target in ((_CDK, "node_modules/ready"), (_INTERPRETER, ".venv-cloud/ready")):
        if not path.exists():
            pytest.fail(f"{path.relative_to(ROOT)} does not exist: `make {target}` installs it", pytrace=False)


def _environment(folder: Path) -> dict[str, str]:
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return {
        **_for_downloads(),
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "CDK_HOME": str(folder / "home/.cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # ministack reads the account from here.
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _for_downloads() -> dict[str, str]:
    """Variables that let uv and npm use their user's settings and caches, although HOME is another one."""
    cache = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    settings = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    of_npm = {"npm_config_cache": str(Path.home() / ".npm"), "npm_config_userconfig": str(Path.home() / ".npmrc")}
    prefixes = ("UV_", "SSL_CERT_", "NODE_EXTRA_CA_CERTS", "npm_config_")
    given = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    return {**of_npm, **given, "UV": UV, "UV_CACHE_DIR": cache, "XDG_CONFIG_HOME": settings}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(_PATIENCE * 10):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=_PATIENCE):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail(f"ministack does not answer: {log.read_text()}", pytrace=False)
