"""The code of functions of your own: which files the Lambda needs, and whether it has everything that they import.

1. A function's module is beside `authorizer.toml`: a file, or a folder with `__init__.py`. So are others that it
   imports (`import_graph.py`). No code of the user's runs.
2. All files of a folder are taken, except tests, caches, and names that begin with a dot.
3. No module has the name of one of Python's own: Lambda's runtime has loaded many of these before the function.
4. Each import must be provided by these files, by the directory's packages, by the standard library, or by Lambda's
   runtime. Otherwise the function would not start, and IoT Core would refuse every client.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cdk.package.import_graph import Import, ImportGraph, global_names, locate, parse
from iot_policies import InvalidFile
from iot_policies.toml_file import Location, invalid_file, read_toml

Functions = Mapping[Location, str]
"""Functions of the user's, such as `my_rules.on_message`, by the key that names each."""
RUNTIME = frozenset({"boto3", "botocore"})
"""What Lambda's runtime provides (Lambda developer guide, "Building Lambda functions with Python")."""
_TESTS = ("tests", "test", "test_*.py", "*_test.py", "conftest.py")
_CACHES = ("__pycache__", "*.pyc", "*.pyo")


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The modules of functions, and all files that the Lambda needs of them."""

    folder: Path
    """The folder of the configuration, in which all modules are."""
    files: frozenset[Path]
    """Relative to the folder."""
    imports: tuple[Import, ...]
    """What the modules import from elsewhere."""

    def check(self, directory: Path, standard_library: Collection[str]) -> None:
        """Raises InvalidFile unless a directory with all installed packages provides the imports from elsewhere."""
        installed = {path.name.partition(".")[0] for path in directory.iterdir() if path.suffix != ".dist-info"}
        own = {path.parts[0].partition(".")[0] for path in self.files}
        if taken := sorted(own & installed):
            problem = f"the Lambda function has a module named {taken[0]}: rename yours"
            raise InvalidFile(self.folder / taken[0], None, "", problem)
        if taken := sorted(own & {*standard_library, "__main__"}):
            problem = f"Python itself has a module {taken[0]}, which Lambda may load instead: rename yours"
            raise InvalidFile(self.folder / taken[0], None, "", problem)
        provided = installed | RUNTIME | set(standard_library)
        for found in self.imports:
            if found.required and found.top not in provided:
                advice = "lock its package with `iot-authorizer lock PACKAGE`"
                if (self.folder / found.top).is_dir():
                    advice = f"the folder {found.top} has no __init__.py"
                raise found.refused(f"nothing in the Lambda function provides {found.top}: {advice}")


def own_code(config: Path, functions: Functions) -> OwnCode | None:
    """Finds the code of functions; None if there are none.

    Raises InvalidFile as `check_function`, and for an import of a module that is not there though its package is.
    """
    if not functions:
        return None
    for location, function in functions.items():
        check_function(config, location, function)
    folder = config.parent
    graph = ImportGraph.of(folder, *(function.rpartition(".")[0] for function in functions.values()))
    for found in graph.imports:
        if found.required and locate(folder, found.top) is not None:
            parent, _, name = found.name.rpartition(".")
            raise found.refused(f"{parent} has no module {name}")
    if tests := sorted(str(path) for path in graph.files if not _is_taken(path)):
        problem = "your code imports this file, but tests are not deployed: move or rename it"
        raise InvalidFile(folder / tests[0], None, "", problem)
    elsewhere = tuple(found for found in graph.imports if locate(folder, found.top) is None)
    return OwnCode(folder, frozenset(_files(folder, graph.files)), elsewhere)


def check_function(config: Path, location: Location, function: str) -> None:
    """Raises InvalidFile unless a function's module is in the configuration's folder and defines the function."""
    module, _, attribute = function.rpartition(".")
    found = locate(config.parent, module)
    if found is None:
        name = module.replace(".", "/")
        problem = f"{module} is not beside this file: expected {name}.py or {name}/__init__.py"
    elif not _is_taken(found):
        problem = f"{found} is a test, and tests are not deployed: move or rename it"
    elif not _defines(config.parent / found, attribute):
        problem = f"{found} defines no {attribute}"
    else:
        return
    raise invalid_file(config, read_toml(config)[1], location, problem)


def _files(folder: Path, modules: Iterable[Path]) -> Iterator[Path]:
    """Yields the files of modules, and of the folders in which they are."""
    for top in {module.parts[0] for module in modules}:
        found = [folder / top] if (folder / top).is_file() else (folder / top).rglob("*")
        for path in found:
            if path.is_file() and _is_taken(path.relative_to(folder)):
                yield path.relative_to(folder)


def _is_taken(path: Path) -> bool:
    parts = [Path(part) for part in path.parts]
    return not any(part.name.startswith(".") or any(map(part.match, (*_TESTS, *_CACHES))) for part in parts)


def _defines(path: Path, name: str) -> bool:
    """Returns whether a module has a global name, as far as its syntax tells. Raises InvalidFile."""
    tree = parse(path)
    stars = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) and each.names[0].name == "*")
    if next(stars, None) is not None:
        return True
    return name in global_names(path)
