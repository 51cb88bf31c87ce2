"""The registry of IoT Core's reason codes agrees with the code that gives them and with the documentation."""

import ast
import re
from functools import cache

from iot_core.reasons import IotCoreReason
from tests import ROOT

TABLE = re.compile(r"^\| reason(?: code)? \| cause \| what to do \|\n\|[-| ]+\|\n((?:\|.*\n?)+)", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)


@cache
def nodes() -> list[ast.AST]:
    sources = (ROOT / "local/iot_core").rglob("*.py")
    return [node for path in sources for node in ast.walk(ast.parse(path.read_text("utf-8")))]


def test_iot_core_gives_each_reason_of_the_registry() -> None:
    given = {
        node.attr
        for node in nodes()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "IotCoreReason"
    }
    assert given == {reason.name for reason in IotCoreReason}


def test_iot_core_gives_no_reason_code_as_a_plain_string() -> None:
    arguments = [
        argument
        for node in nodes()
        if isinstance(node, ast.Call)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]
    ]
    written = {node.value for node in arguments if isinstance(node, ast.Constant)}
    assert written.isdisjoint(IotCoreReason)


def test_a_reason_is_the_code_of_its_name() -> None:
    assert [reason.value for reason in IotCoreReason] == [reason.name.lower() for reason in IotCoreReason]


def test_the_documentation_has_each_reason_with_its_cause_and_its_cure() -> None:
    registry = {(reason.value, reason.cause, reason.cure) for reason in IotCoreReason}
    tables = [
        {(code, cause, cure) for code, cause, cure in ROW.findall(rows)}
        for page in (ROOT / "docs").rglob("*.md")
        for rows in TABLE.findall(page.read_text("utf-8"))
    ]
    documented = set[tuple[str, str, str]]().union(*(table for table in tables if table & registry))
    assert documented == registry
