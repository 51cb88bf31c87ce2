"""Random principals, and whether their policies allow exactly what a template says. Imports only the standard library.

Policies and entries are compared character by character (`characters.py`). A claim is a text, a list of texts, or a
value that a `when` of the template names: how a template compares such values is simple.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

from iot_authorizer_cli.checking.characters import FRESH, Tokens, find, of_filter, of_glob, widest
from iot_authorizer_cli.checking.template_lines import PLACEHOLDER, SLASH, UNSAFE, TemplateLine


def _names(lines: Iterable[TemplateLine]) -> Iterator[str]:
    for line in lines:
        yield from _flat(line.block.get("when", {}))
        yield from (each[8:-1] for each in PLACEHOLDER.findall(line.text) if each.startswith("{claims."))


def _flat(when: Mapping[str, Any], path: str = "") -> dict[str, list[Any]]:
    """The conditions of a `when`, each with its values."""
    found: dict[str, list[Any]] = {}
    for name, wanted in when.items():
        if isinstance(wanted, dict):
            found |= _flat(wanted, f"{path}{name}.")
        else:
            found[path + name] = wanted if isinstance(wanted, list) else [wanted]
    return found


def drawn(lines: Sequence[TemplateLine], seed: str, count: int) -> list[dict[str, Any]]:
    """Random principals, the same ones for the same seed."""
    draw = Random(seed)  # noqa: S311 (not for secrets)
    return [_drawn(lines, draw) for _ in range(count)]


def differences_of(
    lines: Sequence[TemplateLine], prefix: str, principal: Mapping[str, Any], answer: object
) -> Iterator[str]:
    """What the documents of a principal, or its refusal, get wrong."""
    meant = [reach for line in lines if _applies(line, principal) for reach in _filled(line, principal, prefix)]
    if isinstance(answer, list):
        yield from _differences(answer, meant)
    elif not _may_be_refused(answer, meant):
        yield f"is refused: {json.dumps(answer)}"


def _drawn(lines: Sequence[TemplateLine], draw: Random) -> dict[str, Any]:
    """A random principal, with values that are equal to each other and to levels of the template more often."""
    levels = {level for line in lines for level in SLASH.split(line.text)}
    plain = sorted(each for each in levels if each and not any(sign in each for sign in UNSAFE + "{"))
    pool = ["v1", "v2", "v1", "v2", *plain[:8]]
    claims: dict[str, object] = {}
    for name in dict.fromkeys(_names(lines)):
        wanted = [each for line in lines for each in _flat(line.block.get("when", {})).get(name, []) if each != "*"]
        values = [draw.choice(wanted if wanted and draw.random() < 0.7 else pool) for _ in range(draw.randint(0, 3))]
        if values:
            claims[name] = values[0] if len(values) == 1 else values
    return {"principal": draw.choice(pool), "claims": claims, "client_id": draw.choice(pool)}


def _values(principal: Mapping[str, Any], name: str) -> list[Any]:
    value = principal["claims"].get(name, [])
    return value if isinstance(value, list) else [value]


def _applies(line: TemplateLine, principal: Mapping[str, Any]) -> bool:
    return all(
        any(_meets(line, value, wanted) for value in _values(principal, name) for wanted in values)
        for name, values in _flat(line.block.get("when", {})).items()
    )


def _meets(line: TemplateLine, value: object, wanted: object) -> bool:
    if wanted == "*":
        return line.kind == "deny" or (value is not False and value != "")
    if line.kind == "grant":
        return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    return _spelled(value) == _spelled(wanted)


def _spelled(value: object) -> str:
    text = str(value).strip().casefold()
    return {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}.get(text, text)


Reach = tuple[TemplateLine, str, str, bool]
"""An entry, an action, the filter with its values, and whether only what begins with `$` is meant."""


def _filled(line: TemplateLine, principal: Mapping[str, Any], prefix: str) -> Iterator[Reach]:
    names = dict.fromkeys(PLACEHOLDER.findall(line.text))
    single = {"{principal}": [principal["principal"]], "{client_id}": [principal["client_id"]]}
    options = [single.get(name) or dict.fromkeys(map(str, _values(principal, name[8:-1]))) for name in names]
    for chosen in product(*options):
        values = dict(zip(names, chosen, strict=True))
        for action, levels, reserved in line.patterns(prefix):
            text = PLACEHOLDER.sub(lambda match, values=values: values[match[0]], "/".join(levels))  # type: ignore[misc]
            yield line, action, text, reserved


def _may_be_refused(answer: object, meant: Sequence[Reach]) -> bool:
    reason = answer.get("refused") if isinstance(answer, dict) else None
    granted = any(line.kind == "grant" for line, *_ in meant)
    return reason in ("policy_too_large", "unsafe_value") or (reason == "nothing_granted" and not granted)


_SUBSETS = ((), ("LastWill",), ("PersistentConnect",), ("LastWill", "PersistentConnect"))


def _differences(documents: Sequence[Mapping[str, Any]], meant: Sequence[Reach]) -> Iterator[str]:
    statements = [each for document in documents for each in document["Statement"]]
    for action in ("iot:Connect", "iot:Publish", "iot:RetainPublish", "iot:Receive", "iot:Subscribe"):
        for asked in _SUBSETS if action == "iot:Connect" else _SUBSETS[:1]:
            groups = _groups(
                [each for each in statements if action in each["Action"] and _holds(each.get("Condition"), asked)],
                [each for each in meant if each[1] == action and _asks(each[0], asked)],
            )
            if action == "iot:Subscribe":
                names = sorted({text.split("/")[1] for _, _, text, _ in meant if text.startswith("$share/")})
                begins = ["", *(f"$share/{name}/" for name in (*names, "zz"))]
            else:
                begins = [""]
            for begin in begins:
                word = find(groups, _is_wrong, filters=action == "iot:Subscribe", begin=begin)
                if word is not None:
                    yield f"{action} {word.replace(FRESH, 'x')} {' '.join(asked)}".rstrip()


def _groups(statements: Iterable[Mapping[str, Any]], meant: Iterable[Reach]) -> dict[str, set[Tokens]]:
    groups: dict[str, set[Tokens]] = {}
    for statement in statements:
        globs = {of_glob(arn.split(":", 5)[5].split("/", 1)[1]) for arn in statement["Resource"]}
        groups.setdefault(statement["Effect"], set()).update(globs)
    for line, _, text, reserved in meant:
        exact = of_glob(text) if line.key == "connect" else of_filter(text, reserved=reserved)
        if line.kind == "grant":
            groups.setdefault("allowed", set()).add(exact)
        else:
            groups.setdefault("denied", set()).add(exact)
            groups.setdefault("may be denied", set()).add(widest(exact))
    return groups


def _is_wrong(groups: frozenset[str]) -> bool:
    is_permitted = "Allow" in groups and "Deny" not in groups
    is_lost = "allowed" in groups and "may be denied" not in groups and not is_permitted
    return is_lost or (is_permitted and ("allowed" not in groups or "denied" in groups))


def _asks(line: TemplateLine, asked: Sequence[str]) -> bool:
    """Whether an entry is about a CONNECT that asks for these attributes."""
    named = line.block.get("connect_with")
    if named is None or line.key != "connect":
        return True
    return set(asked) <= set(named) if line.kind == "grant" else bool(set(asked) & set(named))


def _holds(condition: Mapping[str, Any] | None, asked: Sequence[str]) -> bool:
    if condition is None:
        return True
    ((operator, keys),) = condition.items()
    named = set(keys["iot:ConnectAttributes"])
    if operator == "ForAnyValue:StringEquals":
        return bool(set(asked) & named)
    return set(asked) <= named if operator == "ForAllValues:StringEquals" else not set(asked) & named
