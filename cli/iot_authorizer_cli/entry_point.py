"""The entry point of the program `iot-authorizer`."""

import gc
import sys
from collections.abc import Callable


def main() -> None:
    """Runs the command line. Prints no traceback for Ctrl-C or a package that is not installed."""
    try:
        _command_line()()
    except KeyboardInterrupt:
        sys.exit(130)


def _command_line() -> Callable[[], None]:
    gc.disable()  # While modules load, collections take a fifth of the time and free nothing.
    try:
        from iot_authorizer_cli.app import main as run  # noqa: PLC0415 (it may not be installed)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("iot_"):
            raise
        sys.exit(f"iot-authorizer: {error.name} is not installed: install this package with its extra `local`")
    gc.freeze()
    gc.enable()
    return run
