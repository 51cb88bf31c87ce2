"""Checks a certificate of `prove` without its code: it imports only the standard library.

It reads the template's TOML itself, and gets policy documents from a program that it is given. It checks that

1. the certificate is about this template, this compiler and this prover, has their assumptions, covers everything, and
   every entry of the template is in it;
2. each entry alone is rendered in the shape of the lemma ("What is proved", docs/explanation);
3. each pair is there, and apart: no denial has a topic in common with the other entry, for any values of placeholders;
   or an entry that is there whenever both are contains the denying one, at least for the values with which these meet.
   Two placeholders are taken for different values;
4. each example principal gets the documents whose hash the certificate has, or is refused for the same reason;
5. these policies, those of principals aimed at each two blocks (`drawn_principals.py`), and those of random principals
   have the form of a policy (`policy_documents.py`) and allow exactly the entries, character by character
   (`policy_comparison.py`). A refusal must follow from the template (`expected_policies.py`);
6. the examples leave nothing out: every entry, and every two entries for one action, are together in an example's
   policy, if they are in one of an aimed or random principal.

Not checked: `without_policy`, and the values that a pair of the certificate names: step 3 finds its own.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from itertools import combinations
from operator import eq
from pathlib import Path
from typing import Any, NamedTuple

from iot_authorizer_cli.checking.drawn_principals import aimed, drawn, who
from iot_authorizer_cli.checking.expected_policies import expected_policy
from iot_authorizer_cli.checking.policy_comparison import differences_of
from iot_authorizer_cli.checking.template_lines import (
    KEYS,
    PLACEHOLDER,
    SLASH,
    TO,
    UNSAFE,
    TemplateLine,
    lead_of,
    levels_of,
    lines_of,
    text_of,
)

Render = Callable[[Sequence[Mapping[str, object]]], Sequence[object]]
"""Returns the documents of each principal, or `{"refused": REASON}`."""


class Program(NamedTuple):
    """The program whose policies are checked, and which wrote the certificate."""

    compiler: str
    """The hash of the compiler's source files."""
    prover: str
    """The hash of the prover's source files."""
    assumptions: Sequence[str]
    """What its proofs assume."""


def program_in(folder: Path, assumptions: Sequence[str]) -> Program:
    """The program whose package `iot_policies` is in this folder."""
    files = sorted(folder.rglob("*.py"))
    lines = [f"{each.relative_to(folder).as_posix()} {hashlib.sha256(each.read_bytes()).hexdigest()}" for each in files]
    proving = [line for line in lines if line.startswith("proofs/")]
    compiling = [line for line in lines if not line.startswith("proofs/")]
    return Program(_hash_of(compiling), _hash_of(proving), assumptions)


