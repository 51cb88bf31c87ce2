"""The built directory, with only what Lambda's runtime has, asks an identity table."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.passwords import hash_password
from iot_identities.user import StoredPassword, User, to_item

TABLE = "identities"
OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
"""boto3 and its dependencies, which Lambda provides."""
CONFIGURATION = 'name = "fleet"\npolicy = "policies/fleet.toml"\n[passwords]\n'
ANSWER = """\
import json, sys
sys.path[:] = [sys.argv[1], *(entry for entry in sys.path if "site-packages" not in entry), sys.argv[2]]
from iot_authorizer.handler import lambda_handler
class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
for password in sys.argv[3:]:
    mqtt = {"username": "pump", "password": password, "clientId": "pump"}
    lambda_handler({"protocolData": {"mqtt": mqtt}}, Context)
"""
RIGHT, WRONG = "c2VjcmV0", "d3Jvbmc="
"""In base64."""


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """What Lambda's runtime has in addition to the standard library."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in OF_THE_RUNTIME:
        (folder / name).symlink_to(Path(sysconfig.get_path("purelib"), name))
    return folder


@pytest.fixture
def code(for_this_machine: Path, tmp_path: Path) -> Path:
    """The directory with a configuration that has no password file."""
    code = tmp_path / "code"
    code.mkdir()
    for path in for_this_machine.iterdir():
        if path.name != "authorizer.toml":
            (code / path.name).symlink_to(path)
    (code / "authorizer.toml").write_text(CONFIGURATION)
    return code


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DynamoDbTable]:
    """A table in DynamoDB like that of the stack, which the variables name."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://{host}:{port}")
    monkeypatch.setenv("AUTHORIZER__TABLE", TABLE)
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    yield DynamoDbTable(TABLE)
    server.stop()


def test_it_verifies_passwords_of_the_table(code: Path, runtime: Path, table: DynamoDbTable) -> None:
    claims = {"role": "device"}
    table.write(to_item(User("pump", (StoredPassword(hash_password("secret")),), claims=claims)))
    command = [sys.executable, "-I", "-S", "-B", "-c", ANSWER, str(code), str(runtime), RIGHT, WRONG]
    done = subprocess.run(command, cwd=code, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = [line for line in map(json.loads, done.stdout.splitlines()) if "decision" in line]
    assert [(line["decision"], line.get("reason")) for line in lines] == [
        ("allowed", None),
        ("refused", "wrong_password"),
    ]
