"""Topic filters and resource patterns as sequences of pieces, one for each level of text between slashes.

1. A piece tests one level. It wants exactly a text, or any level that begins with a text.
2. A piece that loops may take further whole levels behind the first one: the `*` of a resource pattern and MQTT's `#`.
3. In a resource pattern, `*` is any level and loops; `$*` is any level that begins with `$`, and loops; `x*` is the
   same for `x`, and only the last piece. Any other `*`, a `?` and a `${` are not covered: they are never guessed.
4. In a topic filter, `+` is any level but the text `#`, and `#` is any level and loops. As the first level of a topic,
   which is the third one behind `$share/NAME/`, neither takes a level that begins with `$`.
5. A direct message has the levels of its receiver's client ID, then BETWEEN, then those of its topic. No wildcard takes
   BETWEEN, and no text has such a level: so receivers are compared with receivers, and topics with topics. A receiver
   is read as a resource pattern everywhere: its `*` is any text.
6. A text is a sequence of parts: strings and variables, which are the placeholders of templates. A variable is a value:
   not empty, without `/ + # * ? $`. So a text with variables is one level, and begins with `$` only if a string does.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

SHARE = "$share"
TO = "\t"
"""Joins the receiver and the topic of a direct message in the text of an entry, of a resource and of a question."""
BETWEEN = "/"
"""The level between a receiver and a topic."""
UNSAFE = "/+#*?$"
"""Characters that no value has."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SLASH = re.compile(r"/(?![^{}]*\})")


class NotCovered(Exception):
    """Something that this package cannot decide. Its text says what."""


class Variable(NamedTuple):
    """A value that is not known."""

    name: str
    """What fills it: `principal`, `client_id` or `claims.NAME`."""
    copy: int = 0
    """Tells values of one claim apart, which can be a list."""


Text = tuple[str | Variable, ...]
"""One level. No string is empty, and no two strings follow each other, so the empty level is `()`."""


class Piece(NamedTuple):
    """A test of one level."""

    text: Text
    """The level's text, or with `open_end` only its beginning."""
    open_end: bool = False
    """Whether any characters but a slash may follow the text."""
    loops: bool = False
    """Whether the piece may take further whole levels, of any text."""
    no_dollar: bool = False
    """Whether the level must not begin with `$`."""
    no_hash: bool = False
    """Whether the level must not be `#`, which only a topic filter can contain."""


Pattern = tuple[Piece, ...]


def join(parts: Iterable[str | Variable]) -> Text:
    """Makes a text of parts: strings that follow each other become one."""
    joined: list[str | Variable] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


@lru_cache(maxsize=65536)
def literal(text: Text) -> str:
    """The characters of a text without variables. Raises ValueError if it has any."""
    if any(isinstance(part, Variable) for part in text):
        raise ValueError("expected a text without variables")
    return "".join(part for part in text if isinstance(part, str))


def levels_of(text: str) -> tuple[Text, ...]:
    """The levels of a text without placeholders. Braces in it are ordinary characters."""
    return tuple((level,) if level else () for level in text.split("/"))


def message_levels(text: str) -> tuple[Text, ...]:
    """As `levels_of`, for a text that is a direct message if it has TO."""
    receiver, to, topic = text.partition(TO)
    return (*levels_of(receiver), (BETWEEN,), *levels_of(topic)) if to else levels_of(text)


@lru_cache(maxsize=65536)
def template_levels(text: str, copy: int = 0) -> tuple[Text, ...]:
    """The levels of an entry of a template. `copy` is that of its claims: there is only one principal and client ID."""
    receiver, to, topic = text.partition(TO)
    split = [*_SLASH.split(receiver), BETWEEN, *_SLASH.split(topic)] if to else _SLASH.split(text)
    return tuple(_template_level(level, copy) for level in split)


def _template_level(level: str, copy: int) -> Text:
    parts: list[str | Variable] = []
    for index, part in enumerate(_PLACEHOLDER.split(level)):
        is_claim = part.startswith("claims.")
        parts.append(Variable(part, copy if is_claim else 0) if index % 2 else part)
    return join(parts)


def text_of(levels: Sequence[Text]) -> str:
    """The text of some levels, with its variables as placeholders, and with TO in a direct message."""
    texts = [*map(show, levels)]
    at = lead(levels) if (BETWEEN,) in levels else 0
    return f"{'/'.join(texts[: at - 1])}{TO}{'/'.join(texts[at:])}" if at else "/".join(texts)


def fill(levels: Iterable[Text], values: Mapping[Variable, Text]) -> tuple[Text, ...]:
    """Levels with the known variables replaced."""
    return tuple(replaced(level, values) for level in levels)


def replaced(text: Text, values: Mapping[Variable, Text]) -> Text:
    """A text with the known variables replaced."""
    if not any(isinstance(part, Variable) for part in text):
        return text
    return join(
        each for part in text for each in (values.get(part, (part,)) if isinstance(part, Variable) else (part,))
    )


def lead(levels: Sequence[Text]) -> int:
    """The index of the first level of the topic: behind `$share/NAME/`, or a receiver and BETWEEN, else 0."""
    if (BETWEEN,) in levels:
        return levels.index((BETWEEN,)) + 1
    return 2 if levels[0] == (SHARE,) and len(levels) > 2 else 0


@lru_cache(maxsize=65536)
def filter_pattern(levels: tuple[Text, ...]) -> Pattern:
    """The pattern of a topic filter. It tests topics, and the filters that it contains."""
    start = lead(levels)
    receiver = glob_pattern(levels[:start]) if (BETWEEN,) in levels else ()
    of_topic = (_filter_piece(level, is_lead=index == start) for index, level in enumerate(levels))
    return (*receiver, *[*of_topic][len(receiver) :])


def _filter_piece(level: Text, *, is_lead: bool) -> Piece:
    if level == ("#",):
        return Piece((), open_end=True, loops=True, no_dollar=is_lead)
    if level == ("+",):
        return Piece((), open_end=True, no_dollar=is_lead, no_hash=True)
    return Piece(level)


@lru_cache(maxsize=65536)
def glob_pattern(levels: tuple[Text, ...]) -> Pattern:
    """The pattern of a resource of an IoT policy, without its type. Raises NotCovered for a `*` within a level."""
    last = {len(levels) - 1, lead(levels) - 2 if (BETWEEN,) in levels else len(levels) - 1}
    return tuple(_glob_piece(level, is_last=index in last) for index, level in enumerate(levels))


def _glob_piece(level: Text, *, is_last: bool) -> Piece:
    strings = "".join(part for part in level if isinstance(part, str))
    ends = level != () and isinstance(level[-1], str) and level[-1].endswith("*")
    if "?" in strings or "${" in strings or strings.count("*") > ends:
        raise NotCovered(f"a level of a resource has a wildcard inside: {show(level)}")
    if not ends:
        return Piece(level)
    text = join((*level[:-1], str(level[-1])[:-1]))
    if text not in ((), ("$",)) and not is_last:
        raise NotCovered(f"a level of a resource ends with a wildcard and is not the last one: {show(level)}")
    return Piece(text, open_end=True, loops=True)


def variables_of(levels: Iterable[Text]) -> tuple[Variable, ...]:
    """The variables of some levels, without duplicates, in order."""
    return tuple(dict.fromkeys(part for level in levels for part in level if isinstance(part, Variable)))


def show(text: Text) -> str:
    """A text with its variables as placeholders."""
    return "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in text)
