"""Proves that a target of the compiler allows what the template means, for every principal that gets a policy there.

1. The documents are proved first (`prover.py`): the target is made of the same statements.
2. For each example principal, and each case of it in the target (`targets.py`), the policy is compared with the meaning
   of the template in that target, as languages. Lists get more and more values, all of them or
   only one, until no policy fits.
3. The policies for another region, and those with an end, are the same except for that.
4. Refusals are counted and never proved. A refusal for size is wrong if the policy certainly fits, one for characters
   if no text has such a character, and one of what the target cannot express if no entry needs more than it has, and
   no denial of an entry reaches another one.

That an example stands for all values needs one more argument than for documents, since `iam_packing.py` looks into
texts: it writes a Deny of `iot:*` if the Deny meets no Allow of an action that was not denied. Two patterns with a `*`
have no text in common if neither beginning before the first `*` begins with the other one. If at most one has a `*`,
the other is one text, and it is matched. So a wrong answer can only make the policy longer.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from iot_policies.compiler import Policy
from iot_policies.errors import InvalidTopics, PolicyError
from iot_policies.proofs.claims import MustBeRefused
from iot_policies.proofs.counterexamples import Counterexample, of_difference, of_refusal
from iot_policies.proofs.iam_statements import CLIENT
from iot_policies.proofs.languages import Languages, Resource, resources_of
from iot_policies.proofs.meaning import Meaning
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.progress import Progress, result_of
from iot_policies.proofs.prover import Proof, is_small, proving
from iot_policies.proofs.representatives import ExamplePrincipal, Examples
from iot_policies.proofs.targets import (
    NOT_EXPRESSIBLE,
    Form,
    PolicyTarget,
    check_forms,
    has_wide_characters,
    is_accepted,
)
from iot_policies.template import PolicyTemplate

_TOO_LARGE = ("policy_too_large", "session_policy_too_large")
_FEWEST, _MOST = 3, 64
"""The values of each list in the examples with many values. The documents' examples have fewer, and 64 or more."""


def prove_target(template: PolicyTemplate, target: PolicyTarget) -> Proof:
    """Proves a template for a target, or finds a principal for whom its policy there is not what it says."""
    return result_of(proving_target(template, target))


def proving_target(template: PolicyTemplate, target: PolicyTarget) -> Generator[Progress, None, Proof]:
    """As `prove_target`, step by step: it yields how far it is and returns the proof."""
    documents = yield from proving(template)
    if documents.verdict != "proved":
        return documents
    prover = _TargetProver(template, target, documents)
    every = (case for example, _ in documents.examples for case in target.cases(template, example))
    cases = {case.key: case for case in every}
    for number, case in enumerate(cases.values()):
        if number % 50 == 0:
            yield Progress("example principals", number, len(cases))
        prover.judge(case)
        if prover.proof.counterexample is not None:
            return prover.proof
    yield from prover.many()
    prover.finish()
    return prover.proof


class _TargetProver:
    def __init__(self, template: PolicyTemplate, target: PolicyTarget, documents: Proof) -> None:
        self.template = template
        self.target = target
        self.proof = replace(documents, examples=[], refused=Counter(), too_large=0)
        self._languages = Languages()
        self._problems: dict[str, None] = {}

    def judge(self, example: ExamplePrincipal) -> None:
        """Compares one policy, and names the principal if this cannot be decided."""
        try:
            self._judge(example)
        except NotCovered as problem:
            client = "" if example.client_id is None else f", client ID {example.client_id}"
            claims = json.dumps(example.principal.claims)
            line = f"principal {example.principal.name}, claims {claims}{client}: {problem}"
            self.proof.not_covered.append(line)

    def many(self) -> Iterator[Progress]:
        """Lists of more and more values, until no principal gets a policy."""
        examples, number = Examples(self.template), _FEWEST
        while number <= _MOST:
            yield Progress("many values", number, _MOST)
            before = self._policies()
            for example in examples.many_of_some(number):
                for case in self.target.cases(self.template, example):
                    self.judge(case)
                    if self.proof.counterexample is not None:
                        return
            if self._policies() == before:
                return
            number += max(1, number // 8)

    def _policies(self) -> int:
        return sum(isinstance(found, Policy) for _, found in self.proof.examples)

    def finish(self) -> None:
        """Names what cannot be expressed if no example got a policy."""
        if not self.proof.not_covered and all(isinstance(found, str) for _, found in self.proof.examples):
            self.proof.not_covered += ["no example principal got a policy", *self._problems]

    def _judge(self, example: ExamplePrincipal) -> None:
        try:
            expected: Meaning | str = self.target.meaning(self.template, example)
        except MustBeRefused as reason:
            expected = str(reason)
        try:
            text = self.target.compile(self.template, example, Form())
        except PolicyError as error:
            self._refused(example, error.reason, expected)
            return
        except InvalidTopics as error:
            self._problems[str(error)] = None
            self._refused(example, NOT_EXPRESSIBLE, expected)
            return
        statements = self.target.read(text, example)
        self.proof.examples.append((example, Policy(statements)))
        if isinstance(expected, str):
            self.proof.counterexample = of_refusal(example, found=None, expected=expected)
        elif not is_accepted(self.target, text):
            wrong = f"{len(text):,} characters, the last one {max(text)!a}"
            self.proof.counterexample = Counterexample(example, "not accepted", None, wrong, "", (), (), (), ())
        else:
            check_forms(self.target, self.template, example, text)
            self._compare(example, resources_of(statements), expected)

    def _refused(self, example: ExamplePrincipal, reason: str, expected: Meaning | str) -> None:
        self.proof.examples.append((example, reason))
        self.proof.refused[reason] += 1
        if isinstance(expected, Meaning) and not self._is_right(example, reason, expected):
            self.proof.counterexample = of_refusal(example, found=reason, expected=None)

    def _is_right(self, example: ExamplePrincipal, reason: str, expected: Meaning) -> bool:
        """Whether a principal to whom the template grants something must be refused."""
        is_role = reason == NOT_EXPRESSIBLE
        return (
            ((is_role or reason in _TOO_LARGE) and not is_small(expected))
            or ((is_role or reason == "session_policy_character") and has_wide_characters(expected, example))
            or (is_role and self.target.may_conflict(self.template, example, self.proof.meetings))
        )

    def _compare(self, example: ExamplePrincipal, policy: Sequence[Resource], expected: Meaning) -> None:
        difference = self._languages.difference(policy, expected)
        if difference is not None:
            found = of_difference(self.template, example, difference, policy, expected)
            client_id = example.client_id or ""
            shown = tuple(each.replace(CLIENT, client_id) for each in found.resources)
            self.proof.counterexample = replace(found, text=found.text.replace(CLIENT, client_id), resources=shown)
