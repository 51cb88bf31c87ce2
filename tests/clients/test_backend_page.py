"""The function of docs/how-to/publish-from-a-backend.md, run with boto3 and the permission that the page shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cdk.test_backend_page import CODE, STATEMENT
from tests.clients.connection import PATIENCE
from tests.clients.test_temporary_credentials import assumed

pytestmark = pytest.mark.slow


def run(account: LocalIotCore, folder: Path, tls: bool, code: str = CODE, **variables: str) -> str:
    """Runs the function with the permission of the page only, and returns what it wrote to standard error."""
    (folder / "publish.py").write_text(code)
    key = assumed(account, json.dumps({"Version": "2012-10-17", "Statement": [json.loads(STATEMENT)]}))
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": key.key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_SESSION_TOKEN": key.session_token or "",
        "AWS_REGION": account.place.region,
        "AWS_DEFAULT_REGION": account.place.region,
        "AWS_ENDPOINT_URL_IOT_DATA_PLANE": account.tls_url if tls else account.url,
        "AWS_CA_BUNDLE": str(account.ca_path),
        **variables,
    }
    command = [sys.executable, "-c", 'import publish; publish.handler({"title": "Welcome"}, None)']
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE * 3, check=False
    )
    return done.stderr


@pytest.mark.parametrize("tls", [False, True])
def test_the_function_may_publish_to_its_topic(account: LocalIotCore, tmp_path: Path, tls: bool) -> None:
    assert run(account, tmp_path, tls) == ""


@pytest.mark.parametrize("change", ["topic", "retain", "prefix"])
def test_the_function_may_not_do_more(account: LocalIotCore, tmp_path: Path, change: str) -> None:
    code, variables = CODE, {}
    if change == "topic":
        code = CODE.replace("rooms/lobby/topic", "rooms/attic/topic")
    elif change == "retain":
        code = CODE.replace("qos=1", "qos=1, retain=True")
    else:
        variables = {"IOT_TOPIC_PREFIX": "dev/"}
    assert "ForbiddenException" in run(account, tmp_path, False, code, **variables)
