"""What `convert acl` says about the template that it made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iot_authorizer_cli.commands.convert.acl_file import AclFile, AclRule
from iot_authorizer_cli.commands.convert.clients import clients
from iot_authorizer_cli.commands.convert.conversion import CLAIM, AllowedClientIds, Conversion
from iot_authorizer_cli.commands.convert.differences import AclDifference, ClientComparison
from iot_authorizer_cli.progress import progress
from iot_authorizer_cli.terminal import count
from iot_policies import Principal
from iot_policies.proofs.patterns import NotCovered
from iot_policies.template import PolicyTemplate

_MOST_SHOWN = 3
_VERBS = {"write": "publish", "read": "receive"}


@dataclass
class Found:
    """A difference, and for whom it was found."""

    difference: AclDifference
    clients: dict[str, None] = field(default_factory=dict)
    """The names of all clients that have it, in order."""


@dataclass
class AclReport:
    """What differs between an ACL file and the template that was made from it."""

    users: int
    """How many users were compared. Users without rules, and clients without a user name, were compared, too."""
    rules: Mapping[int, AclRule]
    """The rules by their lines."""
    left_out: Mapping[int, str]
    """Why a rule, by its line, has no entry, or not all of them."""
    differences: dict[object, Found] = field(default_factory=dict)
    not_covered: list[str] = field(default_factory=list)
    filters: dict[object, tuple[str, str, str]] = field(default_factory=dict)
    """By role: a client, a filter that the template refuses, and a topic of it that mosquitto delivers; empty
    if it refuses none."""

    def add(self, name: str, principal: Principal, comparison: ClientComparison) -> None:
        """Adds what is found for one client. Raises NotCovered."""
        for difference in comparison.differences():
            self.add_difference(name, difference)
        role = principal.claims.get(CLAIM)
        if role not in self.filters:
            self.filters[role] = (name, *(comparison.refused_filter() or ("", "")))

    def add_difference(self, name: str, difference: AclDifference) -> None:
        """Adds a difference of one client."""
        rule = difference.rule
        key = difference.kind, difference.use, difference.topic if rule is None else rule.line
        self.differences.setdefault(key, Found(difference)).clients[name] = None

    @property
    def exit_code(self) -> int:
        """1 if something differs, 3 if something could not be decided, else 0."""
        return 1 if self.differences else 3 if self.not_covered else 0

    @property
    def heading(self) -> str:
        """The result in one line."""
        users = f"{count(self.users, 'user')} and all users without rules"
        if self.differences:
            return f"{count(len(self.differences), 'difference')} in what {users} may publish and receive"
        if self.not_covered:
            return f"not covered: no difference was found for {users}, but not everything was decided"
        return f"proved: mosquitto and the template let {users} publish and receive the same"

    def lines(self) -> Iterator[str]:
        """What differs, and which subscriptions are refused."""
        for found in self.differences.values():
            yield from self._of(found)
        yield from self.not_covered[:_MOST_SHOWN]
        refused = [each for each in self.filters.values() if each[1]]
        if refused:
            yield "mosquitto accepts every subscription. IoT Core refuses one that is not within an entry, for example"
        for client, topic_filter, topic in refused[:_MOST_SHOWN]:
            yield f"  {topic_filter} of {client}, on which mosquitto delivers {topic}"

    def _of(self, found: Found) -> Iterator[str]:
        kind, use, topic, rule, is_denied = found.difference
        first, *others = found.clients
        if use is None:
            yield f"{first} gets no policy here: {topic}"
        elif kind == "more":
            yield f"{first} has more differences in what it may {_VERBS[use]}"
        else:
            one, other = ("mosquitto", "the template") if kind == "lost" else ("the template", "mosquitto")
            yield f"{one} lets {first} {_VERBS[use]} {topic}, {other} does not"
            yield "  no line matches" if rule is None else f"  {self.rules[rule.line]}"
            if is_denied:
                yield "  a deny of the template reaches it: a deny wins over all grants, and its + takes deeper levels"
            elif rule is not None and rule.line in self.left_out:
                yield f"  {self.left_out[rule.line]}"
        if others:
            yield f"  the same for {count(len(others), 'other client')}"


def compare(
    acl: AclFile,
    template: PolicyTemplate,
    conversion: Conversion,
    client_ids: AllowedClientIds,
    unusable: Mapping[str, str],
    *,
    anonymous: bool,
) -> AclReport:
    """Compares an ACL file with its template for all clients that it can tell apart.

    `unusable` has the users that cannot be users here, and why.
    """
    rules = {rule.line: rule for found in (*acl.topics.values(), acl.patterns) for rule in found}
    report = AclReport(len(conversion.claims), rules, conversion.left_out)
    for user, why in unusable.items():
        report.add_difference(f"user {user}", AclDifference("no policy", None, why, None))
    every = [*clients(acl, conversion.claims, client_ids, anonymous=anonymous)]
    with progress("clients", len(every)) as tell_progress:
        for number, (name, client) in enumerate(every, 1):
            try:
                report.add(name, client.principal, ClientComparison(template, client))
            except NotCovered as problem:
                report.not_covered.append(f"{name}: {problem}")
            tell_progress(number)
    return report
