"""Imports parts of the command line when they are needed."""

import gc
import sys
from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """Imports a module of the command line. Exits with a message if a package that it needs is not installed."""
    gc.disable()  # While modules load, collections take a fifth of the time and free nothing.
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("iot_"):
            raise
        sys.exit(f"iot-authorizer: {error.name} is not installed: install this package with its extra `local`")
    finally:
        gc.freeze()
        gc.enable()
