"""Proves that the policies of a template are exactly its entries, for every principal: `prove`.

The claim: for every principal and client ID that gets a policy, and every action, IoT Core allows what an entry of an
applicable grant matches, unless an entry of an applicable deny denies it, and nothing else. The argument has four
steps, each in its module:

1. Each entry alone (`lemma.py`): its Allow without its denials is exactly its filter, for any values.
2. Nothing too much: an allowed topic is in an Allow that is there, and outside the denials that came with it. So it is
   in that entry. Other entries can only take away.
3. Nothing lost (`pairs.py`): no denial of one entry reaches another entry, for any values.
4. The compiler does that (`representatives.py`): real policies of example principals of every kind are compared with
   the meaning of the template (`meaning.py`, `claims.py`), and packing loses and adds nothing.

Assumptions are in ASSUMPTIONS. A template is *proved* only if every step is finished without a difference; what a step
cannot decide makes it *not covered*. A principal that is refused has no policy: it is counted, and never proved.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from iot_policies.account_region import LONGEST_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import Policy, compile_policy
from iot_policies.entries import Entry
from iot_policies.errors import InvalidTopics, PolicyError, PolicyTooLarge
from iot_policies.grants import Deny, Grant, Place
from iot_policies.packing import Document, Statement, compact
from iot_policies.proofs.automata import TooManyStates
from iot_policies.proofs.claims import MustBeRefused
from iot_policies.proofs.counterexamples import Counterexample, of_difference, of_refusal
from iot_policies.proofs.languages import Difference, Languages, resources_of
from iot_policies.proofs.lemma import Alone, Rendered, alone, check_shape, rendered
from iot_policies.proofs.limits import beyond_limits
from iot_policies.proofs.meaning import Meaning, is_widened, meaning
from iot_policies.proofs.pairs import Meeting, Side, meetings, sides
from iot_policies.proofs.patterns import TO, NotCovered, show
from iot_policies.proofs.progress import Progress, result_of
from iot_policies.proofs.representatives import ExamplePrincipal, Examples
from iot_policies.template import PolicyTemplate

ASSUMPTIONS = (
    "The compiler reads only the claims that the template names.",
    "It copies values, and compares them only for equality, with each other and with texts of the template.",
    "It treats a list of any length as it treats lists of a few values, and packing treats all resources alike.",
    "The compiler leaves an entry out because of one other entry, and never because of three together.",
    "IoT Core reads wildcards, Deny, iot:ConnectAttributes and iot:Topic as its developer guide says.",
    "IoT Core reads topic filters as its developer guide says: a/# does not match a.",
    "This program's reading of the template language, written from its reference, is what you mean.",
    "The Lambda runs this compiler with this template.",
)
"""What a proof takes for granted."""
LEFT_OUT = "the policies of example principals: how the compiler treats several entries together was not tested"
"""What `quick` leaves out."""

_NOT_GRANTED = "client_id_not_granted"
"""The reason code for which the authorizer refuses a client ID before it sends any document."""
_MOST_DOCUMENTS, _LONGEST_DOCUMENT = 10, 2048
"""What IoT Core accepts, not what the compiler takes for it."""
_NUMBERS = (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 64, 256)
"""The values of each list in the examples with many values. Small steps come near to the size of a document."""
_MOST_COMPARED = 64
"""Above that, only packing is looked at: the statements of long lists are large to compare."""

Verdict = Literal["proved", "partly proved", "different", "not covered"]


@dataclass(slots=True)
class Proof:
    """What was found out about a template."""

    quick: bool = False
    """Whether step 4 was left out."""
    counterexample: Counterexample | None = None
    not_covered: list[str] = field(default_factory=list)
    """What could not be decided, one line each."""
    rendered: dict[Entry, dict[Action, Rendered]] = field(default_factory=dict)
    pairs: int = 0
    """The pairs of entries, one with a denial, in step 3."""
    meetings: list[Meeting] = field(default_factory=list)
    """The values under which a denial reaches another entry; all other pairs are apart."""
    examples: list[tuple[ExamplePrincipal, Policy | str]] = field(default_factory=list)
    """The principals of step 4, with their policy, or the reason code for which they are refused."""
    refused: Counter[str] = field(default_factory=Counter)
    """How many of these have no policy, by reason code."""
    too_large: int = 0
    """How many policies did not fit into 10 documents. Their statements were compared all the same."""
    comparisons: int = 0
    """How many different policies of one action were compared."""
    states: int = 0
    """How many states the automata of these comparisons had."""

    @property
    def verdict(self) -> Verdict:
        """Whether the template is proved; only partly if step 4 was left out."""
        if self.counterexample is not None:
            return "different"
        return "not covered" if self.not_covered else "partly proved" if self.quick else "proved"


def prove(template: PolicyTemplate, *, quick: bool = False) -> Proof:
    """Proves a template, or finds a principal for whom its policy is not what it says.

    `quick` leaves out step 4, so that the compiler is only tested with one entry at a time.
    """
    return result_of(proving(template, quick=quick))


def proving(template: PolicyTemplate, *, quick: bool = False) -> Generator[Progress, None, Proof]:
    """As `prove`, step by step: it yields how far it is and returns the proof."""
    prover = _Prover(template, quick=quick)
    prover.proof.not_covered += (beyond := [*beyond_limits(template)])
    for step in (prover.entries,) if beyond else (prover.entries, prover.pairs, *(() if quick else (prover.examples,))):
        yield from step()
        if prover.proof.counterexample is not None:
            break
    prover.proof.comparisons, prover.proof.states = prover.languages.comparisons, prover.languages.states
    return prover.proof


class _Prover:
    def __init__(self, template: PolicyTemplate, *, quick: bool) -> None:
        self.template = template
        self.proof = Proof(quick=quick)
        self.languages = Languages()
        self._examples = Examples(template)

    def entries(self) -> Iterator[Progress]:
        """Step 1: each entry alone."""
        if not has_all_entries(self.template):
            self.proof.not_covered.append("the loaded template has other entries than its grants and denies")
        for number, entry in enumerate(self.template.entries):
            yield Progress("entries", number, len(self.template.entries))
            if is_widened(entry):
                self.proof.not_covered.append(f"{entry}: `widen` allows more than the entry matches")
            try:
                self._alone(entry)
            except (NotCovered, InvalidTopics, PolicyError) as problem:
                self.proof.not_covered.append(f"{entry}: {problem}")
            if self.proof.counterexample is not None:
                return

    def _alone(self, entry: Entry) -> None:
        single: Alone = alone(self.template, entry)
        meant = meaning(single.template, single.principal, single.client_id)
        difference = self.languages.difference(resources_of(single.statements), meant)
        if difference is not None:
            self._show(entry, single, difference, meant)
            return
        self.proof.rendered[entry] = found = rendered(single)
        check_shape(entry, self.template.topic_prefix, found)

    def _show(self, entry: Entry, single: Alone, difference: Difference, meant: Meaning) -> None:
        """Shows a difference of one entry alone, if possible with a principal of the whole template."""
        for example in self._examples.of({}, entry):
            self._try(example)
        if self.proof.counterexample is None:
            example = ExamplePrincipal(single.principal, single.client_id)
            found = of_difference(single.template, example, difference, resources_of(single.statements), meant)
            self.proof.counterexample = replace(found, entries=(entry,), is_alone=True)

    def pairs(self) -> Iterator[Progress]:
        """Step 3: no denial reaches another entry."""
        by_action = sides(self.proof.rendered, self.template.topic_prefix)
        work = [
            (action, denying, reached)
            for action, found in by_action.items()
            for denying in found
            if denying.denials
            for reached in found
        ]
        for number, (action, denying, reached) in enumerate(work):
            if number % 500 == 0:
                yield Progress("pairs", number, len(work))
            self.proof.pairs += 1
            try:
                self._pair(action, denying, reached, by_action[action])
            except NotCovered as problem:
                self.proof.not_covered.append(str(problem))
            if self.proof.counterexample is not None:
                return

    def _pair(self, action: Action, denying: Side, reached: Side, others: list[Side]) -> None:
        for found in meetings(denying, reached, action, others):
            self.proof.meetings.append(found)
            for example in self._examples.of(found.values, denying.entry, reached.entry):
                self._try(example)
                if self.proof.counterexample is not None:
                    return
            if found.inside is None:
                undecided = f"{denying.entry} may take topics away from {reached.entry}: this could not be decided"
                self.proof.not_covered.append(undecided)

    def examples(self) -> Iterator[Progress]:
        """Step 4: real policies of principals of every kind."""
        every: list[ExamplePrincipal] = []
        try:
            for example in self._examples.all():
                if len(every) % 50 == 0:
                    yield Progress("collected principals", len(every), None)
                every.append(example)
        except NotCovered as problem:
            self.proof.not_covered.append(str(problem))
            return
        for number, example in enumerate(every):
            if number % 50 == 0:
                yield Progress("example principals", number, len(every))
            self._try_or_name(example)
            if self.proof.counterexample is not None:
                return
        yield from self._many()
        if not any(isinstance(policy, Policy) for _, policy in self.proof.examples):
            self.proof.not_covered.append("no example principal got a policy")

    def _many(self) -> Iterator[Progress]:
        """Lists of more and more values, until a policy does not fit."""
        only_packing = False
        for number in _NUMBERS:
            yield Progress("many values", number, _NUMBERS[-1])
            before = self._too_large()
            only_packing |= number > _MOST_COMPARED
            for example in self._examples.many(number):
                try:
                    self._try(example, only_packing=only_packing)
                except TooManyStates:
                    only_packing = True
                except NotCovered as problem:
                    self._name(example, problem)
            if self.proof.counterexample or before != self._too_large():
                return

    def _too_large(self) -> int:
        return self.proof.too_large + self.proof.refused["policy_too_large"]

    def _try_or_name(self, example: ExamplePrincipal) -> None:
        """Compares a policy, and names the principal if this cannot be decided."""
        try:
            self._try(example)
        except NotCovered as problem:
            self._name(example, problem)

    def _name(self, example: ExamplePrincipal, problem: NotCovered) -> None:
        line = f"principal {example.principal.name} with claims {dict(example.principal.claims)}: {problem}"
        self.proof.not_covered.append(line)

    def _try(self, example: ExamplePrincipal, *, only_packing: bool = False) -> None:
        """Compares the policy of a real principal with the meaning of the template."""
        principal, client_id = example
        expected = self._meaning(example)
        try:
            policy = compile_policy(self.template, principal, client_id)
        except PolicyError as error:
            self.proof.examples.append((example, error.reason))
            self.proof.refused[error.reason] += 1
            if isinstance(expected, Meaning) and not (isinstance(error, PolicyTooLarge) and not is_small(expected)):
                self.proof.counterexample = of_refusal(example, found=error.reason, expected=None)
            return
        self.proof.examples.append((example, policy))
        if isinstance(expected, str):
            self.proof.counterexample = of_refusal(example, found=None, expected=expected)
            return
        compared = None if only_packing else resources_of(policy.statements)
        difference = None if compared is None else self.languages.difference(compared, expected)
        if difference is not None:
            self.proof.counterexample = of_difference(self.template, example, difference, compared or (), expected)
        elif client_id is not None and (may := expected.may_connect(client_id)) != policy.may_connect(client_id):
            found, wanted = (_NOT_GRANTED, None) if may else (None, _NOT_GRANTED)
            self.proof.counterexample = of_refusal(example, found=found, expected=wanted)
        else:
            self._check_packing(example, policy, expected)

    def _meaning(self, example: ExamplePrincipal) -> Meaning | str:
        try:
            return meaning(self.template, example.principal, example.client_id)
        except MustBeRefused as reason:
            return str(reason)

    def _check_packing(self, example: ExamplePrincipal, policy: Policy, expected: Meaning) -> None:
        """Packing must distribute the statements, and must not add or lose any."""
        try:
            documents = policy.documents(LONGEST_PLACE)
        except PolicyTooLarge as error:
            self.proof.too_large += 1
            if is_small(expected) or _have_room(policy.statements):
                self.proof.counterexample = of_refusal(example, found=error.reason, expected=None)
            return
        if _packed(documents) != _unpacked(policy.statements) or not _fit(documents):
            self.proof.counterexample = of_refusal(example, found="documents", expected="statements")


def has_all_entries(template: PolicyTemplate) -> bool:
    """Whether the entries of a loaded template are those that its grants and denies have."""
    written = [
        (number, key, place, text, block.connect_with if key == "connect" else None, type(block))
        for number, block in enumerate(template.blocks)
        for key, place, text in _written(block)
    ]
    loaded = [
        (each.block_index, each.key, each.place, each.text, each.attributes, Grant if each.effect == "Allow" else Deny)
        for each in template.entries
        if each.block is template.blocks[each.block_index]
    ]
    return written == loaded


def _written(block: Grant | Deny) -> Iterator[tuple[str, Place, str]]:
    """The entries of a grant or deny."""
    for key in ("connect", "publish", "retain", "subscribe", "receive", "read"):
        yield from ((key, (index,), text) for index, text in enumerate(getattr(block, key)))
    for index, send in enumerate(block.send):
        yield from (("send", (index, "topics", at), f"{send.to}{TO}{topic}") for at, topic in enumerate(send.topics))


def is_small(meant: Meaning) -> bool:
    """Whether a policy certainly fits into one document, however it is written."""
    texts = ["/".join(map(show, reach.levels)) for reach in (*meant.allowed, *meant.denied)]
    return sum((len(text) + _OVERHEAD) * (text.count("+") + 3) for text in texts) <= _LONGEST_DOCUMENT


_OVERHEAD = 180
"""Characters of a statement and an ARN around a resource, at most."""


def _have_room(statements: tuple[Statement, ...]) -> bool:
    """Whether statements certainly fit, if each resource is put into any document that has room for it.

    With one more document than there may be, each of the others has no room for the longest statement of one resource.
    """
    if not statements:
        return True
    prefix = LONGEST_PLACE.arn_prefix("iot")
    headings = sum(len(compact(heading.over([]))) + 1 for heading, _ in statements)
    sizes = [len(compact(prefix + name)) + 1 for _, names in statements for name in names]
    longest = max(sizes) + max(len(compact(heading.over([]))) + 1 for heading, _ in statements)
    room = _LONGEST_DOCUMENT - len(compact({"Version": "2012-10-17", "Statement": []})) - longest
    return sum(sizes) + _MOST_DOCUMENTS * headings <= _MOST_DOCUMENTS * room


def _packed(documents: list[Document]) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        (each["Effect"], action, resource, compact(each.get("Condition")))
        for document in documents
        for each in document["Statement"]
        for action in each["Action"]
        for resource in each["Resource"]
    )


def _unpacked(statements: tuple[Statement, ...]) -> Counter[tuple[str, str, str, str]]:
    prefix = LONGEST_PLACE.arn_prefix("iot")
    return Counter(
        (heading.effect, action, prefix + name, compact(heading.condition))
        for heading, names in statements
        for action in heading.actions
        for name in names
    )


def _fit(documents: list[Document]) -> bool:
    return len(documents) <= _MOST_DOCUMENTS and all(
        document["Version"] == "2012-10-17"
        and len(compact(document)) <= _LONGEST_DOCUMENT
        and document["Statement"]
        and all(each["Resource"] and each.get("Condition", True) for each in document["Statement"])
        for document in documents
    )


def reasons_without_policy(proof: Proof) -> Mapping[str, int]:
    """Why principals get no policy, with the number of examples of each kind."""
    return dict(sorted((proof.refused + Counter(policy_too_large=proof.too_large)).items()))
