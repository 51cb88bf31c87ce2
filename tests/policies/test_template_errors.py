"""A wrong template is refused when it is loaded: one line with the file, the line, the key and what was expected."""

from pathlib import Path

import pytest

from iot_policies import InvalidFile, PolicyTemplate


def error_of(tmp_path: Path, content: str | bytes) -> InvalidFile:
    file = tmp_path / "chat.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidFile) as found:
        PolicyTemplate.load(file)
    return found.value


def grant(line: str) -> str:
    """A template whose fourth line is the wrong one."""
    return f'principal = "sub"\n\n[[grant]]\n{line}\n'


WRONG_ENTRIES = [
    ('publish = ["a", "a/*"]', "publish[1]", "write + for one level"),
    ('publish = ["a*"]', "publish[0]", "write + for one level"),
    ('retain = ["*"]', "retain[0]", "write + for one level"),
    ('subscribe = ["a/*/b"]', "subscribe[0]", "write + for one level"),
    ('connect = ["*"]', "connect[0]", "any client ID"),
    ('connect = ["{principal}-*"]', "connect[0]", "after a /"),
    ('connect = ["{principal}*"]', "connect[0]", "after a /"),
    ('connect = ["a/*/b"]', "connect[0]", "after a /"),
    ('connect = ["*/*"]', "connect[0]", "after a /"),
    ('connect = ["/*"]', "connect[0]", "after a /"),
    ('connect = ["a/+"]', "connect[0]", "have no meaning in client IDs"),
    ('connect = ["#"]', "connect[0]", "have no meaning in client IDs"),
    ('connect = ["a?"]', "connect[0]", "? is a wildcard"),
    ('publish = ["a/?"]', "publish[0]", "? is a wildcard"),
    ('publish = ["${iot:ClientId}"]', "publish[0]", "write {principal}"),
    ('connect = ["${iot:ClientId}"]', "connect[0]", "write {principal}"),
    ('publish = ["a/${principal}"]', "publish[0]", "write {principal}"),
    ('publish = ["{user}"]', "publish[0]", "unknown placeholder {user}"),
    ('publish = ["{}"]', "publish[0]", "unknown placeholder {}"),
    ('publish = ["{claims}"]', "publish[0]", "unknown placeholder {claims}"),
    ('publish = ["{claims.}"]', "publish[0]", "unknown placeholder {claims.}"),
    ('publish = ["{principal"]', "publish[0]", "brace"),
    ('publish = ["principal}"]', "publish[0]", "brace"),
    ('publish = ["{{principal}}"]', "publish[0]", "brace"),
    ('publish = ["#/a"]', "publish[0]", "# must be the last level"),
    ('publish = ["a/#/"]', "publish[0]", "# must be the last level"),
    ('publish = ["a+b"]', "publish[0]", "must be a whole level"),
    ('publish = ["a#"]', "publish[0]", "must be a whole level"),
    ('publish = ["{principal}+"]', "publish[0]", "must be a whole level"),
    ('publish = [""]', "publish[0]", "empty"),
    ('connect = [""]', "connect[0]", "empty"),
    ('publish = ["a\\u0007"]', "publish[0]", "control character"),
    ('publish = ["a\\n"]', "publish[0]", "control character"),
    ('publish = ["a\\u0085"]', "publish[0]", "control character"),
    ('publish = ["a/+/b/#"]', "publish[0]", "widen = true"),
    ('publish = ["+/{principal}/#"]', "publish[0]", "widen = true"),
    ('publish = ["$share/g/a"]', "publish[0]", "allowed only in subscribe"),
    ('retain = ["$share/g/a"]', "retain[0]", "allowed only in subscribe"),
    ('subscribe = ["$share/g"]', "subscribe[0]", "$share/NAME/FILTER"),
    ('subscribe = ["$share/g/"]', "subscribe[0]", "$share/NAME/FILTER"),
    ('subscribe = ["$share/+/a"]', "subscribe[0]", "$share/NAME/FILTER"),
    ('subscribe = ["$share//a"]', "subscribe[0]", "$share/NAME/FILTER"),
]
WRONG_TYPES = [
    ('publsh = ["a"]', "publsh", "not a key"),
    ('publish = "a"', "publish", "list"),
    ("publish = [1]", "publish[0]", "string"),
    ('publish = ["a", ["b"]]', "publish[1]", "string"),
    ("name = 7", "name", "string"),
    ('widen = "often"', "widen", "boolean"),
    ("widen = 1", "widen", "boolean"),
    ('connect_with = ["Will"]', "connect_with[0]", "'LastWill' or 'PersistentConnect'"),
    ("when = {}", "when", "expected claims"),
    ('when = "x"', "when", "expected claims"),
    ("when = { role = [] }", "when", "role: expected one or more values"),
    ('when = { role = ["*", "x"] }', "when", "role: expected one or more values"),
    ("when = { role = {} }", "when", "expected claims"),
    ("when = { role = 1979-05-27 }", "when.role", "expected"),
    ('when = { role = [["x"]] }', "when.role", "expected"),
    ("when = { level = nan }", "when", "level: expected a number that JSON has"),
    ("when = { level = [1, -inf] }", "when", "level: expected a number that JSON has"),
    ('when = { role = "jose\\u0301" }', "when", "role: the value is not composed"),
    ('when = { role = ["x", "y "] }', "when", "role: the value begins or ends with a space"),
    ('when = { scope = "a b" }', "when", "scope: expected one word"),
    ('acknowledge = ["wildcard"]', "acknowledge[0]", "'leading_wildcard'"),
]


