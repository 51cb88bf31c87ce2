"""Names of a package that are imported when they are first used (PEP 562).

In Lambda, each module costs time when it is imported. A handler that reads a plan needs none of those that check
templates and configurations.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module


def lazy_names(package: str, names: Mapping[str, Collection[str]]) -> Callable[[str], object]:
    """The function `__getattr__` of a package. `names`: its public names, by the module that has them."""
    modules = {name: module for module, its in names.items() for name in its}

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return find