def _hash_of(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def check(
    certificate: Mapping[str, Any], template: bytes, render: Render, program: Program, *, principals: int
) -> Iterator[str]:
    """What is wrong with a certificate, one line for each problem; nothing if it holds.

    `certificate` is what `read_certificate` returned, and `principals` the number of random ones.
    """
    about = certificate["template"]
    yield from _statements(certificate, program)
    if hashlib.sha256(template).hexdigest() != about["sha256"]:
        yield "the template is not the one of the certificate: its hash differs"
        return
    render(())  # It refuses what is not a template, with a message of its own.
    lines = lines_of(tomllib.loads(template.decode("utf-8-sig")))
    prefix = about["topic_prefix"]
    entries = [line for line in lines if line.key]
    if [(line.place, line.text) for line in entries] != [(p, e["text"]) for p, e in certificate["entries"].items()]:
        yield "the certificate has other entries than the template"
        return
    yield from _entries(entries, certificate, prefix)
    yield from _pairs(entries, certificate, prefix)
    examples = certificate["examples"]
    mine = [*aimed(lines), *drawn(lines, about["sha256"], principals)]
    asked = [{key: each[key] for key in ("principal", "claims", "client_id")} for each in (*examples, *mine)]
    answers = render(asked)
    yield from _examples(examples, answers[: len(examples)])
    yield from _policies(lines, prefix, asked, answers)
    yield from _coverage(entries, certificate, mine, answers[len(examples) :])


def _statements(certificate: Mapping[str, Any], program: Program) -> Iterator[str]:
    is_proved = certificate["verdict"] == "proved" and certificate["counterexample"] is None
    if not is_proved or certificate["not_covered"] or certificate["left_out"]:
        yield f"the certificate does not say that the template is proved, but: {certificate['verdict']}"
    for key in ("compiler", "prover"):
        if certificate[key] != getattr(program, key):
            yield f"the {key} is not the one of the certificate: its hash differs, so prove the template again"
    if certificate["assumptions"] != [*program.assumptions]:
        yield "the certificate has other assumptions than this program"


def shape(line: TemplateLine, prefix: str) -> dict[str, dict[str, set[str]]]:
    """What the compiler must render for an entry alone, by action."""
    found: dict[str, dict[str, set[str]]] = {}
    for action, levels, reserved in line.patterns(prefix):
        start, is_connect = lead_of(levels), line.key == "connect"
        stars = ["*" if level in ("+", "#") and not is_connect else level for level in levels]
        dollar = text_of([*stars[:start], "$*", *stars[start + 1 :]])
        of = found.setdefault(action, {"allow": set(), "deny": set()})
        if line.kind == "deny":
            of["deny"].add(dollar if reserved else text_of(stars))
            continue
        of["allow"].add(text_of(stars))
        if is_connect:
            continue
        if "#" not in levels:
            of["deny"] |= {text_of([*stars[:i], "*", *stars[i:]]) for i, level in enumerate(levels) if level == "+"}
            if levels[-1] == "+" and action == "iot:Subscribe":
                of["deny"].add(text_of([*stars[:-1], "#"]))
        if levels[start] in ("+", "#"):
            of["deny"].add(dollar)
    return found


def _entries(lines: Sequence[TemplateLine], certificate: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for line in lines:
        wild = [level in ("+", "#") for level in line.levels("")]
        if line.key != "connect" and "#" in line.levels("") and not all(wild[wild.index(True) :]):
            yield f"{line.place}: no policy can express a level between + and a final #"
        found = certificate["entries"][line.place]["actions"]
        if {a: {k: set(v) for k, v in of.items()} for a, of in found.items()} != shape(line, prefix):
            yield f"{line.place}: is not rendered in the shape of the lemma"


def _pairs(lines: Sequence[TemplateLine], certificate: Mapping[str, Any], prefix: str) -> Iterator[str]:
    grants = [line for line in lines if line.kind == "grant" and line.key != "connect"]
    of = {line.place: {action: levels for action, levels, _ in line.patterns(prefix)} for line in grants}
    for denying in grants:
        for action, resources in shape(denying, prefix).items():
            for reached in (line for line in grants if action in of[line.place] and resources["deny"]):
                named = certificate["pairs"].get(action, {}).get(denying.place, {}).get(reached.place)
                meets = any(can_meet(levels_of(glob), of[reached.place][action]) for glob in resources["deny"])
                if named is None:
                    yield f"{denying.place} and {reached.place}: the pair is missing for {action}"
                elif meets and not any(_covers(each, denying, reached, action, of) for each in grants):
                    yield f"{denying.place} may take topics of {reached.place} away: not apart, and in no other entry"


def _covers(
    outer: TemplateLine,
    denying: TemplateLine,
    reached: TemplateLine,
    action: str,
    of: Mapping[str, Mapping[str, list[str]]],
) -> bool:
    """Whether an entry is there whenever two others are, and contains the denying one whenever that meets the other."""
    if action not in of[outer.place]:
        return False
    levels, inner = of[outer.place][action], of[denying.place][action]
    if outer.place == reached.place:
        return _contains_if_they_meet(levels, inner)
    when = outer.block.get("when")
    is_there = not when or any((each.kind, each.number) == (outer.kind, outer.number) for each in (denying, reached))
    names = {*PLACEHOLDER.findall(denying.text), *PLACEHOLDER.findall(reached.text)}
    has_values = names.issuperset(PLACEHOLDER.findall(outer.text))
    return is_there and has_values and _contains(levels, inner, eq) and not _contains(inner, levels, texts_meet)


def _contains_if_they_meet(outer: Sequence[str], inner: Sequence[str]) -> bool:
    """Whether an entry contains another one for all values with which a denial of that one reaches it.

    In front of its first wildcard, a denial has the levels of its entry, each for one level of a topic. If they meet, a
    text of the outer entry there is equal to such a level. Texts at other places are not known.
    """
    wildcard = min(inner.index(each) for each in ("+", "#") if each in inner)
    is_known = all(level in ("+", "#") for level in outer[wildcard:])
    return is_known and _contains(outer, inner, texts_meet) and not _contains(inner, outer, texts_meet)


def _contains(outer: Sequence[str], inner: Sequence[str], same: Callable[[str, str], bool]) -> bool:
    start = lead_of(outer)
    if outer[start] in ("+", "#") and inner[min(start, len(inner) - 1)].startswith("$"):
        return False
    for index, level in enumerate(outer):
        if index >= len(inner) or (level != "#" and inner[index] == "#"):
            return False
        if level == "#":
            return True
        if level != "+" and (inner[index] == "+" or not same(level, inner[index])):
            return False
    return len(outer) == len(inner)


def can_meet(glob: Sequence[str], levels: Sequence[str]) -> bool:
    """Whether a resource pattern and a topic filter can have a topic in common. May return True wrongly."""
    if glob[0] == TO:
        return _receivers_meet(glob[1], levels[1]) and can_meet(glob[2:], levels[2:])
    start = lead_of(levels)
    states, waiting = {(0, 0)}, [(0, 0)]
    for i, j in waiting:  # It grows meanwhile. Pieces of the pattern, and levels of the filter, that are read.
        if (i, j) == (len(glob), len(levels)):
            return True
        moves = []
        if i < len(glob) and j < len(levels) and _levels_meet(glob[i], levels[j], is_lead=j == start):
            moves.append((i + 1, j + 1))
        if i < len(glob) and j and levels[j - 1] == "#":
            moves.append((i + 1, j))
        if j < len(levels) and i and glob[i - 1] in ("*", "$*"):
            moves.append((i, j + 1))
        waiting += [move for move in moves if move not in states]
        states.update(moves)
    return False


def _receivers_meet(one: str, other: str) -> bool:
    """Whether two client IDs, of which the last level may be or end with `*`, can be equal. May return True wrongly."""
    mine, its = SLASH.split(one), SLASH.split(other)
    for level, partner in zip(mine, its, strict=False):
        if level.endswith("*") or partner.endswith("*"):
            return True
        if not texts_meet(level, partner):
            return False
    return len(mine) == len(its)


def _levels_meet(glob: str, level: str, *, is_lead: bool) -> bool:
    if level in ("+", "#"):
        return not (is_lead and glob.startswith("$")) and (glob != "#" or level == "#")
    return glob == "*" or (level.startswith("$") if glob == "$*" else texts_meet(glob, level))


def texts_meet(one: str, other: str) -> bool:
    """Whether two levels can be equal, where a placeholder is one or more characters."""
    mine, its = (list(_symbols(text)) for text in (one, other))

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(mine) or j == len(its):
            return i == len(mine) and j == len(its)
        a, b = mine[i], its[j]
        if len(a) == 1 and len(b) == 1:
            return a == b and meet(i + 1, j + 1)
        if (len(a) == 1 and a in UNSAFE) or (len(b) == 1 and b in UNSAFE):
            return False
        return meet(i + 1, j + 1) or (len(a) > 1 and meet(i, j + 1)) or (len(b) > 1 and meet(i + 1, j))

    return meet(0, 0)


def _symbols(text: str) -> Iterator[str]:
    for part in PLACEHOLDER.split(text):
        yield from ([part] if part.startswith("{") else part)


def _examples(examples: Sequence[Mapping[str, Any]], answers: Sequence[object]) -> Iterator[str]:
    """Each example must be answered as in the certificate."""
    for example, found in zip(examples, answers, strict=True):
        answer = found if isinstance(found, dict) else {"documents": _sha256(found)}
        if any(answer.get(key) != example.get(key) for key in ("documents", "refused")):
            yield f"{who(example)}: another policy than in the certificate"


def _sha256(documents: object) -> str:
    return hashlib.sha256(json.dumps(documents, separators=(",", ":")).encode()).hexdigest()


def _policies(
    lines: Sequence[TemplateLine], prefix: str, principals: Sequence[Mapping[str, Any]], answers: Sequence[object]
) -> Iterator[str]:
    """Each policy must be what the template says. Equal cases are compared once."""
    known: dict[object, list[str]] = {}
    for principal, found in zip(principals, answers, strict=True):
        meant = expected_policy(lines, prefix, principal)
        key = (json.dumps(found), meant._replace(reaches=tuple(dict.fromkeys(meant.reaches))))
        if key not in known:
            known[key] = list(differences_of(meant, found))
        yield from (f"{who(principal)}: {problem}" for problem in known[key])


def _coverage(
    lines: Sequence[TemplateLine],
    certificate: Mapping[str, Any],
    mine: Sequence[Mapping[str, Any]],
    answers: Sequence[object],
) -> Iterator[str]:
    """The examples must have every entry, and every two entries of a pair, that the checker's own principals have."""
    prefix, examples = certificate["template"]["topic_prefix"], certificate["examples"]
    tried = {expected_policy(lines, prefix, each).lines for each in examples if "documents" in each}
    granted = [each for each, found in zip(mine, answers, strict=True) if isinstance(found, list)]
    asked = {expected_policy(lines, prefix, each).lines for each in granted}
    for line in lines:
        if _has(asked, {line}) and not _has(tried, {line}):
            yield f"{line.place}: is in no example principal's policy"
    for one, other in combinations(lines, 2):
        is_shared = {*KEYS[one.kind, one.key]} & {*KEYS[other.kind, other.key]}
        if is_shared and _has(asked, {one, other}) and not _has(tried, {one, other}):
            yield f"{one.place} and {other.place}: are together in no example principal's policy"


def _has(found: Iterable[Set[TemplateLine]], wanted: Set[TemplateLine]) -> bool:
    return any(wanted <= each for each in found)
