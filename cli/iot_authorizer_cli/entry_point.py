"""The entry point of the program `iot-authorizer`."""

import sys

from iot_authorizer_cli.loading import load


def main() -> None:
    """Runs the command line. Prints no traceback for Ctrl-C or a package that is not installed."""
    try:
        load("iot_authorizer_cli.app").main()
    except KeyboardInterrupt:
        sys.exit(130)
