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
}


def needs(program: str) -> str:
    """Return the program's path. Skips the test if it is not installed.

    For `mqtt.js`, the path is that of Node.js, and the package MQTT.js must be installed.
    """
    path = os.environ["PATH"] + ":/usr/sbin"
    names = _ALSO_CALLED.get(program, ("node" if program == "mqtt.js" else program,))
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None or (program == "mqtt.js" and not (ROOT / "node_modules" / "mqtt").exists()):
        pytest.skip(f"{NOT_RUN}{program}: {_BROUGHT_BY[program]}")
    return found
