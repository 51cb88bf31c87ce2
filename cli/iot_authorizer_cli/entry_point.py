"""The entry point of the program `iot-authorizer`."""

import contextlib
import os
import sys

from iot_authorizer_cli.loading import load

_IMPORTED_AHEAD = ("iot_authorizer.building", "iot_authorizer.lambda_handler", "iot_authorizer.preparing")
"""What the authorizer's handler imports on this machine."""


def main() -> None:
    """Runs the command line. Prints no traceback for Ctrl-C or a package that is not installed."""
    with contextlib.ExitStack() as stack:
        is_dev = sys.argv[1:2] == ["dev"]
        if is_dev:
            _open_standard_files()
        if is_dev and not {"--in-process", "--help"} & set(sys.argv):
            # The process of the function and this one load what they need at the same time.
            from iot_core.functions.function_process import started_ahead  # noqa: PLC0415 (only `dev` needs it)

            stack.enter_context(started_ahead(_IMPORTED_AHEAD))
        try:
            load("iot_authorizer_cli.app").main()
        except KeyboardInterrupt:
            sys.exit(130)


def _open_standard_files() -> None:
    """Opens standard files that are closed. Otherwise sockets get their numbers, and new processes lose these sockets.

    Only for `dev`: other commands say that standard input or output is closed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            file = open(os.devnull, mode)  # noqa: PTH123, SIM115 (it stays open)
            os.set_inheritable(file.fileno(), True)
            setattr(sys, name, file)
