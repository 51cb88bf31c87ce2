"""Reads an IAM policy as the statements of an IoT policy that allow and deny the same, to compare them.

1. A policy has a version and a list of statements, and a statement has no ID: the compiler writes nothing else.
2. IoT Core asks for a resource of the action's own type. So an action counts only with the resources of that type.
3. `iot:*` is every action. Only a Deny may have it: the Allow of an action that the template language does not know is
   not covered.
4. A condition on `iot:ConnectAttributes` is about a CONNECT. Other requests have no such key: `ForAnyValue` is then
   false, and `ForAllValues` is true. Only a direct message has `iot:Topic`. Without that condition, a statement is
   about direct messages to all topics.
5. In a policy for one client ID, that client ID becomes the word CLIENT, because its `*`, `?` and `$` are plain
   characters. So a Deny of another pattern of client IDs is not covered.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from iot_policies.actions import Action, Effect
from iot_policies.documents import InvalidDocument
from iot_policies.iam import parse_iam_document
from iot_policies.packing import ConditionBlock, Heading, Statement
from iot_policies.proofs.languages import ACTIONS, TYPES
from iot_policies.proofs.patterns import NotCovered

CLIENT = "\x02"
"""Stands for the only client ID of a policy. No name has this character."""
_ANY_TOPIC: ConditionBlock = {"StringLike": {"iot:Topic": ["*"]}}


def iam_statements(text: str, prefix: str, client_id: str | None = None) -> tuple[Statement, ...]:
    """The statements of an IAM policy, each about one action. `prefix`: what each ARN begins with.

    Raises NotCovered for what the compiler never writes.
    """
    try:
        parse_iam_document(text)
    except InvalidDocument as problem:
        raise NotCovered(f"not an IAM policy: {problem}") from None
    document = json.loads(text)
    if document.keys() != {"Version", "Statement"} or not isinstance(document["Statement"], list):
        raise NotCovered(f"unexpected policy: it has {', '.join(document)}")
    return tuple(found for statement in document["Statement"] for found in _of_statement(statement, prefix, client_id))


def with_end(text: str, end: str) -> str:
    """An IAM policy with the condition that the time is before `end` in each Allow."""
    document = json.loads(text)
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Condition"] = {**statement.get("Condition", {}), "DateLessThan": {"aws:CurrentTime": end}}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _of_statement(statement: Mapping[str, object], prefix: str, client_id: str | None) -> Iterator[Statement]:
    if statement.keys() - {"Condition"} != {"Effect", "Action", "Resource"} or statement.get("Condition") == {}:
        raise NotCovered(f"unexpected statement: {json.dumps(statement)}")
    effect = cast("Effect", statement["Effect"])
    names: dict[str, list[str]] = {}
    for arn in _texts(statement["Resource"]):
        kind, slash, _ = arn.removeprefix(prefix).partition("/")
        if not arn.startswith(prefix) or kind not in TYPES.values() or not slash:
            raise NotCovered(f"unexpected resource: {arn}")
        names.setdefault(kind, []).append(arn.removeprefix(prefix))
    for action in _actions(effect, _texts(statement["Action"])):
        is_met, condition = _condition(action, cast("ConditionBlock | None", statement.get("Condition")))
        if is_met and (found := names.get(TYPES[action])):
            bound = found if client_id is None or action != "iot:Connect" else _bound(effect, found, client_id)
            yield Statement(Heading(effect, (action,), condition), tuple(bound))


def _actions(effect: Effect, texts: Sequence[str]) -> Sequence[Action]:
    if effect == "Deny" and [*texts] == ["iot:*"]:
        return ACTIONS
    if unknown := {*texts} - {*ACTIONS}:
        raise NotCovered(f"unexpected action: {effect} {min(unknown)}")
    return [action for action in ACTIONS if action in texts]


def _condition(action: Action, block: ConditionBlock | None) -> tuple[bool, ConditionBlock | None]:
    """Whether a condition can be met by requests of an action, and what is left of it. Raises NotCovered."""
    if block is None:
        return True, _ANY_TOPIC if action == "iot:SendDirectMessage" else None
    (operator, keys), *more = block.items()
    key = ", ".join(keys)
    if more or key not in ("iot:Topic", "iot:ConnectAttributes"):
        raise NotCovered(f"unexpected condition: {block}")
    own = "iot:SendDirectMessage" if key == "iot:Topic" else "iot:Connect"
    if action == own:
        return True, {operator: {key: _texts(keys[key])}}
    is_met = key == "iot:ConnectAttributes" and operator.startswith("ForAllValues:")
    return is_met, _condition(action, None)[1]


def _bound(effect: Effect, names: Sequence[str], client_id: str) -> Iterator[str]:
    expected = "client/" + "".join(f"${{{sign}}}" if sign in "*?$" else sign for sign in client_id)
    for name in names:
        if effect == "Deny" and name != expected and any(sign in name for sign in "*?"):
            raise NotCovered(f"a policy for one client ID denies {name}")
        if name == expected or (name.endswith("*") and f"client/{client_id}".startswith(name[:-1])):
            yield f"client/{CLIENT}"
        if name != expected:
            yield name


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else cast("list[str]", value)
