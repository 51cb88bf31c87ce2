"""The modules of a folder that a module imports, and what these import from elsewhere, read from syntax trees.

1. A module of the folder is a file, or a folder with `__init__.py`. It is found before an installed one, because the
   folder is the first on the path, in Lambda and on the user's machine.
2. An import may fail in a `try` that handles the error, and in an `if` about `sys`. One for type checkers only is not
   read.
3. `from rooms import names` imports the module `rooms.names` only if there is one. Imports by `importlib` are not seen.
"""

import ast
import symtable
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from iot_policies import InvalidFile
from iot_policies.toml_file import read_file

Tree = TypeVar("Tree", ast.Module, symtable.SymbolTable)
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Import(NamedTuple):
    """A name that a module imports."""

    name: str
    """The module with its packages, as in `my_rules.sessions`."""
    line: int
    required: bool
    """Whether the importing module fails without it."""
    statement: str
    file: Path
    """The importing file."""

    @property
    def top(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    def refused(self, problem: str) -> InvalidFile:
        """The error that says why this import would fail."""
        return InvalidFile(self.file, self.line, self.statement, problem)


@dataclass(frozen=True, slots=True)
class ImportGraph:
    """The modules of a folder that are reached from some of them. All files are relative to the folder."""

    folder: Path
    files: set[Path] = field(default_factory=set)
    """The modules that are reached."""
    imports: list[Import] = field(default_factory=list)
    """What they import from elsewhere, and from packages of the folder that have no such module."""

    @classmethod
    def of(cls, folder: Path, *modules: str) -> "ImportGraph":
        """Follows the imports of modules of the folder. Raises InvalidFile for a file that is not Python."""
        graph = cls(folder)
        for module in modules:
            graph._reach(module)
        return graph

    def _reach(self, module: str) -> None:
        waiting = [*modules_of(self.folder, module)]
        while waiting:
            file = waiting.pop()
            if file in self.files:
                continue
            self.files.add(file)
            for found in _imports(self.folder / file, file.parent.parts):
                reached = modules_of(self.folder, found.name)
                waiting += reached
                if not reached or locate(self.folder, found.name) is None:
                    self.imports.append(found)


def locate(folder: Path, module: str) -> Path | None:
    """Returns the file of a module, relative to the folder; a package is found before a file of the same name."""
    path = Path(*module.split("."))
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((each for each in candidates if (folder / each).is_file()), None)


def modules_of(folder: Path, module: str) -> list[Path]:
    """Returns the files that importing a module of the folder runs: its packages' and its own, as far as they exist."""
    parts = module.split(".")
    found = [locate(folder, ".".join(parts[: count + 1])) for count in range(len(parts))]
    return [each for each in found if each is not None] if found[0] is not None else []


def parse(path: Path) -> ast.Module:
    """Parses a file. Raises InvalidFile."""
    return _parsed(path, ast.parse)


def global_names(path: Path) -> frozenset[str]:
    """Returns the names that a module defines or imports. Raises InvalidFile."""
    found = _parsed(path, partial(symtable.symtable, compile_type="exec")).get_symbols()
    return frozenset(each.get_name() for each in found if each.is_assigned() or each.is_imported())


def _parsed(path: Path, parse_text: Callable[[bytes, str], Tree]) -> Tree:
    try:
        return parse_text(read_file(path), str(path))
    except SyntaxError as error:
        raise InvalidFile(path, error.lineno, "", f"SyntaxError: {error.msg}") from None
    except (RecursionError, MemoryError):  # Python raises either.
        raise too_deep(path) from None


def too_deep(path: Path) -> InvalidFile:
    """The error for a file whose syntax tree is too deep for Python's parser, or to be read here."""
    return InvalidFile(path, None, "", "nested too deeply: split long expressions and long chains of elif")


def _imports(path: Path, package: Sequence[str]) -> Iterator[Import]:
    """Yields what a file of a package imports. Raises InvalidFile."""
    try:
        statements = [*_statements(parse(path), required=True)]
    except RecursionError:
        raise too_deep(path) from None
    for node, required in statements:
        statement = ast.unparse(node)
        if isinstance(node, ast.Import):
            for each in node.names:
                yield Import(each.name, node.lineno, required, statement, path)
            continue
        if node.level > len(package):
            raise InvalidFile(path, node.lineno, statement, "the dots lead out of the package")
        base = package[: len(package) - node.level + 1] if node.level else ()
        module = ".".join([*base, *([node.module] if node.module else [])])
        yield Import(module, node.lineno, required, statement, path)
        for each in node.names:  # It may be a module, or any name in one.
            yield Import(f"{module}.{each.name}", node.lineno, False, statement, path)


def _statements(node: ast.AST, *, required: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yields the imports below a node, and whether the module fails without each."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, required
        return
    words = _words(node.test) if isinstance(node, ast.If) else frozenset[str]()
    children = node.orelse if isinstance(node, ast.If) and "TYPE_CHECKING" in words else ast.iter_child_nodes(node)
    optional = node.body if isinstance(node, ast.Try) and any(map(_catches, node.handlers)) else []
    for child in children:
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _statements(child, required=required and "sys" not in words and child not in optional)


def _words(node: ast.expr) -> frozenset[str]:
    """Returns the names and attributes in an expression."""
    nodes = [*ast.walk(node)]
    names = {each.id for each in nodes if isinstance(each, ast.Name)}
    return frozenset(names | {each.attr for each in nodes if isinstance(each, ast.Attribute)})


def _catches(handler: ast.ExceptHandler) -> bool:
    """Returns whether the handler catches the error of an import."""
    names = {each.id for each in ast.walk(handler.type) if isinstance(each, ast.Name)} if handler.type else _CATCHES
    return bool(names & _CATCHES)
