"""Finds programs that tests run and that no Python package installs."""

import os
import shutil

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
    "mqtt.js": "make node_modules/ready",
    "axe-core": "make node_modules/ready",
    "aws-mqtt": "make node_modules/ready",
    "publishMessage": "make node_modules/ready",
    "aws-iot-device-sdk": "make node_modules/ready",
    "aws-signature-v4": "make node_modules/ready",
    "mqtt-3.1": "make node_modules/ready",
    "aws-signature-v4-too-new": "make node_modules/ready",
}
_PACKAGES = {
    "mqtt.js": "mqtt",
    "axe-core": "axe-core",
    "aws-mqtt": "aws-mqtt",
    "publishMessage": "aws-mqtt",
    "aws-iot-device-sdk": "aws-iot-device-sdk",
    "aws-signature-v4": "aws-signature-v4",
    "mqtt-3.1": "aws-signature-v4",
    "aws-signature-v4-too-new": "aws-signature-v4-too-new",
}
"""The folder of each npm package in node_modules."""


def needs(program: str) -> str:
    """Return the program's path. Skips the test if it is not installed.

    For an npm package, the path is that of Node.js, and the package must be installed.
    """
    path = os.environ["PATH"] + ":/usr/sbin"
    names = _ALSO_CALLED.get(program, ("node" if program in _PACKAGES else program,))
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    package = _PACKAGES.get(program)
    if found is None or (package is not None and not (ROOT / "node_modules" / package).exists()):
        pytest.skip(f"{NOT_RUN}{program}: {_BROUGHT_BY[program]}")
    return found