@pytest.mark.parametrize(("line", "key", "expected"), WRONG_ENTRIES + WRONG_TYPES)
def test_the_error_is_one_line_with_the_line_the_key_and_what_was_expected(
    line: str, key: str, expected: str, tmp_path: Path
) -> None:
    error = error_of(tmp_path, grant(line))
    assert (error.line, error.key, expected in error.expected) == (4, f"grant[0].{key}", True), str(error)
    assert str(error).isprintable()
    assert str(error).startswith(f"{tmp_path / 'chat.toml'}:4: grant[0].{key}: ")


@pytest.mark.parametrize("line", [line for line, _, _ in WRONG_TYPES])
def test_the_message_speaks_of_toml_and_not_of_python(line: str, tmp_path: Path) -> None:
    message = error_of(tmp_path, grant(line)).expected
    assert not {"tuple", "dict", "dictionary", "instance", "str", "bool"} & set(message.split())


@pytest.mark.parametrize(
    ("content", "line", "key", "expected"),
    [
        ("principal = 7", 1, "principal", "string"),
        ('principal = ""', 1, "principal", "at least 1 character"),
        ('\nsubject = "sub"', 2, "subject", "not a key"),
        ('[session]\nrefresh_after = "15"', 2, "session.refresh_after", "a number and a unit"),
        ("[session]\nrefresh_after = 900", 2, "session.refresh_after", 'such as "15m"'),
        ('[session]\nrefresh_after = "4m"', 2, "session.refresh_after", "from 5m to 24h"),
        ('[session]\ndisconnect_after = "299s"', 2, "session.disconnect_after", "from 5m to 24h"),
        ('[session]\ndisconnect_after = "2d"', 2, "session.disconnect_after", "from 5m to 24h"),
        ('[session]\nspread = "91%"', 2, "session.spread", 'from "0%" to "90%"'),
        ("[session]\nspread = 0.1", 2, "session.spread", 'from "0%" to "90%"'),
        ('[session]\nspread = "-1%"', 2, "session.spread", 'from "0%" to "90%"'),
        ("[session]\nttl = 1", 2, "session.ttl", "not a key"),
        ('[[deny]]\npublish = ["a"]\nwiden = true', 3, "deny[0].widen", "not a key"),
        ('[[deny]]\npublish = ["a"]\nacknowledge = []', 3, "deny[0].acknowledge", "not a key"),
        ('[[deny]]\npublish = ["a*"]', 2, "deny[0].publish[0]", "write +"),
        ("\n[[deny]]\nconnect_with = []", 3, "deny[0].connect_with", "attributes to deny"),
        ('[grant]\npublish = ["a"]', 1, "grant", "[[grant]]"),
        ("session = 7", 1, "session", "table"),
    ],
)
def test_the_error_outside_of_grants_has_its_place(
    content: str, line: int, key: str, expected: str, tmp_path: Path
) -> None:
    error = error_of(tmp_path, content)
    assert (error.line, error.key, expected in error.expected) == (line, key, True), str(error)
