"""Each entry alone: the compiler renders it with markers for its values, and the result is exactly the entry.

The compiler copies values and compares them only for equality, so what it renders for markers, which are equal to
nothing else, tells what it renders for any values. `rendered` puts the placeholders back; `check_shape` then compares
with the shape that this lemma is about:

1. The Allow is the filter with `*` for each wildcard. D_k is the Allow with star k doubled, as `*/*`.
2. *A filter with m `+` and no `#`, n levels*, has the denials D_1 … D_m. A topic of the Allow has n levels or more,
   since each piece between slashes takes one or more. With n levels, each star takes one: the filter matches, and no
   D_k does, since it has n + 1 pieces. With more, some star takes two or more: D_k matches for this k, and the filter
   does not. This holds for any texts between the slashes.
3. *A filter that ends with `#`*, and has only `+` between its first wildcard and that, needs no D_k: both it and its
   Allow take n or more levels.
4. *A wildcard as the first level* also has the Allow with `$*` in its place denied: exactly what begins with `$`.
5. *Subscriptions* are filters: only the last level can be `#`. If the entry ends with `+`, the filter with `#` there is
   denied as a text. A `+` in any place is within the entry's wildcard.
6. An entry of a deny is the pattern with `*` for each wildcard, so it denies at least its filter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry
from iot_policies.grants import Deny, Grant
from iot_policies.packing import Statement
from iot_policies.principal import Principal
from iot_policies.proofs.languages import resources_of
from iot_policies.proofs.meaning import CLIENT_ID, PRINCIPAL, is_widened, reaches
from iot_policies.proofs.patterns import (
    TO,
    NotCovered,
    Text,
    Variable,
    join,
    lead,
    literal,
    message_levels,
    template_levels,
    text_of,
    variables_of,
)
from iot_policies.template import PolicyTemplate

Levels = tuple[Text, ...]
_WILD = (("+",), ("#",))


class Rendered(NamedTuple):
    """The resources that the compiler makes of one entry for one action, with its placeholders."""

    allowed: tuple[Levels, ...]
    denied: tuple[Levels, ...]


class Alone(NamedTuple):
    """A template that has only one entry, and a principal with markers as values."""

    template: PolicyTemplate
    principal: Principal
    client_id: str
    markers: Mapping[str, Variable]
    statements: tuple[Statement, ...]


def alone(template: PolicyTemplate, entry: Entry) -> Alone:
    """Compiles one entry of a template alone, with markers. Raises NotCovered if the compiler refuses it."""
    names = markers(template)
    found = {next(names): variable for variable in variables_of(template_levels(entry.text))}
    of = {variable: marker for marker, variable in found.items()}
    name, client_id = of.get(PRINCIPAL) or next(names), of.get(CLIENT_ID) or next(names)
    claims = {each.name.removeprefix("claims."): marker for marker, each in found.items() if each.name[:7] == "claims."}
    blocks = _block_of(entry, other=next(names))
    single = PolicyTemplate.of(blocks, topic_prefix=template.topic_prefix)
    principal = Principal(name, claims)
    statements = compile_policy(single, principal, client_id).statements
    return Alone(single, principal, client_id, found, statements)


def _block_of(entry: Entry, other: str) -> list[Grant | Deny]:
    """A block with only this entry; for a deny also a grant, without which there is no policy."""
    to, _, topic = entry.text.partition(TO)
    given = {"to": to, "topics": (topic,)} if entry.key == "send" else entry.text
    keys: dict[str, object] = {entry.key: (given,), "connect_with": entry.attributes}
    if isinstance(entry.block, Grant):
        return [Grant.model_validate({**keys, "widen": entry.block.widen})]
    return [Grant.model_validate({"publish": (f"{other}/a",)}), Deny.model_validate(keys)]


def markers(template: PolicyTemplate) -> Iterator[str]:
    """Values that are in no text of a template."""
    texts = [entry.text for entry in template.entries]
    return (each for each in map("~{}~".format, count()) if not any(each in text for text in texts))


def rendered(single: Alone) -> dict[Action, Rendered]:
    """What the compiler made of an entry alone, by action. Raises NotCovered."""
    entry = single.template.entries[-1]
    found: dict[Action, Rendered] = {reach.action: Rendered((), ()) for reach in reaches(entry, "")}
    for resource in resources_of(single.statements):
        levels = _symbolic(resource.text, single.markers)
        if resource.action in found and not (entry.effect == "Deny" and resource.effect == "Allow"):
            known = found[resource.action]
            found[resource.action] = (
                known._replace(allowed=(*known.allowed, levels))
                if resource.effect == "Allow"
                else known._replace(denied=(*known.denied, levels))
            )
    return found


def _symbolic(text: str, values: Mapping[str, Variable]) -> Levels:
    """The levels of a resource with the placeholders instead of their markers."""
    if not values:
        return message_levels(text)
    split = re.compile("(" + "|".join(map(re.escape, values)) + ")")
    parts = (split.split(literal(level)) for level in message_levels(text))
    return tuple(join(values.get(part, part) for part in level) for level in parts)


def check_shape(entry: Entry, prefix: str, found: Mapping[Action, Rendered]) -> None:
    """Compares what the compiler renders with the shape of the lemma. Raises NotCovered for any other shape."""
    for action, resources in found.items():
        expected = expected_resources(entry, prefix, action)
        if any(set(mine) != set(others) for mine, others in zip(resources, expected, strict=True)):
            texts = ", ".join(text_of(each) for part in resources for each in part)
            raise NotCovered(f"{entry} is rendered in an unknown shape for {action}: {texts}")


def expected_resources(entry: Entry, prefix: str, action: Action) -> Rendered:
    """What the lemma is about."""
    found = [each for each in reaches(entry, prefix) if each.action == action]
    if entry.effect == "Allow":
        ((_, _, levels, _),) = found
        return Rendered((_glob(entry, levels),), (*_denials(entry, levels, is_filter=action == "iot:Subscribe"),))
    return Rendered((), tuple(_reserved(each.levels) if each.reserved else _glob(entry, each.levels) for each in found))


def _glob(entry: Entry, levels: Sequence[Text]) -> Levels:
    return tuple(("*",) if level in _WILD and entry.key != "connect" else level for level in levels)


def _reserved(levels: Levels) -> Levels:
    start = lead(levels)
    glob = tuple(("*",) if level in _WILD else level for level in levels)
    return (*glob[:start], ("$*",), *glob[start + 1 :])


def _denials(entry: Entry, levels: Levels, *, is_filter: bool) -> Iterator[Levels]:
    if entry.key == "connect":
        return
    glob = _glob(entry, levels)
    if ("#",) not in levels and not is_widened(entry):
        for index, level in enumerate(levels):
            if level == ("+",):
                yield (*glob[:index], ("*",), *glob[index:])
        if is_filter and levels[-1] == ("+",):
            yield (*glob[:-1], ("#",))
    if levels[lead(levels)] in _WILD:
        yield _reserved(levels)
