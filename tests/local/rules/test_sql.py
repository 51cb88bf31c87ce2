"""The SQL of topic rules."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.rules.sql_statement import InvalidSql, SqlFailure, parse_statement, parse_template
from iot_core.rules.sql_values import SqlInput

SAY = SqlInput("rooms/lobby/say/ann", b'{"text": "hi", "n": 1, "on": true, "none": null}', "ann/1", "ann", 5000)
HTTP = SqlInput("rooms/lobby/say/ann", b"\xff", None, None, 5000)


def selected(sql: str, message: SqlInput = SAY) -> object:
    found = parse_statement(sql).select(message)
    return None if found is None else json.loads(found)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("topic() AS t", {"t": "rooms/lobby/say/ann"}),
        ("topic(2) as room", {"room": "lobby"}),
        ("topic(9) AS t, n", {"n": 1}),
        ("clientid() AS c, principal() AS p, timestamp() AS t", {"c": "ann/1", "p": "ann", "t": 5000}),
        ("text AS said, missing", {"said": "hi"}),
        ("'x' AS a, -2 AS b, 1.5 AS c, true AS d, null AS e", {"a": "x", "b": -2, "c": 1.5, "d": True, "e": None}),
        ("*, topic(2) AS n", {"text": "hi", "n": "lobby", "on": True, "none": None}),
    ],
)
def test_items_are_selected_by_their_names(items: str, expected: object) -> None:
    assert selected(f"SELECT {items} FROM 'rooms/#'") == expected


def test_a_message_without_an_mqtt_client_has_neither_a_client_id_nor_a_principal() -> None:
    assert selected("SELECT clientid() AS c, principal() AS p FROM '#'", HTTP) == {"c": "n/a"}


def test_only_a_star_is_the_payload_as_it_was_published() -> None:
    assert parse_statement("SELECT * FROM '#'").select(HTTP) == b"\xff"


def test_any_payload_can_be_selected_in_base64() -> None:
    assert selected("SELECT encode(*, 'base64') AS data FROM '#'", HTTP) == {"data": "/w=="}


def test_a_star_with_other_items_needs_a_json_object() -> None:
    with pytest.raises(SqlFailure, match="JSON object"):
        parse_statement("SELECT *, timestamp() AS t FROM '#'").select(HTTP)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("topic(1) = 'rooms'", True),
        ("topic(1) <> 'rooms'", False),
        ("n = 1.0", True),
        ("n = '1'", False),
        ("n <> '1'", True),
        ("on = 1", False),
        ("none = null", True),
        ("none <> null", False),
        ("missing = 1", False),
        ("missing <> 1", False),
        ("n = 1 AND text = 'hi'", True),
        ("n = 2 OR text = 'hi'", True),
        ("n = 1 OR missing = 1", False),
        ("(n = 2 OR n = 1) and (text = 'hi')", True),
    ],
)
def test_only_a_true_condition_selects_a_message(condition: str, holds: bool) -> None:
    assert (selected(f"SELECT n FROM '#' WHERE {condition}") is not None) == holds


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT upper(text) AS t FROM '#'", r"upper\(\)"),
        ("SELECT color.red FROM '#'", r"\."),
        ("SELECT VALUE text FROM '#'", "VALUE"),
        ("SELECT * FROM '#' WHERE n > 1", ">"),
        ("SELECT * FROM '#' WHERE NOT n = 1", "NOT"),
        ("SELECT * FROM '#' WHERE n = 1 AND n = 2 OR n = 3", "parentheses"),
        ("SELECT * FROM '#' WHERE n", "end after n"),
        ("SELECT encode(text, 'base64') AS t FROM '#'", "text"),
        ("SELECT encode(*, 'hex') AS t FROM '#'", "hex"),
        ("SELECT topic(0) AS t FROM '#'", r"topic\(0\)"),
        ("SELECT clientid(1) AS t FROM '#'", r"clientid\(1\)"),
        ("SELECT topic() FROM '#'", "AS name"),
        ("SELECT n, n FROM '#'", "twice"),
        ("SELECT * FROM rooms", "single quotes"),
        ("SELECT n + 1 AS m FROM '#'", r"\+"),
        ("SELECT * FROM '#' LIMIT 1", "LIMIT"),
        ("SET @a = 1", "@"),
        ("SELECT " + "(" * 10, r"\("),
        ("SELECT * WHERE " + "(" * 100_000, "nested"),
        ("", "end"),
    ],
)
def test_everything_else_is_refused_by_its_name(sql: str, named: str) -> None:
    with pytest.raises(InvalidSql, match=named):
        parse_statement(sql)


@given(st.text(alphabet="SELECT FROM WHERE as and * ( ) , ' = <> topic n 1 .;\n", max_size=60))
def test_any_text_is_a_statement_or_is_refused(text: str) -> None:
    try:
        parse_statement(f"SELECT {text}").select(SAY)
    except (InvalidSql, SqlFailure):
        return


def test_a_template_is_filled_for_each_message() -> None:
    assert parse_template("copies/${topic(2)}/${n}").fill(SAY) == "copies/lobby/1"


def test_a_template_without_a_value_fails() -> None:
    with pytest.raises(SqlFailure, match="missing"):
        parse_template("copies/${missing}").fill(SAY)


@pytest.mark.parametrize("text", ["${upper(n)}", "${n", "${}"])
def test_a_template_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidSql):
        parse_template(text)
