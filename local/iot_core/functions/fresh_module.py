"""Modules that are run again each time."""

import importlib
import importlib.util
import sys
from importlib.abc import SourceLoader
from types import ModuleType


def fresh_module(name: str) -> ModuleType:
    """A module of its own, as each of Lambda's execution environments has one, of its source as it is now.

    Raises ModuleNotFoundError, and whatever the module raises.
    """
    importlib.invalidate_caches()
    before = sys.modules.pop(name, None)
    try:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        if isinstance(spec.loader, SourceLoader) and spec.origin is not None:
            # Not from a .pyc file: one that is saved twice in a second would pass for the source.
            exec(spec.loader.source_to_code(spec.loader.get_data(spec.origin), spec.origin), vars(module))  # noqa: S102
        else:
            spec.loader.exec_module(module)
    except BaseException:
        _restore(name, before)
        raise
    return module


def _restore(name: str, before: ModuleType | None) -> None:
    """Puts back the module that was there before one that does not load."""
    sys.modules.pop(name, None)
    if before is not None:
        sys.modules[name] = before
