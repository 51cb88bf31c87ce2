"""A question of a client, answered by the entries of a template instead of by compiled policies.

1. An entry covers a question if its `when` is met, its connect attributes fit, and its text matches.
2. A question is allowed if entries of grants cover it for each of its actions, and no entry of a deny.
3. A client that the authorizer refuses, such as one with an unsafe value, is allowed nothing.
4. The policies of the template say the same, since the compiler is exact; a test compares them. Unlike policies,
   entries also answer for a changed template that no policy can express (`mutants.py`).
"""

from collections.abc import Collection, Iterable
from functools import cached_property

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry, filled_by
from iot_policies.errors import NothingGranted, PolicyError
from iot_policies.explaining import ACTIONS, Question, entry_covers
from iot_policies.grants import Deny, Grant
from iot_policies.placeholders import Values, as_format, placeholder_names, split_template
from iot_policies.template import PolicyTemplate
from iot_policies.testing.cases import ClientOfTest
from iot_policies.topics import TO, Levels, contains, direct_message, lead, split, split_message
from iot_policies.wildcards import matcher


class AskedQuestion:
    """A question of a client, and the entries that cover it."""

    def __init__(self, template: PolicyTemplate, client: ClientOfTest, question: Question, resource: str) -> None:
        """`resource` has the topic prefix."""
        resource = direct_message(resource) if question == "send" else resource
        self._template = template
        self._client = client
        self._client_id = resource if question == "connect" else client.client_id
        self._values = Values(client.principal, self._client_id)
        self.question: Question = question
        self.resource = resource
        self.covering = {
            action: frozenset(entry for entry in template.entries if self.is_covered_by(entry, action))
            for action in ACTIONS[question]
        }
        """The entries that cover it, for each of the question's actions."""

    @cached_property
    def is_refused(self) -> bool:
        """Whether the authorizer refuses the client, for another reason than that nothing is granted."""
        try:
            compile_policy(self._template, self._client.principal, self._client_id).documents(EXAMPLE_PLACE)
        except NothingGranted:
            return False
        except PolicyError:
            return True
        return False

    def allows(self) -> bool:
        """Whether the template allows it."""
        return entries_allow(self.covering.values()) and not self.is_refused

    def is_covered_by(self, entry: Entry, action: Action) -> bool:
        """Whether an entry of the template covers it."""
        return self.applies(entry.block) and self.fits_attributes(entry) and self.fits(entry, action)

    def applies(self, block: Grant | Deny, without: str | None = None) -> bool:
        """Whether the client meets the conditions of a grant or deny; one of them can be left out."""
        try:
            return not block.unmet(self._client.principal.claims).keys() - {without}
        except PolicyError:
            return False

    def fits_attributes(self, entry: Entry) -> bool:
        """Whether the entry is for the connect attributes that the client asks for."""
        if entry.attributes is None:
            return True
        asked, named = self._client.attributes, {*entry.attributes}
        return asked <= named if entry.effect == "Allow" else bool(asked & named)

    def fits(self, entry: Entry, action: Action) -> bool:
        """Whether the text of an entry covers it. Conditions are ignored."""
        try:
            return entry_covers(entry, action, self.resource, self._values)
        except PolicyError:
            return False

    def fits_text(self, entry: Entry, text: str) -> bool:
        """Whether an entry would cover it with another text: a topic filter, or a client ID with any `*`."""
        names = placeholder_names(text)
        try:
            combinations = self._values.combinations(filled_by(names, entry.effect))
        except PolicyError:
            return False
        if entry.key == "connect":
            pattern = as_format(text, names)
            return any(matcher(pattern.format(*each))(self.resource) for each in combinations)
        formats = [as_format(level, names) for level in split_template(text)]
        if self.question == "receive":
            formats = formats[lead((*formats,)) :]
        asked = split_message(self.resource) if self.question == "send" else split(self.resource)
        return any(_reaches((*(each.format(*values) for each in formats),), asked) for values in combinations)


def _reaches(levels: Levels, asked: Levels) -> bool:
    """Whether a filter contains what is asked; the receivers of direct messages are compared as client IDs."""
    if TO not in (levels[0], asked[0]):
        return contains(levels, asked)
    return levels[0] == asked[0] and matcher(levels[1])(asked[1]) and contains(levels[2:], asked[2:])


def entries_allow(covering: Iterable[Collection[Entry]]) -> bool:
    """Whether entries allow a question that they cover; each collection is for one of the question's actions."""
    return all({entry.effect for entry in entries} == {"Allow"} for entries in covering)
