"""Finds programs that tests run and that no Python package installs."""

import os
import shutil
import subprocess
from functools import cache

import pytest

from tests import ROOT

NOT_RUN = "needs "
"""The first word of the reason of such a skip, by which `tests/conftest.py` collects them."""
_ALSO_CALLED = {"chromium": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")}
"""In this order: Chromium without a user interface needs little more than half of the processor time."""
_BROUGHT_BY = {
    "chromium": "apt-get install chromium-headless-shell",
    "mosquitto": "apt-get install mosquitto",
    "mosquitto_passwd": "apt-get install mosquitto",
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
    return _node(found) if names == ("node",) else found


@cache
def _node(found: str) -> str:
    """Node.js itself: what PyPI installs is a Python program that runs it, and would leave it running when killed."""
    expression = "`${process.versions.node} ${process.execPath}`"
    printed = subprocess.run([found, "-p", expression], capture_output=True, text=True, check=True).stdout
    version, _, path = printed.strip().partition(" ")
    if int(version.partition(".")[0]) < _NODE:
        pytest.skip(f"{NOT_RUN}Node.js {_NODE} or newer, found {found}: make node, with .venv/bin first in PATH")
    return path
