"""What a new template changes, in words: for `diff`, for the terminal of `dev` and for its page."""

import json
from collections.abc import Iterator
from typing import NamedTuple, Self

from iot_policies.entries import Entry
from iot_policies.placeholders import claim_names
from iot_policies.proofs.changed_entries import QUESTIONS, ChangeLine, Shown
from iot_policies.proofs.diff import Affected, TemplateDiff
from iot_policies.proofs.refusals import Refusals
from iot_policies.when import Condition, condition_text, conditions

_REFUSED = {
    "ambiguous_claim": "a principal whose {} is there in two ways",
    "invalid_name": "a principal whose {} breaks the name rule",
    "unsafe_value": "a principal whose {} is not one plain level",
    "unclear_denial": "a principal whose {} a deny cannot compare",
}
_WITHOUT_COLON = ("opens", "closes", "changes")


class ChangeText(NamedTuple):
    """One thing that is different, or that could not be decided."""

    effect: str
    """`opens`, `closes`, `refuses`, `no longer refuses`, `changes` or `not covered`."""
    text: str
    """What it is about."""
    who: str = ""
    """The principals that it is about."""
    example: str = ""

    @property
    def without_example(self) -> Self:
        """The same without the example, whose words depend on all entries of both templates."""
        return self._replace(example="")

    def lines(self) -> Iterator[str]:
        """The lines for a terminal."""
        yield f"{self.effect:<6} {self.text}" if self.effect in _WITHOUT_COLON else f"{self.effect}: {self.text}"
        if self.who:
            yield f"         {self.who}"
        if self.example:
            yield f"         example: {self.example}"


def change_texts(found: TemplateDiff) -> Iterator[ChangeText]:
    """Everything that is different, and then what could not be decided."""
    yield from map(_of_line, found.lines)
    yield from map(_of_refusals, found.refusals)
    for setting in found.settings:
        yield ChangeText("changes", f"{setting.key}: {setting.old} becomes {setting.new}")
    for effect, shown in found.outside:
        yield ChangeText(effect, f"by no entry that only one of them has: {_example(shown)}")
    yield from (ChangeText("not covered", text) for text in found.not_covered)


def rest_text(found: TemplateDiff) -> str:
    """What holds for all that is not different; empty if something could not be decided."""
    if found.not_covered:
        return ""
    return f"{'both allow the same' if found.is_same else 'everything else is the same'} for every principal"


def affected_text(found: Affected) -> str:
    """What changes for one principal."""
    if found.refused_after and not found.refused_before:
        return f"now refused ({found.refused_after})"
    parts = [] if not found.refused_before or found.refused_after else [f"no longer refused ({found.refused_before})"]
    for effect, shown in (("opens", found.opened), ("closes", found.closed)):
        parts += [f"{effect} {QUESTIONS[each.action]} {each.resource}" for each in shown]
    return "; ".join(parts) or f"refused for {found.refused_after} instead of {found.refused_before}"


def _of_line(line: ChangeLine) -> ChangeText:
    actions = ", ".join(QUESTIONS[shown.action] for shown in line.shown)
    text = f"{actions}: {line.entry}, {'added' if line.is_new else 'removed'}"
    return ChangeText(line.effect, text, _who(line), _example(line.shown[0]))


def _who(line: ChangeLine) -> str:
    """The principals that a line is about."""
    unless = [f"unless {_condition(each, line.entry)}" for each in line.unless]
    return " ".join(dict.fromkeys((_if(line.entry), *unless)))


def _if(entry: Entry) -> str:
    found = _condition(entry)
    return f"if {found}" if found else "for every principal"


def _condition(entry: Entry, besides: Entry | None = None) -> str:
    """The conditions of an entry in words, with its placeholders; without those that another entry has, too."""
    when = entry.block.when or {}
    known = {} if besides is None else besides.block.when or {}
    parts = [_one_condition(name, wanted) for name, wanted in when.items() if known.get(name) != wanted]
    if besides is None:
        parts += [_one_condition(name, "*") for name in claim_names(entry.text) if name not in when]
    return " and ".join(parts) or conditions(when)


def _one_condition(name: str, wanted: Condition) -> str:
    return f"there is a claim {name}" if wanted == "*" else condition_text(name, wanted)


def _example(shown: Shown) -> str:
    principal = shown.example.principal
    claims = f" with {json.dumps(dict(principal.claims), ensure_ascii=False)}" if principal.claims else ""
    asks = f", asking for {' and '.join(sorted(shown.attributes))}" if shown.attributes else ""
    return f"{principal.name}{claims}: {QUESTIONS[shown.action]} {shown.resource}{asks}"


def _of_refusals(found: Refusals) -> ChangeText:
    principal = found.example.principal
    client_id = f", client ID {found.example.client_id}" if found.source == "client_id" else ""
    return ChangeText(
        "refuses" if found.is_new else "no longer refuses",
        f"{_REFUSED[found.reason].format(found.source)} ({found.reason})",
        example=f"{principal.name} with {json.dumps(dict(principal.claims))}{client_id}",
    )
