"""The SQL of topic rules, the part that this machine understands. Everything else is refused by its name.

    SELECT item, … FROM 'filter' WHERE condition

- An item is `*`, or an expression with `AS name`. A field of the payload needs no name of its own.
- An expression is `topic()`, `topic(n)`, `clientid()`, `principal()`, `timestamp()`, `encode(*, 'base64')`, a field at
  the top of the payload, a text in single quotes, a number, `true`, `false` or `null`.
- A condition compares expressions with `=` and `<>`, and combines comparisons with AND or OR; in a condition with both,
  parentheses must say which goes first.
- FROM is a topic filter. Without FROM, only basic ingest reaches the rule. WHERE may be missing.
- `SELECT *` only is the payload as it was published, JSON or not. `*` with other items needs a JSON object.
- Keywords may have any case; names of functions are in lower case, as the developer guide writes them.
- The version is 2016-03-23. IoT Core's default, 2015-10-08, has other rules for arrays.
- The topic of a republish is a text with expressions as `${topic(2)}`; `$$aws/` begins a reserved topic.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from iot_core.rules import sql_values as values
from iot_core.rules.sql_values import UNDEFINED, Expression, SqlInput

VERSION = "2016-03-23"
"""The only version of AWS IoT SQL that this machine understands."""
_TOKEN = re.compile(r"\s*('[^']*'|-?\d{1,18}(?:\.\d{1,18})?|[A-Za-z_]\w*|<>|[=(),*])", re.ASCII)
_FUNCTIONS: dict[str, Callable[[SqlInput], object]] = {
    "topic": values.topic,
    "clientid": values.client_id,
    "principal": values.principal,
    "timestamp": values.timestamp,
}
"""Those without an argument."""
_KNOWN = "topic(), topic(n), clientid(), principal(), timestamp() and encode(*, 'base64')"
_CONSTANTS = {"true": True, "false": False, "null": None}
_CLAUSES = frozenset({"from", "where", "as", "and", "or", "select"})
_OTHER_KEYWORDS = frozenset({"value", "case", "not", "in", "exists", "set", "between", "like"})
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class InvalidSql(ValueError):
    """A statement that is not SQL of topic rules, or that this machine does not understand."""


class SqlFailure(Exception):
    """A statement has no result for a message."""


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """A parsed statement."""

    has_star: bool
    items: tuple[tuple[str, Expression], ...]
    """The other items, by their names."""
    topic_filter: str | None
    """None without FROM."""
    where: Expression | None

    def select(self, given: SqlInput) -> bytes | None:
        """The selection of a message; None if WHERE is not true for it. Raises SqlFailure."""
        if self.where is not None and self.where.value(given) is not True:
            return None
        if self.has_star and not self.items:
            return given.payload
        selected: dict[str, object] = {}
        if self.has_star:
            if not isinstance(given.document, dict):
                raise SqlFailure("* with other items needs a payload that is a JSON object")
            selected |= given.document
        found = {name: expression.value(given) for name, expression in self.items}
        selected |= {name: value for name, value in found.items() if value is not UNDEFINED}
        try:
            return json.dumps(selected, ensure_ascii=False).encode()
        except RecursionError:
            raise SqlFailure("the selection is nested too deeply") from None


@dataclass(frozen=True, slots=True)
class TextTemplate:
    """A text with expressions, as `${topic(2)}/copy`."""

    parts: tuple[str | Expression, ...]

    def fill(self, given: SqlInput) -> str:
        """The text for a message. Raises SqlFailure if a part has no value.

        unmeasured: that a rule's action fails if its topic has a part without a value (assumed).
        """
        return "".join(part if isinstance(part, str) else _as_text(part, given) for part in self.parts)


def parse_statement(sql: str) -> SqlStatement:
    """Parses a statement. Raises InvalidSql."""
    try:
        return _Parser(sql).statement()
    except RecursionError:
        raise InvalidSql("the parentheses are nested too deeply") from None


def parse_template(text: str) -> TextTemplate:
    """Parses a text with expressions in `${…}`. Raises InvalidSql."""
    pieces = _PLACEHOLDER.split(text)
    parts: list[str | Expression] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(_Parser(piece).only_expression())
        elif "${" in piece:
            raise InvalidSql(f"{text}: expected }} after ${{")
        elif piece:
            parts.append(piece)
    return TextTemplate(tuple(parts))


def _as_text(part: Expression, given: SqlInput) -> str:
    value = part.value(given)
    if value is UNDEFINED:
        raise SqlFailure(f"${{{part.text}}} is Undefined")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Parser:
    """Reads a statement from left to right."""

    def __init__(self, sql: str) -> None:
        self._tokens = _tokens(sql)
        self._at = 0

    def statement(self) -> SqlStatement:
        self._expect("select")
        has_star, items = self._items()
        topic_filter = self._text() if self._take("from") else None
        where = self._condition() if self._take("where") else None
        self._end()
        return SqlStatement(has_star, items, topic_filter, where)

    def only_expression(self) -> Expression:
        found = self._expression()
        self._end()
        return found

    def _items(self) -> tuple[bool, tuple[tuple[str, Expression], ...]]:
        has_star, items = False, dict[str, Expression]()
        while True:
            if self._take("*"):
                if has_star:
                    raise InvalidSql("* is selected twice")
                has_star = True
            else:
                name, expression = self._item()
                if name in items:
                    raise InvalidSql(f"{name} is selected twice")
                items[name] = expression
            if not self._take(","):
                return has_star, tuple(items.items())

    def _item(self) -> tuple[str, Expression]:
        expression = self._expression()
        if self._take("as"):
            return self._name(), expression
        if re.fullmatch(r"[A-Za-z_]\w*", expression.text, re.ASCII) and expression.text.lower() not in _CONSTANTS:
            return expression.text, expression
        raise InvalidSql(f"{expression.text} needs a name on this machine: {expression.text} AS name")

    def _condition(self) -> Expression:
        parts, every = [self._comparison()], None
        while (word := self._peek().lower()) in ("and", "or"):
            if every not in (None, word == "and"):
                raise InvalidSql("AND and OR without parentheses: write which goes first")
            every = word == "and"
            self._at += 1
            parts.append(self._comparison())
        return values.combination(parts, every=every is not False)

    def _comparison(self) -> Expression:
        if self._take("("):
            found = self._condition()
            self._expect(")")
            return Expression(f"({found.text})", found.value)
        left, sign = self._expression(), self._next()
        if sign not in ("=", "<>"):
            raise InvalidSql(f"found {sign or 'the end'} after {left.text}, expected = or <>")
        return values.comparison(left, self._expression(), equal=sign == "=")

    def _expression(self) -> Expression:
        token = self._next()
        if token[:1] == "'":
            return Expression(token, values.constant(token[1:-1]))
        if token.lstrip("-")[:1].isdigit():
            return Expression(token, values.constant(float(token) if "." in token else int(token)))
        if not re.match("[A-Za-z_]", token) or token.lower() in _CLAUSES:
            raise InvalidSql(f"found {token or 'the end'}, expected an expression")
        if self._peek() == "(":
            return self._call(token)
        if token.lower() in _OTHER_KEYWORDS:
            raise InvalidSql(f"{token} is not supported on this machine")
        if token.lower() in _CONSTANTS:
            return Expression(token, values.constant(_CONSTANTS[token.lower()]))
        return Expression(token, values.payload_field(token))

    def _call(self, name: str) -> Expression:
        self._expect("(")
        if name == "encode":
            for expected in ("*", ",", "'base64'", ")"):
                self._expect(expected)
            return Expression("encode(*, 'base64')", values.encoded_payload)
        if name not in _FUNCTIONS:
            raise InvalidSql(f"{name}() is not supported on this machine, only {_KNOWN}")
        if self._take(")"):
            return Expression(f"{name}()", _FUNCTIONS[name])
        number = self._next()
        if name != "topic" or not number.isdigit() or int(number) < 1:
            raise InvalidSql(f"{name}({number}) is not supported on this machine, only {_KNOWN}")
        self._expect(")")
        return Expression(f"topic({number})", values.topic_level(int(number)))

    def _name(self) -> str:
        token = self._next()
        if not re.match("[A-Za-z_]", token) or token.lower() in _CLAUSES:
            raise InvalidSql(f"found {token or 'the end'} after AS, expected a name")
        return token

    def _text(self) -> str:
        token = self._next()
        if token[:1] != "'":
            raise InvalidSql(f"found {token or 'the end'} after FROM, expected a topic filter in single quotes")
        return token[1:-1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        found = self._peek()
        self._at += 1
        return found

    def _take(self, expected: str) -> bool:
        if self._peek().lower() != expected:
            return False
        self._at += 1
        return True

    def _expect(self, expected: str) -> None:
        found = self._next()
        if found.lower() != expected:
            raise InvalidSql(
                f"found {found or 'the end'}, expected {expected.upper() if expected.isalpha() else expected}"
            )

    def _end(self) -> None:
        if token := self._peek():
            raise InvalidSql(f"found {token}, which is not supported here on this machine")


def _tokens(sql: str) -> list[str]:
    found, at, text = [], 0, sql.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            rest = text[at:].lstrip()
            raise InvalidSql(f"{rest[0]} in {rest[:20]!r} is not supported on this machine")
        found.append(token[1])
        at = token.end()
    return found
