"""Compiles a template for one principal into statements: resources and actions, allowed or denied."""

import json
from collections.abc import Iterable
from itertools import starmap
from operator import mul
from typing import NamedTuple

from iot_policies.account_region import AccountRegion
from iot_policies.actions import Action, Effect, in_order
from iot_policies.direct_messages import with_topics
from iot_policies.errors import InvalidName, NothingGranted, PolicyTooLarge
from iot_policies.names import name_problem
from iot_policies.packing import ConditionBlock, Document, Heading, Statement, pack
from iot_policies.placeholders import MOST_COMBINATIONS, Values
from iot_policies.policy_plan import PlannedContainer, PolicyPlan
from iot_policies.principal import Principal, read_denied_claim

Combination = tuple[str, ...]


class Policy(NamedTuple):
    """What one principal may do. `documents` writes it for a region and an account."""

    statements: tuple[Statement, ...]

    def documents(self, place: AccountRegion) -> list[Document]:
        """Writes the policy into as few documents as possible, with the ARNs of an account and region.

        Raises PolicyTooLarge if IoT Core would not accept that many.
        """
        return pack(self.statements, place.arn_prefix("iot"))

    def may_connect(self, client_id: str) -> bool:
        """Whether the policy allows a client ID. Conditions on connect attributes are left to IoT Core."""
        allowed = False
        for heading, resources in self.statements:
            if "iot:Connect" in heading.actions and any(fits_client_id(each, client_id) for each in resources):
                if heading.effect == "Allow":
                    allowed = True
                elif heading.condition is None:
                    return False
        return allowed

    def only_client_id(self) -> str | None:
        """The only client ID that the policy allows; None if it allows none, or several."""
        patterns = {
            pattern.removeprefix("client/")
            for heading, resources in self.statements
            if heading.effect == "Allow" and "iot:Connect" in heading.actions
            for pattern in resources
        }
        found = patterns.pop() if len(patterns) == 1 else "*"
        return found if not found.endswith("*") and self.may_connect(found) else None


def fits_client_id(resource: str, client_id: str) -> bool:
    """Whether a resource such as `client/ann/*` covers a client ID.

    Its only wildcard is a last `*`, so no expression is compiled for each principal.
    """
    pattern = resource.removeprefix("client/")
    return client_id.startswith(pattern[:-1]) if pattern.endswith("*") else client_id == pattern


def compile_policy(template: PolicyPlan, principal: Principal, client_id: str | None = None) -> Policy:
    """Compiles what a template, or its plan, grants a principal.

    `client_id` is None if the client named none. Entries of grants with `{client_id}` are then left out, and those of
    denies deny it for every client ID.
    Raises InvalidName, AmbiguousClaim or UnclearDenial for what the template cannot read, UnsafeValue if a value cannot
    be a topic level, and NothingGranted if no grant applies.
    """
    if (problem := name_problem(principal.name)) is not None:
        raise InvalidName("principal", problem)
    if client_id is not None and (problem := name_problem(client_id)) is not None:
        raise InvalidName("client_id", problem)
    statements = _Compilation(template, principal, client_id).statements()
    resources: list[str] = []
    allows = sends = False
    for heading, its in statements:
        resources += its
        allows = allows or heading.effect == "Allow"
        sends = sends or heading.sends
    if not allows:
        raise NothingGranted("no grant applies to this principal")
    if len(set(resources)) < len(resources):  # Equal values of different claims make equal resources.
        statements = _merge(statements)
    return Policy(tuple(with_topics(statements) if sends else statements))


class _Compilation:
    """Fills one template for one principal and limits how much work that may take."""

    __slots__ = ("_comparisons", "_filled", "_filling", "_values")

    def __init__(self, template: PolicyPlan, principal: Principal, client_id: str | None) -> None:
        applies = template.applying(principal.claims)
        for index, name in template.denied_claims:
            if applies[index]:
                read_denied_claim(principal.claims, name)
        self._filling = template.filling(applies)
        self._values = Values(principal, client_id)
        self._filled: dict[tuple[str, ...], list[Combination]] = {}
        self._comparisons = 0

    def statements(self) -> list[Statement]:
        """The statements with resources for this principal. Raises PolicyTooLarge."""
        sources, uses, planned = self._filling
        filled = []
        for names, containers in sources:
            combinations = self._combinations(names)
            filled.append(self._not_contained(containers, combinations) if containers else combinations)
        if (number := sum(map(mul, map(len, filled), uses))) > MOST_COMBINATIONS:
            raise PolicyTooLarge(number)
        found = []
        for heading, entries in planned:
            resources: list[str] = []
            for source, pattern in entries:
                resources += starmap(pattern.format, filled[source])
            if resources:
                found.append(Statement(heading, tuple(resources)))
        return found

    def _combinations(self, names: tuple[str, ...]) -> list[Combination]:
        """Each way to fill the named placeholders. Many entries have the same ones."""
        found = self._filled.get(names)
        if found is None:
            found = self._filled[names] = self._values.combinations(names)
        return found

    def _not_contained(
        self, containers: Iterable[PlannedContainer], combinations: list[Combination]
    ) -> list[Combination]:
        """Leaves out combinations that another rule covers: their levels equal its levels, except at its wildcards."""
        self._comparisons += len(combinations)
        for _, names, levels, contained in containers:
            covering = self._combinations(names)
            self._comparisons += len(covering)
            if self._comparisons > MOST_COMBINATIONS:
                raise PolicyTooLarge(self._comparisons)
            covered = {_texts(levels, each) for each in covering}
            combinations = [each for each in combinations if _texts(contained, each) not in covered]
        return combinations


def _texts(levels: Iterable[str], combination: Combination) -> tuple[str, ...]:
    return tuple(level.format(*combination) for level in levels)


def _merge(statements: Iterable[Statement]) -> list[Statement]:
    """Merges equal resources: each occurs once for an effect and a condition, with all its actions."""
    merged: dict[tuple[Effect, str, str], tuple[Action, ...]] = {}
    conditions: dict[str, ConditionBlock | None] = {}
    for heading, resources in statements:
        condition = json.dumps(heading.condition)
        conditions[condition] = heading.condition
        for resource in resources:
            key = heading.effect, condition, resource
            merged[key] = in_order((*merged.get(key, ()), *heading.actions))
    grouped: dict[tuple[Effect, str, tuple[Action, ...]], list[str]] = {}
    for (effect, condition, resource), actions in merged.items():
        grouped.setdefault((effect, condition, actions), []).append(resource)
    return [
        Statement(Heading(effect, actions, conditions[condition]), tuple(resources))
        for (effect, condition, actions), resources in grouped.items()
    ]
