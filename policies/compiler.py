"""From a template and a principal to statements: which resources, which actions, allowed or denied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.entries import Action, Effect, Rule
from policies.errors import NothingGranted
from policies.grants import ConnectAttribute
from policies.packing import Document, Statement, pack
from policies.placeholders import Values
from policies.principal import Principal
from policies.template import PolicyTemplate
from policies.topics import HASH, PLUS

Combination = tuple[str, ...]
_Attributes = tuple[ConnectAttribute, ...] | None
_Resource = tuple[Effect, _Attributes, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """What one principal may do, ready to be written for a region and an account."""

    statements: tuple[Statement, ...]

    def documents(self, *, region: str, account: str, partition: str = "aws") -> list[Document]:
        """The policy documents, as few as fit.

        Raises PolicyTooLarge where they are more than IoT Core takes.
        """
        return pack(self.statements, f"arn:{partition}:iot:{region}:{account}:")

    def may_connect(self, client_id: str) -> bool:
        """Whether a client ID is granted; connect attributes aside, which only IoT Core sees."""
        allowed = False
        for statement in self.statements:
            if "iot:Connect" in statement.actions and any(
                _fits(pattern.removeprefix("client/"), client_id) for pattern in statement.resources
            ):
                if statement.effect == "Allow":
                    allowed = True
                elif statement.condition is None:
                    return False
        return allowed


def _fits(pattern: str, client_id: str) -> bool:
    return client_id.startswith(pattern[:-1]) if pattern.endswith("*") else client_id == pattern


def compile_policy(template: PolicyTemplate, principal: Principal, client_id: str | None = None) -> Policy:
    """What a template grants a principal.

    `client_id` is None where the client named none; entries with `{client_id}` are then dropped.
    Raises UnsafeValue where a value can't stand in a topic level, NothingGranted where no grant applies.
    """
    values = Values(principal, client_id)
    active: dict[Rule, list[Combination]] = {}
    effects: dict[Rule, tuple[Effect, _Attributes]] = {}
    for entry in template.applicable(principal):
        combinations = list(values.combinations(entry.rules[0].names))
        if combinations:
            attributes = entry.block.connect_with if entry.key == "connect" else None
            for rule in entry.rules:
                active[rule] = combinations
                effects[rule] = entry.effect, attributes
    merged: dict[_Resource, tuple[Action, ...]] = {}
    for rule, combinations in active.items():
        for combination in _not_contained(rule, combinations, active) if rule.containers else combinations:
            _add(merged, (*effects[rule], rule.allowed.format(*combination)), rule.action)
            for denied in rule.denied:
                _add(merged, ("Deny", None, denied.format(*combination)), rule.action)
    return Policy(_statements(merged))


def _add(merged: dict[_Resource, tuple[Action, ...]], key: _Resource, action: Action) -> None:
    actions = merged.get(key, ())
    if action not in actions:
        merged[key] = (*actions, action)


def _not_contained(
    rule: Rule, combinations: list[Combination], active: Mapping[Rule, list[Combination]]
) -> list[Combination]:
    """Leaves out what an active container says already: it has the same text wherever it has no wildcard."""
    for container in rule.containers:
        if container in active:
            fixed = [index for index, level in enumerate(container.levels) if level not in (PLUS, HASH)]
            covered = {_texts(container, fixed, combination) for combination in active[container]}
            combinations = [each for each in combinations if _texts(rule, fixed, each) not in covered]
    return combinations


def _texts(rule: Rule, indexes: Iterable[int], combination: Combination) -> tuple[str, ...]:
    return tuple(rule.level_formats[index].format(*combination) for index in indexes)


def _statements(merged: Mapping[_Resource, tuple[Action, ...]]) -> tuple[Statement, ...]:
    grouped: dict[tuple[Effect, _Attributes, tuple[Action, ...]], list[str]] = {}
    for (effect, attributes, resource), actions in merged.items():
        grouped.setdefault((effect, attributes, actions), []).append(resource)
    if not any(effect == "Allow" for effect, _, _ in grouped):
        raise NothingGranted("no grant applies to this principal")
    return tuple(
        Statement(effect, actions, tuple(resources), _condition(effect, attributes))
        for (effect, attributes, actions), resources in grouped.items()
    )


def _condition(effect: Effect, attributes: _Attributes) -> dict[str, dict[str, list[str]]] | None:
    """The condition on `iot:ConnectAttributes` (developer guide, "Connect policy examples")."""
    if attributes is None:
        return None
    if effect == "Deny":
        return {"ForAnyValue:StringEquals": {"iot:ConnectAttributes": list(attributes)}}
    if attributes:
        return {"ForAllValues:StringEquals": {"iot:ConnectAttributes": list(attributes)}}
    return {"ForAllValues:StringNotEquals": {"iot:ConnectAttributes": ["LastWill", "PersistentConnect"]}}
