"""The program `iot-authorizer`, as far as there is a command line to run."""

import sys
from collections.abc import Callable


def main() -> None:
    """Runs the command line. Where parts of it are not installed, or Ctrl-C comes at any time, there is no stack."""
    try:
        _command_line()()
    except KeyboardInterrupt:
        sys.exit(130)


def _command_line() -> Callable[[], None]:
    try:
        from iot_authorizer_cli.app import main as run  # noqa: PLC0415 (what it is about)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("iot_"):
            raise
        sys.exit(f"iot-authorizer: there is no {error.name}: pip install 'iot-authorizer[local]' brings it")
    return run
