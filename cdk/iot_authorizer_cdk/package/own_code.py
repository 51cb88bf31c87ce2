"""The code of a handler of your own: which files the Lambda needs, and whether it has everything that they import.

1. The handler's module is beside `authorizer.toml`: a file, or a folder with `__init__.py`. So are others that it
   imports. As on the user's machine, such a module is found before an installed one.
2. Imports are read from syntax trees. No code of the user's runs.
3. All files of a folder are taken, except tests, caches, and names that begin with a dot.
4. Each import must be provided by these files, by the directory's packages, by the standard library, or by Lambda's
   runtime. Otherwise the function would not start, and IoT Core would refuse every client.
5. An import may fail in a `try` that handles the error, and in an `if` about `sys`. One for type checkers only is not
   read.
"""

import ast
import symtable
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from iot_authorizer.configuration import HANDLER
from iot_policies import InvalidFile
from iot_policies.toml_file import invalid_file, read_file, read_toml

RUNTIME = frozenset({"boto3", "botocore"})
"""What Lambda's runtime provides (Lambda developer guide, "Building Lambda functions with Python")."""
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_TESTS = ("tests", "test", "test_*.py", "*_test.py", "conftest.py")
_CACHES = ("__pycache__", "*.pyc", "*.pyo")


class _Import(NamedTuple):
    """A name that a module imports."""

    name: str
    """The module with its packages, as in `my_rules.sessions`."""
    line: int
    required: bool
    """Whether the importing module fails without it."""
    statement: str


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The modules of a handler, and all files that the Lambda needs of them."""

    folder: Path
    """The folder of the configuration, in which all modules are."""
    files: frozenset[Path]
    """Relative to the folder."""
    imports: tuple[tuple[Path, _Import], ...]
    """What the modules import from elsewhere, each with the importing file."""

    def check(self, directory: Path, standard_library: Collection[str]) -> None:
        """Raises InvalidFile unless a directory with all installed packages provides the imports from elsewhere."""
        installed = {path.name.partition(".")[0] for path in directory.iterdir() if path.suffix != ".dist-info"}
        if taken := sorted({path.parts[0].partition(".")[0] for path in self.files} & installed):
            problem = f"the Lambda function has a module named {taken[0]}: rename yours"
            raise InvalidFile(self.folder / taken[0], None, "", problem)
        provided = installed | RUNTIME | set(standard_library)
        for file, found in self.imports:
            top = found.name.partition(".")[0]
            if found.required and top not in provided:
                advice = "lock its package with `iot-authorizer lock PACKAGE`"
                if (self.folder / top).is_dir():
                    advice = f"the folder {top} has no __init__.py"
                problem = f"nothing in the Lambda function provides {top}: {advice}"
                raise _refused(self.folder / file, found, problem)


def own_code(config: Path, handler: str) -> OwnCode | None:
    """Finds the code of a handler; None for this package's own.

    Raises InvalidFile as `handler_module`, and for an import of a module that is not there though its package is.
    """
    if handler == HANDLER:
        return None
    folder, first = config.parent, handler_module(config, handler)
    modules, elsewhere = _reachable(folder, [*_parents(folder, handler.rpartition(".")[0]), first])
    return OwnCode(folder, frozenset(_files(folder, modules)), tuple(elsewhere))


def handler_module(config: Path, handler: str) -> Path:
    """Returns the file of a handler's module, relative to the configuration's folder. Raises InvalidFile."""
    module, _, attribute = handler.rpartition(".")
    found = _locate(config.parent, module)
    if found is None:
        name = module.replace(".", "/")
        raise _wrong_handler(config, f"{module} is not beside this file: expected {name}.py or {name}/__init__.py")
    if not _is_taken(found):
        raise _wrong_handler(config, f"{found} is a test, and tests are not deployed: move or rename it")
    if not _defines(config.parent / found, attribute):
        raise _wrong_handler(config, f"{found} defines no {attribute}")
    return found


def _wrong_handler(config: Path, expected: str) -> InvalidFile:
    return invalid_file(config, read_toml(config)[1], ("handler",), expected)


def _reachable(folder: Path, modules: Iterable[Path]) -> tuple[set[Path], list[tuple[Path, _Import]]]:
    """Follows the imports of modules. Returns all modules, and the imports from elsewhere with their files."""
    waiting, seen = list(modules), set(modules)
    elsewhere: list[tuple[Path, _Import]] = []
    while waiting:
        file = waiting.pop()
        for found in _imports(folder / file, file.parent.parts):
            top = found.name.partition(".")[0]
            if _locate(folder, top) is None:
                elsewhere.append((file, found))
                continue
            located = _locate(folder, found.name)
            if located is None or not _is_taken(located):
                if not found.required:
                    continue
                parent, _, name = found.name.rpartition(".")
                problem = f"{parent} has no module {name}" if located is None else f"{located} is a test"
                raise _refused(folder / file, found, problem + ", so it would not be in the Lambda function")
            new = {*_parents(folder, found.name), located} - seen
            seen |= new
            waiting += new
    return seen, elsewhere


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


def _locate(folder: Path, module: str) -> Path | None:
    """Returns the file of a module, relative to the folder; a package is found before a file of the same name."""
    path = Path(*module.split("."))
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((each for each in candidates if (folder / each).is_file()), None)


def _parents(folder: Path, module: str) -> list[Path]:
    """Returns the `__init__.py` of each package of a module."""
    parts = module.split(".")
    found = (_locate(folder, ".".join(parts[:count])) for count in range(1, len(parts)))
    return [each for each in found if each is not None]


def _defines(path: Path, name: str) -> bool:
    """Returns whether a module has a global name, as far as its syntax tells. Raises InvalidFile."""
    tree = _parsed(path)
    stars = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) and each.names[0].name == "*")
    if next(stars, None) is not None:
        return True
    names = symtable.symtable(ast.unparse(tree), str(path), "exec").get_symbols()
    return any(each.get_name() == name and (each.is_assigned() or each.is_imported()) for each in names)


def _parsed(path: Path) -> ast.Module:
    """Parses a file. Raises InvalidFile."""
    try:
        return ast.parse(read_file(path), str(path))
    except SyntaxError as error:
        raise InvalidFile(path, error.lineno, "", f"SyntaxError: {error.msg}") from None


def _imports(path: Path, package: Sequence[str]) -> Iterator[_Import]:
    """Yields what a file of a package imports. Raises InvalidFile."""
    for node, required in _statements(_parsed(path), required=True):
        statement = ast.unparse(node)
        if isinstance(node, ast.Import):
            for each in node.names:
                yield _Import(each.name, node.lineno, required, statement)
            continue
        if node.level > len(package):
            raise InvalidFile(path, node.lineno, statement, "the dots lead out of the package")
        base = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *([node.module] if node.module else [])])
        yield _Import(module, node.lineno, required, statement)
        for each in node.names:  # It may be a module, or any name in one.
            yield _Import(f"{module}.{each.name}", node.lineno, False, statement)


def _statements(node: ast.AST, *, required: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yields the imports below a node, and whether the module fails without each."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, required
        return
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    children = node.orelse if isinstance(node, ast.If) and "TYPE_CHECKING" in test else ast.iter_child_nodes(node)
    optional = node.body if isinstance(node, ast.Try) and any(map(_catches, node.handlers)) else []
    for child in children:
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _statements(child, required=required and "sys." not in test and child not in optional)


def _catches(handler: ast.ExceptHandler) -> bool:
    """Returns whether the handler catches the error of an import."""
    names = {each.id for each in ast.walk(handler.type) if isinstance(each, ast.Name)} if handler.type else _CATCHES
    return bool(names & _CATCHES)


def _refused(file: Path, found: _Import, problem: str) -> InvalidFile:
    return InvalidFile(file, found.line, found.statement, problem)
