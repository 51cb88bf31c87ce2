"""docs/reference/construct.md has every argument of the constructs with its type and default, and no other."""

import ast
import re
from dataclasses import fields

import pytest

from iot_authorizer_cdk.properties import AuthorizerProps
from tests import ROOT

PAGE = (ROOT / "docs/reference/construct.md").read_text("utf-8")
PACKAGE = ROOT / "cdk/iot_authorizer_cdk"
CLASSES = {
    node.name: node
    for path in PACKAGE.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.ClassDef)
}
Row = tuple[str, str]
"""A type and a default."""


def documented(heading: str) -> dict[str, Row]:
    """The rows of the first table under a heading, each with a meaning."""
    section = PAGE.partition(f"\n## `{heading}`\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+?) \| .+ \|$", section, re.MULTILINE)
    return {name: (kind.replace("\\|", "|"), default.strip("`")) for name, kind, default in rows}


def code(node: ast.expr | None) -> str:
    assert node is not None
    return ast.unparse(node).replace("'", '"')


def arguments(class_name: str, method: str) -> dict[str, Row]:
    """The arguments of a method, except a construct's scope and ID."""
    methods = (each for each in CLASSES[class_name].body if isinstance(each, ast.FunctionDef))
    (found,) = (each.args for each in methods if each.name == method)
    positional = [*found.args, *filter(None, [found.vararg])]
    defaults = [None] * len(positional) + found.kw_defaults
    rows = {
        each.arg: (code(each.annotation), "required" if default is None else code(default))
        for each, default in zip(positional + found.kwonlyargs, defaults, strict=True)
        if each.annotation is not None
    }
    return {name: row for name, row in rows.items() if name not in ("scope", "construct_id")}


def types(class_name: str) -> dict[str, str]:
    """The fields of a class with their types."""
    annotated = (each for each in CLASSES[class_name].body if isinstance(each, ast.AnnAssign))
    return {code(each.target): code(each.annotation) for each in annotated}


@pytest.mark.parametrize(
    ("heading", "method"),
    [
        ("IotCustomAuthorizer", "__init__"),
        ("IotCustomAuthorizer.grant_publish", "grant_publish"),
        ("IotCustomAuthorizer.grant_change_claims", "grant_change_claims"),
        ("IotCustomAuthorizer.grant_disconnect", "grant_disconnect"),
        ("Issuer.cognito", "cognito"),
        ("IdentityTable", "__init__"),
        ("OnlineTable", "__init__"),
        ("OnlineTable.grant_read", "grant_read"),
        ("OnlineTable.grant_confirm", "grant_confirm"),
        ("GuestPool", "__init__"),
        ("Alarms", "__init__"),
        ("Dashboard", "__init__"),
        ("Queries", "__init__"),
        ("DefaultAuthorizer", "__init__"),
        ("DomainStack", "__init__"),
    ],
)
def test_each_argument_of_the_constructs_is_there(heading: str, method: str) -> None:
    assert documented(heading) == arguments(heading.partition(".")[0], method)


def test_each_key_of_an_issuer_is_there() -> None:
    kinds = {name: kind for name, (kind, _) in documented("Issuer.of").items()}
    assert kinds == {"issuer": arguments("Issuer", "of")["issuer"][0], **types("JwtKeys")}


def test_each_field_of_the_props_is_there() -> None:
    defaults = {field.name: repr(field.default).replace("'", '"') for field in fields(AuthorizerProps)}
    expected = {name: (kind, defaults[name]) for name, kind in types("AuthorizerProps").items()}
    assert documented("AuthorizerProps") == expected


def test_each_attribute_of_the_construct_is_there() -> None:
    nodes = (node for node in ast.walk(CLASSES["IotCustomAuthorizer"]) if isinstance(node, ast.Attribute))
    table = PAGE.partition("| attribute |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {
        node.attr for node in nodes if isinstance(node.ctx, ast.Store)
    }


def test_each_public_name_of_the_package_is_there() -> None:
    source = (PACKAGE / "__init__.py").read_text("utf-8")
    names = set(re.findall(r"^    from \S+ import (\w+) as", source, re.MULTILINE))
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()
