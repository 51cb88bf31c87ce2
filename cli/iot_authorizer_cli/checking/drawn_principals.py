"""Principals that the checker makes itself, from the template only. Imports only the standard library.

1. Aimed: for each two blocks (also each alone), a principal to whom both apply; once with different values for all
   placeholders, once with the same value. If the template names the client ID, also without a client ID.
2. Random: values that are equal to each other and to levels of the template more often, other spellings of what a
   `when` names, and values that a policy must refuse.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from random import Random
from typing import Any

from iot_authorizer_cli.checking.expected_policies import CLIENT_ID
from iot_authorizer_cli.checking.template_lines import TO, UNSAFE, TemplateLine, claims_of, conditions_of, levels_of

_ODD: tuple[Any, ...] = ("", "*", "a/b", "x$", True, False, 7, 1.0, None, {"a": "v1"}, "\u00e9 v", " v1")


def aimed(lines: Sequence[TemplateLine]) -> Iterator[dict[str, Any]]:
    """For each two blocks, principals to whom both apply."""
    blocks = [*{line.block_place: line for line in lines}.values()]
    client_ids = ["w0", None] if any(CLIENT_ID in line.text for line in lines) else ["w0"]
    for one, other in combinations_with_replacement(blocks, 2):
        of_both = [line for line in lines if line.block_place in (one.block_place, other.block_place)]
        claims = _claims_for(of_both)
        for client_id in client_ids:
            yield {"principal": "p0", "claims": claims, "client_id": client_id}
        same = {name: value if value in _wanted(of_both, name) else "v1" for name, value in claims.items()}
        yield {"principal": "v1", "claims": same, "client_id": "v1"}


def _claims_for(lines: Sequence[TemplateLine]) -> dict[str, Any]:
    """Claims that meet the conditions of all these entries, and fill their placeholders."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for line in lines for name in claims_of(line)):
        values: list[Any] = []
        for wanted in (conditions_of(line.block).get(name) for line in lines):
            if isinstance(wanted, list) and wanted[0] not in values:
                values.append(wanted[0])
        values = values or [f"v{len(found)}"]
        found[name] = values[0] if len(values) == 1 else values
    return found


def _wanted(lines: Sequence[TemplateLine], name: str) -> list[Any]:
    """What the conditions of entries name for a claim; also all of it as one list."""
    wanted = [conditions_of(line.block).get(name) for line in lines]
    return [each for values in wanted if isinstance(values, list) for each in (*values, values)]


def drawn(lines: Sequence[TemplateLine], seed: str, count: int) -> list[dict[str, Any]]:
    """Random principals, the same ones for the same seed."""
    draw = Random(seed)  # noqa: S311 (not for secrets)
    levels = {level for line in lines for level in levels_of(line.text)}
    plain = sorted(each for each in levels if each and not any(sign in each for sign in UNSAFE + TO + "{"))
    pool = ["v1", "v2", "v1", "v2", *plain[:8]]
    return [_drawn(lines, pool, draw) for _ in range(count)]


def _drawn(lines: Sequence[TemplateLine], pool: Sequence[str], draw: Random) -> dict[str, Any]:
    claims: dict[str, object] = {}
    for name in dict.fromkeys(name for line in lines for name in claims_of(line)):
        wanted = [each for each in _wanted(lines, name) if not isinstance(each, list)]
        values = [_value(wanted, pool, draw) for _ in range(draw.randint(0, 3))]
        if values:
            claims[name] = values[0] if len(values) == 1 else values
    return {"principal": draw.choice(pool), "claims": claims, "client_id": draw.choice([*pool, None])}


def _value(wanted: Sequence[Any], pool: Sequence[str], draw: Random) -> object:
    if draw.random() < 0.04:
        return draw.choice(_ODD)
    value = draw.choice(wanted if wanted and draw.random() < 0.7 else pool)
    return str(value).upper() if draw.random() < 0.1 else value


def who(principal: Mapping[str, Any]) -> str:
    """A principal in words."""
    client_id = "" if principal["client_id"] is None else f" and client ID {principal['client_id']}"
    return f"principal {principal['principal']} with claims {principal['claims']}{client_id}"
