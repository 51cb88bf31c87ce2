"""Names of a package that are imported when they are first used (PEP 562).

In Lambda, each module costs time when it is imported. A handler that reads a plan needs none of those that check
templates and configurations.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module


def lazy_names(
    package: str, names: Mapping[str, Collection[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package. `names`: its public names, by the module that has them.

    Raises ImportError for a module that cannot be imported.
    """
    modules = {name: module for module, its in names.items() for name in its}

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(modules[name])
        except AttributeError as error:  # Of a broken dependency. `from … import` would hide it.
            raise ImportError(f"{modules[name]}: {error}") from error
        return getattr(module, name)

    return find, lambda: sorted({*vars(sys.modules[package]), *modules})
