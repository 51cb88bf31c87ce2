"""Only the keys under [signing] change in `authorizer.toml`."""

import tomllib
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.signing_table import with_key, without_key

START = 'name = "chat"   # ours\npolicy = "p.toml"\n'
ADDED = {
    "no table": (START, START + '\n[signing]\npublic_keys = { "new" = "keys/new.pem" }\n'),
    "no last line's end": ('name = "chat"', 'name = "chat"\n\n[signing]\npublic_keys = { "new" = "keys/new.pem" }\n'),
    "no table, CRLF": (
        'name = "chat"\r\n',
        'name = "chat"\r\n\r\n[signing]\r\npublic_keys = { "new" = "keys/new.pem" }\r\n',
    ),
    "inline": (
        '[signing]  # since May\npublic_keys = { "a" = "a.pem" }  # ours\n\n[anonymous] # all\nprincipal = "x"\n',
        '[signing]  # since May\npublic_keys = { "a" = "a.pem", "new" = "keys/new.pem" }  # ours\n\n'
        '[anonymous] # all\nprincipal = "x"\n',
    ),
    "inline, empty": ("[signing]\npublic_keys = {}\n", '[signing]\npublic_keys = { "new" = "keys/new.pem" }\n'),
    "inline, CRLF": (
        "[signing]\r\npublic_keys = {a='a.pem'}\r\n",
        '[signing]\r\npublic_keys = { a = \'a.pem\', "new" = "keys/new.pem" }\r\n',
    ),
    "inline in inline": (
        'signing = { public_keys = { a = "a.pem" } }\n',
        'signing = { public_keys = { a = "a.pem", "new" = "keys/new.pem" } }\n',
    ),
    "table": (
        '[signing.public_keys]\n# the first\na = "a.pem"  # May\n\n[anonymous]\nprincipal = "x"\n',
        '[signing.public_keys]\n# the first\na = "a.pem"  # May\nnew = "keys/new.pem"\n\n'
        '[anonymous]\nprincipal = "x"\n',
    ),
    "table, CRLF": (
        '[signing.public_keys]\r\na = "a.pem"\r\n',
        '[signing.public_keys]\r\na = "a.pem"\r\nnew = "keys/new.pem"\r\n',
    ),
    "dotted": (
        '[signing]\npublic_keys.a = "a.pem"\n',
        '[signing]\npublic_keys.a = "a.pem"\npublic_keys.new = "keys/new.pem"\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_a_key_is_added_and_nothing_else_changes(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "authorizer.toml"
    path.write_bytes(before.encode())
    assert with_key(path, "new", "keys/new.pem").decode() == after


REMOVED = {
    "inline": (
        '[signing]\npublic_keys = { "a" = "a.pem", gone = "b.pem" }  # ours\n',
        '[signing]\npublic_keys = { "a" = "a.pem" }  # ours\n',
    ),
    "inline, the first": (
        '[signing]\npublic_keys = {gone="b.pem",a="a.pem"}\n',
        '[signing]\npublic_keys = { a = "a.pem" }\n',
    ),
    "table": (
        '[signing.public_keys]\n# the first\na = "a.pem"  # May\ngone = "b.pem"\n\n# all\n[anonymous]\n',
        '[signing.public_keys]\n# the first\na = "a.pem"  # May\n\n# all\n[anonymous]\n',
    ),
    "dotted": (
        '[signing]\npublic_keys.gone = "b.pem"\npublic_keys.a = "a.pem"\n',
        '[signing]\npublic_keys.a = "a.pem"\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=REMOVED)
def test_a_key_is_removed_and_nothing_else_changes(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "authorizer.toml"
    path.write_bytes(before.encode())
    assert without_key(path, "gone").decode() == after


def test_a_name_that_is_not_a_bare_key_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "authorizer.toml"
    path.write_text('[signing.public_keys]\na = "a.pem"\n')
    changed = tomllib.loads(with_key(path, "a:b", "keys/a:b.pem").decode())
    assert changed["signing"]["public_keys"] == {"a": "a.pem", "a:b": "keys/a:b.pem"}
