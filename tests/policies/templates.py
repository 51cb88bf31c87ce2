"""Random templates and principals, and what they must allow, computed without `iot_policies`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from hypothesis import event, reject
from hypothesis import strategies as st

from iot_policies import Deny, Grant, InvalidTopics, NothingGranted, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.packing import Document
from tests.policies.probes import ACCOUNT, REGION

Block = Mapping[str, object]
_PLACEHOLDER = re.compile(r"\{(.*?)\}")

_PLAIN = ("a", "b", "", "$x", "{principal}", "{claims.one}", "{claims.many}", "a{claims.one}")
_ANY_LEVEL = (*_PLAIN, "+", "+", "+", "+")


def _texts(levels: tuple[str, ...], depth: int, *endings: str) -> st.SearchStrategy[str]:
    pool = {
        "/".join((*chosen, ending)).removesuffix("/!") for chosen in product(levels, repeat=depth) for ending in endings
    }
    return st.sampled_from(sorted(pool - {""}))


topic_filters = st.one_of(
    _texts(_ANY_LEVEL, 1, "!", "#"),
    _texts(_ANY_LEVEL, 2, "!"),
    _texts(_ANY_LEVEL, 3, "!"),
    _texts(("a", "{principal}", "{claims.many}", "+"), 4, "!"),
    _texts(_PLAIN, 2, "#", "+/#"),
    _texts(_ANY_LEVEL, 2, "#"),
    st.sampled_from(("#", "+/#", "+/+/#")),
)
"""Filters with placeholders; few of those that end in `#` have a level of text behind their first wildcard."""

_SUBSCRIPTIONS = st.one_of(
    topic_filters, topic_filters, topic_filters, topic_filters.map(lambda text: f"$share/g/{text}")
)
_NAMES = st.sampled_from(("a", "b", "c"))
_RECEIVERS = st.sampled_from(
    ("a", "b", "{principal}", "{claims.one}", "{claims.many}", "x/{claims.many}", "x/*", "{principal}/*", "*")
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "to": _RECEIVERS,
            "topics": st.lists(
                topic_filters.filter(lambda text: not text.startswith("$")), min_size=1, max_size=2, unique=True
            ),
        }
    ),
    max_size=2,
)
"""What `send` has. Receivers and topics often have the same claim."""


_ENTRIES = st.lists(topic_filters, max_size=2)
_WHEN: st.SearchStrategy[dict[str, object] | None] = st.sampled_from(
    (None, None, {"role": "x"}, {"role": ["x", "y"]}, {"many": "*"})
)


@st.composite
def blocks(draw: st.DrawFn, *, widen: bool = False) -> Block:
    """A grant or deny, as in a file."""
    block: dict[str, object] = {
        "publish": draw(_ENTRIES),
        "retain": draw(st.lists(topic_filters, max_size=1)),
        "subscribe": draw(st.lists(_SUBSCRIPTIONS, max_size=2)),
    }
    if draw(st.sampled_from((False, False, True))):
        block |= {"receive": draw(_ENTRIES), "read": draw(_ENTRIES), "send": draw(messages)}
    if (when := draw(_WHEN)) is not None:
        block["when"] = when
    return block | ({"widen": True} if widen else {})


_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "one": st.one_of(_NAMES, st.lists(_NAMES, max_size=1)),
        "many": st.lists(_NAMES, max_size=3),
        "role": st.sampled_from(("x", "y", "z", ["x", "z"])),
    },
)


@dataclass(frozen=True)
class Case:
    """A template and a principal."""

    grants: tuple[Block, ...]
    denies: tuple[Block, ...]
    name: str
    claims: Mapping[str, object]
    topic_prefix: str = ""

    def template(self) -> PolicyTemplate:
        """The template; a refused one makes Hypothesis look for another."""
        given: list[Grant | Deny] = [Grant.model_validate(each) for each in self.grants]
        given += [Deny.model_validate(each) for each in self.denies]
        try:
            return PolicyTemplate.of(given, topic_prefix=self.topic_prefix)
        except InvalidTopics as error:
            event("refused: " + ("cuts" if "denial that" in str(error) else "can't be told apart"))
            reject()

    def documents(self) -> list[Document]:
        """The compiled policy; none where nothing is granted."""
        try:
            policy = compile_policy(self.template(), Principal(self.name, self.claims))
        except NothingGranted:
            event("nothing granted")
            return []
        return policy.documents(AccountRegion(REGION, ACCOUNT))

    def granted(self, *keys: str) -> frozenset[str]:
        """The filters under some keys of the grants that apply, filled."""
        return frozenset(self._filters(self.grants, keys))

    def denied(self, *keys: str) -> frozenset[str]:
        """The filters under some keys of the denials that apply, filled."""
        return frozenset(self._filters(self.denies, keys))

    def may_send(self) -> frozenset[tuple[str, str]]:
        """The receivers and topic filters of the grants that apply, filled together."""
        return frozenset(self._messages(self.grants))

    def must_not_send(self) -> frozenset[tuple[str, str]]:
        """The receivers and topic filters of the denials that apply, filled together."""
        return frozenset(self._messages(self.denies))

    def _messages(self, given: tuple[Block, ...]) -> Iterator[tuple[str, str]]:
        for block in given:
            sends = block.get("send")
            if isinstance(sends, list) and self.applies(block, is_deny=given is self.denies):
                for each, topic in ((message, topic) for message in sends for topic in message["topics"]):
                    for text in self.filled(f"{each['to']}\n{topic}"):
                        receiver, _, filled = text.partition("\n")
                        yield receiver, filled

    def _filters(self, given: tuple[Block, ...], keys: tuple[str, ...]) -> Iterator[str]:
        for block in given:
            if self.applies(block, is_deny=given is self.denies):
                for key in keys:
                    for text in _strings(block.get(key)):
                        yield from self.filled(text)

    def applies(self, block: Block, *, is_deny: bool = False) -> bool:
        """Whether a block applies to the principal. In a deny, `"*"` also covers an empty list."""
        when = block.get("when")
        return not isinstance(when, Mapping) or all(
            (is_deny and wanted == "*" and self.claims.get(name) is not None)
            or any(wanted == "*" or value in _strings(wanted) for value in _strings(self.claims.get(name)))
            for name, wanted in when.items()
        )

    def filled(self, text: str) -> Iterator[str]:
        """A text with each choice of the principal's values; nothing if one is missing."""
        values = {"principal": [self.name]} | {f"claims.{name}": _strings(of) for name, of in self.claims.items()}
        names = sorted(set(_PLACEHOLDER.findall(text)))
        for chosen in product(*(values.get(name, []) for name in names)):
            pairs = dict(zip(names, chosen, strict=True))
            yield _PLACEHOLDER.sub(lambda match, pairs=pairs: pairs[match[1]], text)  # type: ignore[misc]


def _strings(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []


def cases(*, widen: bool = False, denials: bool = False) -> st.SearchStrategy[Case]:
    """Templates of one to three grants, with a principal each."""
    return st.builds(
        Case,
        st.lists(blocks(widen=widen), min_size=1, max_size=3).map(tuple),
        st.lists(blocks(), min_size=1, max_size=2).map(tuple) if denials else st.just(()),
        _NAMES,
        _CLAIMS,
    )
