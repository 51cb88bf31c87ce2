"""The programs of docs/how-to/sign-with-aws-sdks.md, run as the page shows them, only with other ports and topics."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests import ROOT
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs

PAGE = (ROOT / "docs/how-to/sign-with-aws-sdks.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^```javascript\n// (\S+)\.mjs\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
PACKAGES = {
    "aws-mqtt": "aws-mqtt",
    "device-sdk-v1": "aws-iot-device-sdk",
    "device-sdk-v2": "aws-iot-device-sdk-v2",
    "sdk-v3": "@aws-sdk/client-iot-data-plane",
    "amplify": "@aws-amplify/pubsub",
    "by-hand": "mqtt.js",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_of_the_page_prints_its_message(account: LocalIotCore, tmp_path: Path, name: str) -> None:
    node = needs(PACKAGES[name])
    (package,) = (path for path in (ROOT, ROOT / "tests/clients") if (path / f"node_modules/{npm(name)}").exists())
    (tmp_path / "node_modules").symlink_to(package / "node_modules")
    assert account.ca_path is not None
    (tmp_path / ".iot-authorizer").symlink_to(account.ca_path.parent)
    text = PROGRAMS[name].replace("8443", str(account.tls_port)).replace("rooms/lobby/topic", f"rooms/{name}")
    (tmp_path / f"{name}.mjs").write_text(text)
    owner = account.iot_core.access_keys.owner
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NODE_EXTRA_CA_CERTS": str(account.ca_path),
        "AWS_ACCESS_KEY_ID": owner.key_id,
        "AWS_SECRET_ACCESS_KEY": owner.secret,
    }
    command = [node, "--preserve-symlinks", f"{name}.mjs"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE * 2, check=False
    )
    assert done.stdout == f"rooms/{name} hello\n", done.stderr


def npm(name: str) -> str:
    """The npm package that a program imports."""
    return PACKAGES[name].replace("mqtt.js", "mqtt")
