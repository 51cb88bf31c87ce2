"""`iot-authorizer sign`: signatures that IoT Core and openssl verify."""

import base64
import subprocess
from pathlib import Path

import pytest

from iot_authorizer_cli.project.configuration import read_project_configuration
from iot_core.authorizers.event import ConnectionRequest
from iot_core.authorizers.invocation import Refused, verify_signature
from tests.cli.conftest import Run
from tests.clients.needs import needs

pytestmark = pytest.mark.slow

ARN = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"


@pytest.fixture
def config(two_keys: Path) -> Path:
    return two_keys


def by_openssl(folder: Path, name: str, token: bytes) -> str:
    command = [needs("openssl"), "dgst", "-sha256", "-sign", f"keys/private/{name}.pem"]
    signature = subprocess.run(command, cwd=folder, input=token, capture_output=True, check=True).stdout
    return base64.b64encode(signature).decode() + "\n"


@pytest.mark.parametrize(
    "token", ["header.payload", "a b+/=", "ключ", "x" * 6000], ids=["jwt", "signs", "utf-8", "long"]
)
def test_it_signs_as_openssl_does(run: Run, config: Path, token: str) -> None:
    assert run("sign", token).stdout == by_openssl(config.parent, "new", token.encode())


def test_a_given_key_signs(run: Run, config: Path) -> None:
    assert run("sign", "--key", "old", "x").stdout == by_openssl(config.parent, "old", b"x")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_line_end_of_standard_input_is_not_signed(run: Run, config: Path, end: bytes) -> None:
    assert run("sign", "-", typed=b"header.\xff" + end).stdout == by_openssl(config.parent, "new", b"header.\xff")


def test_iot_core_verifies_only_the_signed_token(run: Run, config: Path) -> None:
    signature = run("sign", "header.payload").stdout.strip()
    authorizer = read_project_configuration(config, ARN).description
    assert verify_signature(ConnectionRequest(token="header.payload", tokenSignature=signature), authorizer).verified
    with pytest.raises(Refused):
        verify_signature(ConnectionRequest(token="header.other", tokenSignature=signature), authorizer)


def test_the_key_before_signs_if_the_newest_private_half_is_elsewhere(run: Run, config: Path) -> None:
    (config.parent / "keys/private/new.pem").unlink()
    assert run("sign", "x").stdout == by_openssl(config.parent, "old", b"x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--key", "other"], "authorizer.toml has no key other; its keys: old, new"),
        ([""], "Invalid value for TOKEN: expected a token"),
    ],
)
def test_an_error_is_one_line(run: Run, config: Path, arguments: list[str], message: str) -> None:
    done = run("sign", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"iot-authorizer: {message}\n")


def test_without_a_private_half_it_says_where_one_belongs(run: Run, config: Path) -> None:
    for path in (config.parent / "keys/private").glob("*.pem"):
        path.unlink()
    assert run("sign", "x").stderr.endswith(
        "the private half of old, new is not on this machine: expected it in keys/private\n"
    )


def test_without_keys_it_says_how_to_make_one(run: Run) -> None:
    assert run("sign", "x").stderr.endswith("has no key yet: run iot-authorizer keys new\n")
