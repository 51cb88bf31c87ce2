"""The `aws` CLI, with the server as its endpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.clients.connection import PATIENCE
from tests.clients.server import Server

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}


def aws(server: Server, *arguments: str) -> dict[str, object]:
    """Run a command of the CLI and return its answer."""
    command = [str(Path(sys.executable).parent / "aws"), *arguments, "--output", "json"]
    where = ["--endpoint-url", server.tls_url, "--ca-bundle", str(server.ca)]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(
        [*command, *where], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout or "{}")
    return answer
