"""How the house is built: which package may import which, and what holds for every file."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT

FOLDERS = {
    "iot_policies": "policies",
    "iot_identities": "identities",
    "iot_authorizer": "authorizer",
    "iot_core": "local",
    "iot_authorizer_cdk": "cdk",
    "iot_authorizer_cli": "cli",
}
"""Each package, and the folder that holds it."""
BELOW = {
    "iot_policies": set[str](),
    "iot_identities": set[str](),
    "iot_authorizer": {"iot_policies", "iot_identities"},
    "iot_core": {"iot_policies"},
    "iot_authorizer_cdk": {"iot_policies", "iot_identities", "iot_authorizer"},
    "iot_authorizer_cli": {"iot_policies", "iot_identities", "iot_authorizer", "iot_core", "iot_authorizer_cdk"},
}
"""Which of our packages each package may import, beside itself."""
ROOMS = {
    "iot_core.mqtt": set[str](),
    "iot_core.broker": {"iot_core.mqtt", "iot_core.permissions", "iot_core.reasons"},
    "iot_core.functions": {"iot_core.identifiers"},
}
"""Rooms that know little of their own package: which of its rooms each may import."""
NOT_IN_POLICIES = {"jwt", "boto3", "botocore", "aws_lambda_powertools", "cryptography", "urllib", "http", "socket"}


@cache
def modules() -> dict[str, Path]:
    """All modules of all packages, by their dotted names."""
    found = {}
    for package, folder in FOLDERS.items():
        base = ROOT / folder
        for path in sorted((base / package).rglob("*.py")):
            name = ".".join(path.relative_to(base).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """The modules and names that a module imports, whether it does so while it runs or only for its types."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


@cache
def arrows() -> dict[str, set[str]]:
    """Which of our modules each module imports."""
    return {name: set(imports(path)) & modules().keys() - {name} for name, path in modules().items()}


def imported(name: str, among: dict[str, set[str]]) -> bool:
    return any(name in seen for seen in among.values())


def test_a_package_imports_only_packages_below_it() -> None:
    found = {(name, each) for name, seen in arrows().items() for each in seen}
    assert {pair for pair in found if top(pair[1]) not in BELOW[top(pair[0])] | {top(pair[0])}} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_an_inner_room_of_iot_core_imports_only_rooms_below_it(room: str) -> None:
    package = top(room)
    allowed = {room, *ROOMS[room]}
    ours = {
        (name, each)
        for name, seen in arrows().items()
        if f"{name}.".startswith(f"{room}.")
        for each in seen
        if top(each) == package and each != package
    }
    assert {pair for pair in ours if not any(f"{pair[1]}.".startswith(f"{each}.") for each in allowed)} == set()


def test_nothing_that_runs_in_lambda_imports_the_proofs() -> None:
    """The Lambda directory does not have them."""
    proofs = "iot_policies.proofs"
    runs = [name for name in arrows() if top(name) in ("iot_policies", "iot_identities", "iot_authorizer")]
    outside = [name for name in runs if not name.startswith(proofs)]
    assert [name for name in outside if any(each.startswith(proofs) for each in arrows()[name])] == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    rest = dict(arrows())
    while free := [name for name, seen in rest.items() if not seen & rest.keys() or not imported(name, rest)]:
        for name in free:
            del rest[name]
    assert sorted(rest) == []


def test_no_public_class_name_exists_twice() -> None:
    names = Counter(
        node.name
        for path in modules().values()
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_policies_import_nothing_of_aws_tokens_or_the_network() -> None:
    seen = {top(each) for name, path in modules().items() if top(name) == "iot_policies" for each in imports(path)}
    assert not seen & NOT_IN_POLICIES


def test_only_the_dynamodb_table_and_its_loader_import_aws_into_identities() -> None:
    """What imports it waits for botocore at a cold start."""
    found = {
        name
        for name, path in modules().items()
        if top(name) == "iot_identities" and {"boto3", "botocore"} & {top(each) for each in imports(path)}
    }
    assert found == {"iot_identities.dynamodb_table", "iot_identities.service_data"}


def public(nodes: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def test_all_that_is_public_has_a_docstring() -> None:
    missing = [
        f"{name}: {node.name}"
        for name, path in modules().items()
        for node in public(tree(path).body)
        if not ast.get_docstring(node)
    ]
    assert missing == []


def mapped() -> dict[Path, list[str]]:
    """The folders of the map in docs/architecture.md, each with the names of its children."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    found: dict[Path, list[str]] = {}
    path: list[str] = []
    for line in text.partition("```text\n")[2].partition("```")[0].splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        path = [*path[:depth], name.rstrip("/")]
        found.setdefault(Path(*path[:-1]), []).append(name)
        if name.endswith("/"):
            found[Path(*path)] = []
    return found


def children(folder: Path) -> set[str]:
    """The names in a folder that the map is about; folders end with a slash."""
    names = {f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir() if has_files(path)}
    return names - {"__init__.py", "py.typed"}


def has_files(path: Path) -> bool:
    """Whether a path is a file, or a folder with files beside what Python compiled."""
    return path.is_file() or (
        path.name != "__pycache__"
        and any(each.is_file() for each in path.rglob("*") if "__pycache__" not in each.parts)
    )


@pytest.mark.parametrize("folder", [folder for folder, names in mapped().items() if names], ids=str)
def test_the_map_names_each_file_and_folder_that_exists(folder: Path) -> None:
    named, there = set(mapped()[folder]), children(ROOT / folder)
    is_in_a_package = len(folder.parts) > 1
    assert (named - there, there - named if is_in_a_package else set()) == (set(), set())
