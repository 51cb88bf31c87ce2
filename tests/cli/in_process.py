"""The command line in the process of the tests: starting one for each run takes ten times as long as most commands."""

import io
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from iot_authorizer_cli import progress
from iot_authorizer_cli.entry_point import main


def run_here(
    folder: Path, *arguments: str, typed: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `iot-authorizer` in a folder. `typed` is standard input; neither it nor the output is a terminal.

    No proof tells how far it is, however slow the machine is.
    """
    streams = [io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="") for content in (typed, b"", b"")]
    told = {"COLUMNS": "200", "TERM": "dumb", **(environment or {})}
    code: object = 0
    with (
        chdir(folder),
        patch.dict(os.environ, told),
        patch.object(progress, "PAUSE", math.inf),
        patch.object(sys, "argv", ["iot-authorizer", *arguments]),
        patch.object(sys, "stdin", streams[0]),
        redirect_stdout(streams[1]),
        redirect_stderr(streams[2]),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
        for stream in streams[1:]:
            stream.flush()
    assert isinstance(code, int)
    output, problems = (stream.buffer.getvalue().decode() for stream in streams[1:])
    return subprocess.CompletedProcess(["iot-authorizer", *arguments], code, output, problems)
