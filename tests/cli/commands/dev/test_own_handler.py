"""Your own handler, with a configuration that has only what IoT Core needs."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.conftest import Run
from tests.cli.dev import PROGRAM, Dev

HANDLER = """\
STATEMENT = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


def lambda_handler(event, context):
    return {
        "isAuthenticated": event["signatureVerified"],
        "principalId": "user",
        "policyDocuments": [{"Version": "2012-10-17", "Statement": [STATEMENT]}],
        "disconnectAfterInSeconds": 3600,
        "refreshAfterInSeconds": 900,
    }
"""
CONFIGURATION = """\
name           = "own"
token_key_name = "session"

[signing]
public_keys = { first = "first.pem" }
"""
TOKEN = "any text"


@pytest.fixture
def signature(folder: Path) -> str:
    """The token's signature, in a folder with the handler and its configuration."""
    key = generate_private_key(65537, 2048)
    (folder / "first.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / "app.py").write_text(HANDLER)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    return base64.b64encode(key.sign(TOKEN.encode(), PKCS1v15(), SHA256())).decode()


@pytest.fixture
def dev(folder: Path, signature: str) -> Iterator[Dev]:
    assert signature
    with Dev(folder, "--handler", "app.lambda_handler") as dev:
        yield dev


def test_invoke_verifies_the_signature_for_it(run: Run, signature: str) -> None:
    done = run("invoke", "--handler", "app.lambda_handler", "--token", TOKEN, "--token-signature", signature)
    assert (done.returncode, json.loads(done.stdout)["principalId"]) == (0, "user")


@pytest.mark.slow
def test_the_program_of_connect_is_accepted_by_it(run: Run, folder: Path, dev: Dev, signature: str) -> None:
    where = ["--endpoint", f"http://localhost:{dev.port}"]
    program = run("connect", "--for", "paho", *where, "--token", TOKEN, "--signature", signature).stdout
    python = [str(PROGRAM.with_name("python")), "-"]
    done = subprocess.run(python, cwd=folder, input=program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "rooms/lobby/say/ann: Hello from Paho\n"), done.stderr


@pytest.mark.parametrize("options", [(), ("--in-process",)], ids=["default", "--in-process"])
def test_it_runs_in_a_process_of_its_own_or_in_that_of_dev(folder: Path, options: tuple[str, ...]) -> None:
    (folder / "authorizer.toml").write_text('name = "own"\n')
    (folder / "app.py").write_text(f"import os\nopen('process', 'w').write(str(os.getpid()))\n\n{HANDLER}")
    with Dev(folder, "--handler", "app.lambda_handler", *options) as dev:
        assert (int((folder / "process").read_text()) == dev.process.pid) is bool(options)
