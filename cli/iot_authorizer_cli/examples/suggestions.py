"""Suggests what to try with a template: example principals, and client IDs and topics for them.

Some topics are allowed by the principal's policy, some are refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypedDict

from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import check_resource
from iot_policies import Deny, Grant, PolicyError, PolicyTemplate, Principal, claim, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.connection import Connection
from iot_policies.entries import Entry
from iot_policies.evaluator import Evaluator
from iot_policies.explaining import Question
from iot_policies.grants import Key
from iot_policies.packing import Document
from iot_policies.placeholders import Values, as_format, claim_names, placeholder_names, split_template
from iot_policies.topics import HASH, PLUS, matches
from iot_policies.when import Scalar, choices

_SAMPLES: Mapping[str, object] = {
    "rooms": ["lobby"],
    "channels": ["news"],
    "devices": ["pump-7"],
    "site": "berlin",
}
"""Values for the claims of the ready templates."""
_PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
_DEVICE = "pump-7"
_MOST = 4
"""The number of allowed suggestions, and of refused ones."""
_EACH = 2
"""The number of suggestions for one entry."""
_OTHER, _SOMETHING = "somebody", "something"
_CLIENT = "client-1"
_ANY_CLIENT = "client-*"
"""What `{client_id}` grants: any text, of which this is an example."""

_Literals = tuple[tuple[str, Scalar], ...]


class Preset(TypedDict):
    """An example principal, and the label that says what it shows."""

    label: str
    principal: str
    claims: dict[str, object]


def presets(template: PolicyTemplate) -> list[Preset]:
    """Returns one principal for each kind of principal that the template distinguishes, and one without claims.

    Grants with the same `when`, such as role = "device", are for one kind. Grants without `when` are for every kind.
    """
    kinds: dict[_Literals, dict[str, object]] = {}
    for block in template.blocks:
        kinds.setdefault(_literals(block), {}).update(_samples(block))
    for_all = kinds.pop((), None)
    found: list[Preset] = [] if for_all is None else [_preset("", _PEOPLE[0], for_all)]
    people = iter(_PEOPLE[len(found) :])
    for literals, samples in list(kinds.items())[: len(_PEOPLE) - 1]:
        label = ", ".join(value if isinstance(value, str) else name for name, value in literals)
        name = _DEVICE if label == "device" else next(people, _PEOPLE[-1])
        found.append(_preset(label, name, {**(for_all or {}), **samples, **dict(literals)}))
    return [*found, _preset("no claims", "mallory", {})]


class Suggestion(TypedDict):
    """A topic or a topic filter, and whether the principal may use it."""

    text: str
    allowed: bool


class Suggestions(TypedDict):
    """What one principal can try."""

    client_id: str | None
    """A granted client ID; a `*` at its end matches any text."""
    publish: list[Suggestion]
    """Topics: allowed ones first, and among them those that the first filter receives, then those of other filters."""
    subscribe: list[Suggestion]
    """Topic filters: allowed ones first, and among them those that receive what the principal and others publish."""


def suggestions(template: PolicyTemplate, principal: Principal, client_id: str | None) -> Suggestions:
    """What a principal can try, with what its policy allows first. An HTTPS client has no client ID."""
    names = {name for entry in template.entries for name in claim_names(entry.text)}
    samples = {name: sample(name) for name in sorted(names) if _is_missing(principal, name)}
    claims = {**samples, **principal.claims}
    own = _Filling(template.entries, Values(Principal(principal.name, claims), client_id or _CLIENT))
    other = _Filling(template.entries, Values(Principal(_OTHER, claims), _OTHER))
    evaluator = Evaluator(_documents(template, principal, client_id), Connection(client_id=client_id))
    prefix = EXAMPLE_PLACE.arn_prefix("iot")
    topics = {
        text: why_refused_always("publish", text) is None and evaluator.allows("iot:Publish", f"{prefix}topic/{text}")
        for text in (*own.topics(), *other.topics())
    }
    filters = {
        text: why_refused_always("subscribe", text) is None
        and evaluator.allows("iot:Subscribe", f"{prefix}topicfilter/{text}")
        for text in (*own.filters(), *other.filters())
    }
    published = [topic for topic in topics if topics[topic]]
    by_others = list(_published_by_others(template, principal))
    subscribe = _chosen(filters, lambda each: _receives(each, published) + _receives(each, by_others))
    heard_by = [each["text"] for each in subscribe if each["allowed"]]
    return Suggestions(
        client_id=_client_id(template, principal),
        publish=_chosen(topics, lambda topic: 2 * _arrives(topic, heard_by[:1]) + _arrives(topic, heard_by)),
        subscribe=subscribe,
    )


def why_refused_always(question: Question, resource: str) -> str | None:
    """Why IoT Core refuses an action on a client ID, topic or topic filter under every policy, or None."""
    try:
        check_resource(question, resource, IOT_CORE)
    except ValueError as error:
        return str(error)
    return None


def _preset(label: str, name: str, claims: dict[str, object]) -> Preset:
    return Preset(label=f"{name}, {label}" if label else name, principal=name, claims=claims)


def _literals(block: Grant | Deny) -> _Literals:
    """The claim values that a grant or a deny asks for; the first one of a list."""
    return tuple((name, choices(wanted)[0]) for name, wanted in (block.when or {}).items() if wanted != "*")


def _samples(block: Grant | Deny) -> dict[str, object]:
    """A value for each claim that must exist, with any value."""
    names = [name for name, wanted in (block.when or {}).items() if wanted == "*"]
    for _, _, text in block.entries():
        names += claim_names(text)
    return {name: sample(name) for name in names}


def sample(name: str) -> object:
    """An example value for a claim: a list if its name is a plural."""
    if name in _SAMPLES:
        return _SAMPLES[name]
    word = name.rpartition(".")[2].rpartition("/")[2].rpartition(":")[2]
    return [f"{word[:-1]}-1"] if word.endswith("s") and not word.endswith("ss") else f"{word}-1"


def _documents(template: PolicyTemplate, principal: Principal, client_id: str | None) -> list[Document]:
    try:
        return compile_policy(template, principal, client_id).documents(EXAMPLE_PLACE)
    except PolicyError:
        return []


def _chosen(allowed: Mapping[str, bool], rank: Callable[[str], int]) -> list[Suggestion]:
    texts = sorted(allowed, key=rank, reverse=True)
    yes = [Suggestion(text=text, allowed=True) for text in texts if allowed[text]]
    no = [Suggestion(text=text, allowed=False) for text in texts if not allowed[text]]
    return [*yes[:_MOST], *no[:_MOST]]


def _receives(topic_filter: str, topics: Iterable[str]) -> bool:
    return any(matches(topic_filter, topic) for topic in topics)


def _arrives(topic: str, topic_filters: Iterable[str]) -> bool:
    return any(matches(each, topic) for each in topic_filters)


def _published_by_others(template: PolicyTemplate, principal: Principal) -> Iterator[str]:
    """The topics that the template grants to other kinds of principals, before any deny."""
    for preset in presets(template):
        other = Principal(preset["principal"], preset["claims"])
        if other.name != principal.name:
            yield from _Filling(_applicable(template, other), Values(other, _CLIENT)).topics()


def client_ids(template: PolicyTemplate, principal: Principal) -> list[str]:
    """The client IDs that the template grants, before any deny; a `*` at the end of one matches any text."""
    found = _Filling(_applicable(template, principal), Values(principal, _CLIENT)).texts(("connect",))
    return [_ANY_CLIENT if text == _CLIENT else text for text in found]


def _client_id(template: PolicyTemplate, principal: Principal) -> str | None:
    """A granted client ID, preferably one that ends with `*`."""
    found = client_ids(template, principal)
    return next((text for text in found if text.endswith("*")), found[0] if found else None)


def _applicable(template: PolicyTemplate, principal: Principal) -> list[Entry]:
    """The entries that apply to a principal; none if the authorizer refuses its claims."""
    try:
        return list(template.applicable(principal))
    except PolicyError:
        return []


def _is_missing(principal: Principal, name: str) -> bool:
    try:
        return claim(principal.claims, name) is None
    except PolicyError:
        return False


@dataclass(frozen=True, slots=True)
class _Filling:
    """Fills entries with the values of one principal."""

    entries: Sequence[Entry]
    values: Values

    def topics(self) -> Iterator[str]:
        """Topics to publish to, with the entries' wildcards filled."""
        for text in self.texts(("publish", "retain")):
            levels = text.split("/")
            yield "/".join(self._level(levels, index) for index in range(len(levels)))

    def filters(self) -> Iterator[str]:
        """Topic filters to subscribe to."""
        return self.texts(("subscribe",))

    def texts(self, keys: Sequence[Key]) -> Iterator[str]:
        """The filled entries of grants under some keys."""
        for entry in self.entries:
            if entry.effect == "Allow" and entry.key in keys:
                yield from self._filled(entry.filter)

    def _filled(self, text: str) -> list[str]:
        names = placeholder_names(text)
        try:
            found = islice(self.values.combinations(names), _EACH)
        except PolicyError:
            return []
        return [as_format(text, names).format(*combination) for combination in found]

    def _level(self, levels: Sequence[str], index: int) -> str:
        """A level; a wildcard becomes what other entries have below the same name."""
        if levels[index] not in (PLUS, HASH):
            return levels[index]
        for entry in self.entries if index else ():
            others = split_template(entry.filter)
            if len(others) > index and others[index - 1] == levels[index - 1] and "{" in others[index]:
                return next(iter(self._filled(others[index])), _SOMETHING)
        return _OTHER if levels[index] == PLUS else _SOMETHING
