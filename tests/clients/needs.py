"""Finds programs that tests run and that no Python package installs."""

import os
import shutil
import subprocess
from functools import cache

import pytest

from tests import ROOT

NOT_RUN = "needs "
"""The first word of the reason of such a skip, by which `tests/conftest.py` collects them."""
_ALSO_CALLED = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
_BROUGHT_BY = {
    "chromium": "apt-get install chromium",
    "mosquitto_pub": "apt-get install mosquitto-clients",
    "mosquitto_sub": "apt-get install mosquitto-clients",
    "curl": "apt-get install curl",
    "openssl": "apt-get install openssl",
    "node": "make node_modules/ready",
}
_PACKAGES = {
    "mqtt.js": "node_modules/mqtt",
    "axe-core": "node_modules/axe-core",
    "aws-mqtt": "node_modules/aws-mqtt",
    "publishMessage": "node_modules/aws-mqtt",
    "aws-iot-device-sdk": "node_modules/aws-iot-device-sdk",
    "aws-signature-v4": "node_modules/aws-signature-v4",
    "aws-signature-v4-too-new": "node_modules/aws-signature-v4-too-new",
    "paho-mqtt": "node_modules/paho-mqtt",
    "@aws-amplify/pubsub": "tests/clients/node_modules/@aws-amplify/pubsub",
    "@aws-sdk/credential-provider-http": "tests/clients/node_modules/@aws-sdk/credential-provider-http",
    "@aws-sdk/client-iot-data-plane": "tests/clients/node_modules/@aws-sdk/client-iot-data-plane",
    "aws-iot-device-sdk-v2": "tests/clients/node_modules/aws-iot-device-sdk-v2",
    "aws-sdk": "tests/clients/node_modules/aws-sdk",
    "aws-sdk-cognito": "tests/clients/node_modules/aws-sdk",
    "browserify": "tests/clients/node_modules/browserify",
}
"""The folder of each npm package. The large ones are in a folder of their own, which only `make test-long` installs."""
_NODE = 22
"""The oldest Node.js that `make node` keeps. Amplify PubSub needs its global WebSocket, and hangs without it."""


def needs(program: str) -> str:
    """Return the program's path. Skips the test if it is not installed.

    For an npm package, the path is that of Node.js, and the package must be installed. Node.js must be new enough.
    """
    path = os.environ["PATH"] + ":/usr/sbin"
    package = _PACKAGES.get(program)
    names = _ALSO_CALLED.get(program, (program if package is None else "node",))
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if package is not None and not (found and (ROOT / package).exists()):
        pytest.skip(f"{NOT_RUN}{program}: make {package.partition('node_modules')[0]}node_modules/ready")
    if found is None:
        pytest.skip(f"{NOT_RUN}{program}: {_BROUGHT_BY[program]}")
    if names == ("node",) and _major_version(found) < _NODE:
        pytest.skip(f"{NOT_RUN}Node.js {_NODE} or newer, found {found}: make node, with .venv/bin first in PATH")
    return found


@cache
def _major_version(node: str) -> int:
    """The 24 of a Node.js that prints v24.19.0."""
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(printed.lstrip("v").partition(".")[0])
