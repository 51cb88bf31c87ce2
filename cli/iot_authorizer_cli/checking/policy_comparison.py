"""Whether a principal's documents, or its refusal, are what the template says. Imports only the standard library.

Policies and entries are compared character by character (`characters.py`), and all of a policy at once. A deny must
deny what its filter matches, and may deny what its resource with `*` for each wildcard matches. If a client has no
client ID and a deny has `{client_id}` beside other text in one level, only the second bound is checked.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from iot_authorizer_cli.checking.characters import FRESH, Tokens, find, of_filter, of_glob, widest
from iot_authorizer_cli.checking.expected_policies import CLIENT_ID, ExpectedPolicy, FilledLine
from iot_authorizer_cli.checking.policy_documents import SEND, TYPES, problems_of_documents
from iot_authorizer_cli.checking.template_lines import TO, TemplateLine


def differences_of(meant: ExpectedPolicy, answer: object) -> Iterator[str]:
    """What the documents of a principal, or its refusal, get wrong."""
    if isinstance(answer, list):
        if meant.refusals:
            yield f"has a policy: expected a refusal for {' or '.join(sorted(meant.refusals))}"
            return
        problems = [*problems_of_documents(answer)]
        yield from problems or _differences(answer, meant.reaches)
    else:
        reason = answer.get("refused") if isinstance(answer, dict) else None
        if reason not in meant.refusals and not (reason == "policy_too_large" and meant.may_be_too_large):
            yield f"is refused: {json.dumps(answer)}"


_SUBSETS = ((), ("LastWill",), ("PersistentConnect",), ("LastWill", "PersistentConnect"))


def _differences(documents: Sequence[Mapping[str, Any]], meant: Sequence[FilledLine]) -> Iterator[str]:
    statements = [each for document in documents for each in document["Statement"]]
    for action in TYPES:
        for asked in _SUBSETS if action == "iot:Connect" else _SUBSETS[:1]:
            groups = _groups(
                [each for each in statements if action in each["Action"] and _holds(each, asked)],
                [each for each in meant if each.action == action and _asks(each.line, asked)],
            )
            if action == "iot:Subscribe":
                names = sorted({each.text.split("/")[1] for each in meant if each.text.startswith("$share/")})
                begins = ["", *(f"$share/{name}/" for name in (*names, "zz"))]
            else:
                begins = [""]
            for begin in begins:
                word = find(groups, _is_wrong, filters=action == "iot:Subscribe", begin=begin)
                if word is not None:
                    yield f"{action} {word.replace(FRESH, 'x')} {' '.join(asked)}".rstrip()


def _groups(statements: Iterable[Mapping[str, Any]], meant: Iterable[FilledLine]) -> dict[str, set[Tokens]]:
    groups: dict[str, set[Tokens]] = {}
    for statement in statements:
        names = [arn.split(":", 5)[5].split("/", 1)[1] for arn in statement["Resource"]]
        if statement["Action"] == [SEND]:
            topics = statement["Condition"]["StringLike"]["iot:Topic"]
            names = [f"{name}{TO}{topic}" for name in names for topic in topics]
        groups.setdefault(statement["Effect"], set()).update(map(of_glob, names))
    for reach in meant:
        if reach.line.kind == "grant":
            groups.setdefault("allowed", set()).add(_exact(reach, reach.text))
        else:
            _add_denied(reach, groups)
    return groups


def _exact(reach: FilledLine, text: str) -> Tokens:
    receiver, to, topic = (text, "", "") if reach.line.key == "connect" else text.rpartition(TO)
    return of_glob(receiver + to) + (of_filter(topic, reserved=reach.reserved) if topic else ())


def _add_denied(reach: FilledLine, groups: dict[str, set[Tokens]]) -> None:
    receiver, to, topic = (reach.text, "", "") if reach.line.key == "connect" else reach.text.rpartition(TO)
    with_any = _replaced(receiver, (CLIENT_ID,), "*") + to + _replaced(topic, (CLIENT_ID,), "+")
    if CLIENT_ID in with_any:  # Beside other text: which client IDs the entry means cannot be read as a filter.
        receiver, to, topic = with_any.replace(CLIENT_ID, "*").rpartition(TO)
        groups.setdefault("may be denied", set()).add(of_glob(receiver + to + _replaced(topic, ("+", "#"), "*")))
        return
    exact = _exact(reach, with_any)
    groups.setdefault("denied", set()).add(exact)
    groups.setdefault("may be denied", set()).add(widest(exact))


def _replaced(text: str, levels: Sequence[str], by: str) -> str:
    return "/".join(by if level in levels else level for level in text.split("/"))


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


def _holds(statement: Mapping[str, Any], asked: Sequence[str]) -> bool:
    condition = statement.get("Condition")
    if condition is None or statement["Action"] == [SEND]:
        return True
    ((operator, keys),) = condition.items()
    named = set(keys["iot:ConnectAttributes"])
    if operator == "ForAnyValue:StringEquals":
        return bool(set(asked) & named)
    return set(asked) <= named if operator == "ForAllValues:StringEquals" else not set(asked) & named
