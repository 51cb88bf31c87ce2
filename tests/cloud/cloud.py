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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

REGION, ACCOUNT = "eu-west-1", "123456789012"
_CDK = ROOT / "node_modules/.bin/cdk"
_INTERPRETER = ROOT / ".venv-cloud/bin/python"
_PATIENCE = 60
"""Seconds that ministack may take to start; it needs about three."""


@dataclass(frozen=True)
class Cloud:
    """The account, with the programs that use it."""

    environment: Mapping[str, str]
    """Variables for programs: the account's URLs, credentials, and their own folders."""

    def cdk(self, folder: Path, *arguments: str) -> str:
        """Runs the CDK's CLI in a folder and returns its output. It must succeed."""
        done = self._run(folder, _CDK, *arguments, "--no-notices", "--ci")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def aws(self, *arguments: str) -> Any:  # noqa: ANN401
        """Runs the AWS CLI and returns its answer, or None if it has none. It must succeed."""
        done = self.try_aws(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def try_aws(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs the AWS CLI, which may fail."""
        return self._run(Path(self.environment["HOME"]), Path(sys.executable).with_name("aws"), *arguments)

    def ask(self, authorizer: str, **contexts: Mapping[str, str]) -> Any:  # noqa: ANN401
        """Calls TestInvokeAuthorizer with a client's contexts, and returns the answer."""
        options = [f"--{name.replace('_', '-')}={json.dumps(context)}" for name, context in contexts.items()]
        return self.aws("iot", "test-invoke-authorizer", "--authorizer-name", authorizer, *options)

    def describe(self, authorizer: str) -> Any:  # noqa: ANN401
        """Returns the description of an authorizer."""
        return self.aws("iot", "describe-authorizer", "--authorizer-name", authorizer)["authorizerDescription"]

    def _run(self, folder: Path, program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, *arguments], cwd=folder, env=self.environment, capture_output=True, text=True, check=False
        )


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
        "PYTHONPATH": str(Path(__file__).with_name("lambda_runtime")),
    }
    command: list[str | Path] = [_INTERPRETER, "-P", Path(__file__).with_name("ministack_server.py")]
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment | own, stdout=log, stderr=log)
        try:
            _wait(process, environment["AWS_ENDPOINT_URL"], folder / "ministack.log")
            yield Cloud(environment)
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
