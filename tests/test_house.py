"""How the house is built: which room may look into which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from authorizer import development as lambda_development
from local import development

ROOT = Path(__file__).parent.parent
OURS = ("policies", "identities", "authorizer", "local", "cdk", "tests", "bench")
ROOMS = {
    "policies": {"policies"},
    "identities": {"identities"},
    "authorizer": {"authorizer", "identities", "policies"},
    "local": {"local", "identities", "policies"},
    "local/mqtt": {"local.mqtt"},
    "local/broker": {"local.broker", "local.mqtt", "policies"},
    "local/function": {"local.function", "policies"},
    "local/gateway": {"local.gateway", "identities", "local.function", "local.broker", "local.mqtt", "policies"},
    "local/api": {"local.api", "local.gateway", "local.broker", "local.mqtt", "policies"},
    "local/console": {"local.console", "local.examples", "local.development", "policies"},
    "local/examples": {"local.examples", "policies"},
    "local/signing": {"local.signing", "local.gateway", "policies"},
    "cdk": {"cdk", "authorizer.building", "authorizer.configuration", "policies"},
    "local/users": {
        "local.users",
        "local.arguments",
        "local.asking",
        "local.development",
        "local.identity_table",
        "local.listing",
        "local.revocation.wording",
        "local.times",
        "identities",
        "policies",
    },
    "local/snippets": {"local.snippets"},
    "local/revocation": {
        "local.revocation",
        "local.gateway",
        "local.function",
        "local.arguments",
        "local.asking",
        "local.connecting",
        "local.development",
        "local.identity_table",
        "local.listing",
        "local.times",
        "identities",
        "policies",
    },
}
"""Each room, and what it may look into."""
NOT_IN_POLICIES = {"jwt", "boto3", "botocore", "aws_lambda_powertools", "cryptography", "urllib", "http", "socket"}


def imports(path: Path) -> Iterator[str]:
    """The modules that a module names."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_looks_only_into_rooms_below(room: str) -> None:
    seen = {name for path in (ROOT / room).glob("*.py") for name in imports(path)}
    ours = {name for name in seen if any(is_in(name, own) for own in OURS)}
    assert {name for name in ours if not any(is_in(name, below) for below in ROOMS[room])} == set()


def test_policies_know_no_aws_no_token_and_no_network() -> None:
    seen = {name.partition(".")[0] for path in (ROOT / "policies").glob("*.py") for name in imports(path)}
    assert not seen & NOT_IN_POLICIES


def test_identities_know_aws_by_one_door_alone() -> None:
    """What imports it waits for boto3 at a cold start."""
    seen = {
        path.name: {name.partition(".")[0] for name in imports(path)} for path in (ROOT / "identities").glob("*.py")
    }
    assert {name for name, modules in seen.items() if modules & {"boto3", "botocore"}} == {"dynamodb_table.py"}


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


def test_both_rooms_mean_the_same_development_issuer_and_table() -> None:
    of_lambda = (lambda_development.ISSUER, lambda_development.KEYS, lambda_development.TABLE)
    assert of_lambda == (development.ISSUER, development.DEVELOPMENT_KEYS, development.DEVELOPMENT_TABLE)
