"""The targets of the compiler besides documents, as a proof sees them: session policies, and the role of guests.

A target makes one IAM policy for an example principal, or refuses it. It has its own reading of what the template means
there, which shares no code with the compiler:

1. *Session policy*: for one client ID that the template allows. It means the same, except that only this client ID can
   connect. The examples are each client ID that an entry of `connect` allows, two for each `*` (one with the wildcards
   of IAM), and one that no entry has.
2. *Role of guests*: the principal is an identity ID, which is one plain level, and there is no client ID. IAM fills the
   variable. What such a policy cannot express is refused by name, which is no difference.
"""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.errors import SessionPolicyTooLarge
from iot_policies.packing import Statement
from iot_policies.proofs.claims import MustBeRefused, is_name, levels_for
from iot_policies.proofs.iam_statements import CLIENT, iam_statements, without_end
from iot_policies.proofs.meaning import Meaning, Reach, is_client_id, meaning
from iot_policies.proofs.patterns import NotCovered, show, text_of
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.session_policy import compile_session_policy
from iot_policies.template import PolicyTemplate

_PREFIX = EXAMPLE_PLACE.arn_prefix("iot")
_LAST_CHARACTER = "\u00ff"
_END, _END_TEXT = 2_000_000_000, "2033-05-18T03:33:20Z"
_IDENTITY = "${cognito-identity.amazonaws.com:sub}"


class PolicyTarget(NamedTuple):
    """What a template is compiled to."""

    name: str
    """As in `a session policy`."""
    longest: int
    """The characters that AWS accepts."""
    cases: Callable[[PolicyTemplate, ExamplePrincipal], Iterator[ExamplePrincipal]]
    """The principals and client IDs to ask about for one example principal."""
    meaning: Callable[[PolicyTemplate, ExamplePrincipal], Meaning]
    """What the template means there. Raises MustBeRefused."""
    compile: Callable[[PolicyTemplate, ExamplePrincipal], str]
    """The policy as JSON. Raises PolicyError, and InvalidTopics for what the target cannot express."""
    read: Callable[[str, ExamplePrincipal], tuple[Statement, ...]]
    """The statements of a policy, with the values of its variables. Raises NotCovered."""


def has_wide_characters(meant: Meaning, example: ExamplePrincipal) -> bool:
    """Whether a policy could have a character that IAM does not accept."""
    texts = [show(level) for reach in (*meant.allowed, *meant.denied) for level in reach.levels]
    return max("".join([*texts, example.client_id or ""]), default="") > _LAST_CHARACTER


def is_accepted(target: PolicyTarget, text: str) -> bool:
    """Whether AWS accepts a policy's size and characters."""
    return len(text) <= target.longest and max(text) <= _LAST_CHARACTER


def _client_ids(template: PolicyTemplate, example: ExamplePrincipal) -> Iterator[ExamplePrincipal]:
    principal, client_id = example
    given = f"{principal.name}~" if client_id is None else client_id
    try:
        meant = meaning(template, principal, given)
    except MustBeRefused:
        yield ExamplePrincipal(principal, given)
        return
    texts = [text_of(each.levels) for each in meant.allowed if each.action == "iot:Connect"]
    endings = [text[:-1] + end for text in texts if text.endswith("*") for end in ("x", "*/?${y}+#")]
    for each in dict.fromkeys([given, *endings, *(text for text in texts if not text.endswith("*"))]):
        yield ExamplePrincipal(principal, each)


def _of_one_client(template: PolicyTemplate, example: ExamplePrincipal) -> Meaning:
    principal, client_id = example
    meant = meaning(template, principal, client_id)
    if client_id is None or not meant.may_connect(client_id):
        raise MustBeRefused("client_id_not_granted")

    def bound(reaches: tuple[Reach, ...]) -> tuple[Reach, ...]:
        known = (each for each in reaches if each.action != "iot:Connect" or is_client_id(each, client_id))
        return tuple(each._replace(levels=((CLIENT,),)) if each.action == "iot:Connect" else each for each in known)

    return Meaning(bound(meant.allowed), bound(meant.denied))


def _session_policy(template: PolicyTemplate, example: ExamplePrincipal) -> str:
    """The policy; with an end, it must be the same but for the condition. Raises NotCovered if it is not."""
    principal, client_id = example
    asked = client_id or ""
    text = compile_session_policy(template, principal, client_id=asked, place=EXAMPLE_PLACE).text
    try:
        ending = compile_session_policy(template, principal, client_id=asked, place=EXAMPLE_PLACE, expires=_END).text
    except SessionPolicyTooLarge:
        return text
    if without_end(ending, _END_TEXT) != text:
        raise NotCovered("a policy with an end differs from the one without")
    return text


def _guests(_: PolicyTemplate, example: ExamplePrincipal) -> Iterator[ExamplePrincipal]:
    try:
        is_level = is_name(example.principal.name) and bool(levels_for(example.principal.name))
    except MustBeRefused:
        return
    if is_level:
        yield ExamplePrincipal(example.principal, None)


def _for_guest(text: str, name: str) -> str:
    return text.replace(_IDENTITY, json.dumps(name)[1:-1])


SESSION_POLICY = PolicyTarget(
    "a session policy",
    2048,
    _client_ids,
    _of_one_client,
    _session_policy,
    lambda text, example: iam_statements(text, _PREFIX, example.client_id),
)
COGNITO_ROLE = PolicyTarget(
    "a role of guests",
    10_240,
    _guests,
    lambda template, example: meaning(template, example.principal, None),
    lambda template, example: compile_cognito_role(template, EXAMPLE_PLACE, example.principal.claims),
    lambda text, example: iam_statements(_for_guest(text, example.principal.name), _PREFIX),
)
