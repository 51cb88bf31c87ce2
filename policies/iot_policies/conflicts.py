"""Refuses a template if a denial that the compiler adds for one entry takes topics away from another entry.

Let d be a denial that the compiler adds for an entry j with a wildcard (`globs.py`), and i another entry for the same
action. Then d is harmless for i if one of these is true for every principal:

1. *Apart*: d and i have no topic in common (`overlap.py`).
2. *Inside j*: j contains i. Then d matches nothing of i, since d matches nothing of j.
3. *Left out*: an entry k that is there whenever i and j are contains j. Then the compiler leaves j and d out
   (`compiler.py`). This is certain if
   a. k contains j for all values, it is in the grant of i or of j or its grant has no `when`, and its placeholders are
      placeholders of i or j, so that none of them is missing; or
   b. i itself contains j for the values for which d reaches i. This is so if i can contain j, and all texts of i are in
      front of j's first wildcard, as in `a/#` beside `{principal}/x/+`. There d has the levels of j, one for one, so a
      topic of both d and i has the same texts as i and as j: these are equal. So are the receivers of direct messages,
      if neither has a `*` or both are written alike.

Anything else is refused, with an example. Nothing here needs values, so the same template is accepted everywhere. Only
one policy for all principals, with a variable for the name (`cognito_role.py`), must be checked once more: there 3b
counts only for texts that are equal for all names or for none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from iot_policies.actions import Action
from iot_policies.entries import Entry, Rule, quoted
from iot_policies.errors import Conflict, ConflictingTopics
from iot_policies.grants import Deny, Grant
from iot_policies.level_index import LevelIndex
from iot_policies.overlap import common_topic, could_be_equal
from iot_policies.planning import Container
from iot_policies.topics import HASH, PLUS, TO, Levels, as_written, contains, lead

Containers = Mapping[Rule, Sequence[Container]]
_Pair = tuple[Entry, Rule]


def find_containers(entries: Iterable[Entry]) -> dict[Rule, list[Container]]:
    """The rules that contain each rule of a grant for some principal."""
    found: dict[Rule, list[Container]] = {}
    for pairs in _by_action(entries):
        index = LevelIndex(rule.levels for _, rule in pairs)
        for entry, outer in pairs:
            if PLUS in outer.levels or HASH in outer.levels:
                for number in index.candidates(outer.levels):
                    inner = pairs[number][1]
                    if inner is not outer and _may_contain(outer, inner):
                        found.setdefault(inner, []).append(Container(entry.block_index, outer))
    return found


def _by_action(entries: Iterable[Entry]) -> Iterable[list[_Pair]]:
    found: dict[Action, list[_Pair]] = {}
    for entry in entries:
        if entry.effect == "Allow" and entry.key != "connect":
            for rule in entry.rules:
                found.setdefault(rule.action, []).append((entry, rule))
    return found.values()


def _may_contain(outer: Rule, inner: Rule) -> bool:
    """Whether only the outer may contain the inner: rules that contain each other have equal text and merge."""
    return contains(outer.levels, inner.levels, could_be_equal) and not contains(
        inner.levels, outer.levels, could_be_equal
    )


def check_conflicts(entries: Sequence[Entry], containers: Containers, *, per_principal: bool = True) -> None:
    """Raises ConflictingTopics, with both entries and a topic, if a denial is not harmless for another entry.

    `per_principal`: whether a policy is compiled for each principal. If not, one is compiled for all names.
    """
    if found := [*_conflicts(entries, containers, per_principal=per_principal)]:
        raise ConflictingTopics(found)


def _conflicts(entries: Sequence[Entry], containers: Containers, *, per_principal: bool) -> Iterator[Conflict]:
    """For each rule that has denials, the first entry for which they are not harmless."""
    blocks = {entry.block_index: entry.block for entry in entries}
    # Denials of $… first: widen does not remove them, so an error about another denial would give useless advice.
    for reserved in (True, False):
        for pairs in _by_action(entries):
            index = LevelIndex(rule.levels for _, rule in pairs)
            for denying in pairs:
                globs = [glob for glob in denying[1].denied_globs if _is_reserved(glob) == reserved]
                for reached in (pairs[number] for number in index.candidates(*globs)):
                    topic = _taken(denying[1].levels, globs, reached[1].levels)
                    if topic is None or _is_left_out(denying, reached, containers, blocks):
                        continue
                    both = reached[1].levels, denying[1].levels
                    is_for_some = not per_principal and _needs_a_name(*both)
                    if is_for_some or not _contains_if_reached(*both):
                        yield _conflict(denying[0], reached[0], topic, reserved=reserved, is_for_some=is_for_some)
                        break


def _is_reserved(glob: Levels) -> bool:
    """Whether a denial is about what starts with `$`, and not about deeper levels."""
    return glob[lead(glob)] == "$*"


def _taken(levels: Levels, globs: Iterable[Levels], others: Levels) -> str | None:
    """A topic or filter that the denials of an entry may take from another one; None if these are apart or inside."""
    if contains(levels, others):
        return None
    return next((topic for glob in globs if (topic := common_topic(glob, others)) is not None), None)


def _is_left_out(denying: _Pair, reached: _Pair, containers: Containers, blocks: Mapping[int, Grant | Deny]) -> bool:
    """Whether the compiler always leaves an entry out if another one is there: 3a above."""
    (entry, rule), (other, inner) = denying, reached
    if contains(inner.levels, rule.levels):
        return True
    names = {*rule.names, *inner.names}
    return any(
        contains(container.levels, rule.levels)
        and names.issuperset(container.names)
        and (block in (entry.block_index, other.block_index) or blocks[block].when is None)
        for block, container in containers.get(rule, ())
    )


def _contains_if_reached(outer: Levels, inner: Levels) -> bool:
    """Whether an entry contains another one for all values for which a denial of that one reaches it: 3b above."""
    if inner[0] == TO and outer[1] != inner[1] and "*" in outer[1] + inner[1]:
        return False
    wild = next(index for index, level in enumerate(inner) if level in (PLUS, HASH))
    return all(level in (PLUS, HASH) for level in outer[wild:]) and contains(outer, inner, could_be_equal)


def _needs_a_name(outer: Levels, inner: Levels) -> bool:
    """Whether an entry contains another one only for some names of principals."""
    texts = ((level, other) for level, other in zip(outer, inner, strict=False) if level not in (PLUS, HASH))
    return any(level != other and "{principal}" in level + other for level, other in texts)


def _conflict(entry: Entry, other: Entry, topic: str, *, reserved: bool, is_for_some: bool) -> Conflict:
    advice = _NAME_FIRST if reserved else _NAME_LEVELS.format(block=entry.block_name)
    some = " (one policy serves all guests)" if is_for_some else ""
    message = f"{quoted(entry.text)} needs a denial that would also deny {other}{some}, for example {as_written(topic)}"
    return Conflict(entry.location, other.location, f"{message}: {advice}")


_NAME_FIRST = (
    "a leading wildcard does not reach what starts with $, such as $aws/… and $share/…: name the first level; "
    "widen does not help here"
)
_NAME_LEVELS = "name the levels, or set widen = true in {block}, which allows deeper levels too"
