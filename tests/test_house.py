"""How the house is built: which room may look into which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from authorizer import building
from local import development

ROOT = Path(__file__).parent.parent
ROOMS = {"policies": {"policies"}, "authorizer": {"authorizer", "policies"}, "local": {"local", "policies"}}
NOT_IN_POLICIES = {"jwt", "boto3", "botocore", "aws_lambda_powertools", "cryptography", "urllib", "http", "socket"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_looks_only_into_rooms_below(room: str) -> None:
    seen = {name for path in (ROOT / room).glob("*.py") for name in imports(path)}
    assert seen & set(ROOMS) <= ROOMS[room]


def test_policies_know_no_aws_no_token_and_no_network() -> None:
    seen = {name for path in (ROOT / "policies").glob("*.py") for name in imports(path)}
    assert not seen & NOT_IN_POLICIES


def public(nodes: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


@pytest.mark.parametrize("room", ROOMS)
def test_all_that_is_public_has_a_docstring(room: str) -> None:
    for path in (ROOT / room).glob("*.py"):
        for node in public(ast.parse(path.read_text("utf-8")).body):
            assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_both_rooms_mean_the_same_development_issuer() -> None:
    assert (building.DEVELOPMENT_ISSUER, building.DEVELOPMENT_KEYS) == (
        development.ISSUER,
        development.DEVELOPMENT_KEYS,
    )
