"""The targets of the compiler besides documents, as a proof sees them: session policies, and the role of guests.

A target makes one IAM policy for an example principal, or refuses it. It has its own reading of what the template means
there, which shares no code with the compiler:

1. *Session policy*: for one client ID that the template allows. It means the same, except that only this client ID can
   connect. The examples are each client ID that an entry of `connect` allows, two for each `*` (one with the wildcards
   of IAM), and one that no entry has.
2. *Role of guests*: the principal is an identity ID, which is one plain level, and there is no client ID. IAM fills the
   variable. Such a policy cannot express an entry that needs the client ID or a claim that guests do not have, nor
   entries that are exact only because one of them is left out for some identity IDs. So each example is also tried with
   the claims that it lacks: otherwise a policy would rarely have the entries of all blocks that apply.
3. A policy has *forms*: for other accounts and regions, and with an end. Each form must be the same text, except for
   the ARNs and the condition of each Allow. So only one form is compared with the meaning.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion, account_region
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.errors import InvalidTopics, PolicyError
from iot_policies.packing import Statement
from iot_policies.principal import Principal
from iot_policies.proofs.claims import MustBeRefused, applies, is_name, levels_for, value_of
from iot_policies.proofs.iam_statements import CLIENT, iam_statements, with_end
from iot_policies.proofs.meaning import CLIENT_ID, PRINCIPAL, Meaning, Reach, choices, is_client_id, meaning
from iot_policies.proofs.pairs import Meeting
from iot_policies.proofs.patterns import NotCovered, show, template_levels, text_of, variables_of
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.proofs.smallest_principals import Words
from iot_policies.session_policy import compile_session_policy
from iot_policies.template import PolicyTemplate

NOT_EXPRESSIBLE = "not_expressible"
"""The reason code for a principal for whom the target cannot express the template."""
_PREFIX = EXAMPLE_PLACE.arn_prefix("iot")
_LAST_CHARACTER = "\u00ff"
_ENDINGS = ("x", '*//?${y}$*+#"\\%,  {0}\u00c9' + "z" * 100)
"""What takes the place of a `*` in client IDs: also with the signs of IAM, and what a careless copy changes."""
_CHINA = account_region("cn-north-1", "210987654321")
_IDENTITY = "${cognito-identity.amazonaws.com:sub}"


class Form(NamedTuple):
    """For which account and region a policy is, and when it ends."""

    place: AccountRegion = EXAMPLE_PLACE
    expires: float | None = None
    """In seconds since 1970."""
    end: str = ""
    """`expires` as IAM reads it, in whole seconds."""


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
    compile: Callable[[PolicyTemplate, ExamplePrincipal, Form], str]
    """The policy as JSON. Raises PolicyError, and InvalidTopics for what the target cannot express."""
    forms: tuple[Form, ...]
    """Forms that are tried besides the one for the example account."""
    may_conflict: Callable[[PolicyTemplate, ExamplePrincipal, Iterable[Meeting]], bool]
    """Whether the target may refuse entries because of each other. The meetings are those of the documents' proof."""
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
    endings = [text[:-1] + end for text in texts if text.endswith("*") for end in _ENDINGS]
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


def check_forms(target: PolicyTarget, template: PolicyTemplate, example: ExamplePrincipal, text: str) -> None:
    """Compares the other forms of a policy with the form for the example account. Raises NotCovered."""
    for form in target.forms:
        expected = text.replace(_PREFIX, form.place.arn_prefix("iot"))
        if form.expires is not None:
            expected = with_end(expected, form.end)
        found: str | None = None
        with suppress(PolicyError, InvalidTopics):
            found = target.compile(template, example, form)
        if found != (expected if len(expected) <= target.longest else None):
            end = f" with the end {form.end}" if form.end else ""
            raise NotCovered(
                f"the policy for {form.place.region}{end} is not the one for {EXAMPLE_PLACE.region}: {found}"
            )


def _session_policy(template: PolicyTemplate, example: ExamplePrincipal, form: Form) -> str:
    principal, client_id = example
    return compile_session_policy(
        template, principal, client_id=client_id or "", place=form.place, expires=form.expires
    ).text


def _guests(template: PolicyTemplate, example: ExamplePrincipal) -> Iterator[ExamplePrincipal]:
    try:
        is_level = is_name(example.principal.name) and bool(levels_for(example.principal.name))
    except MustBeRefused:
        return
    if is_level:
        yield ExamplePrincipal(example.principal, None)
        with suppress(MustBeRefused):
            if needed := _needed_claims(template, example):
                claims = {**example.principal.claims, **needed}
                yield from _guests(template, ExamplePrincipal(Principal(example.principal.name, claims), None))


def _needed_claims(template: PolicyTemplate, example: ExamplePrincipal) -> Mapping[str, str]:
    """A new word for each claim that a guest does not have, and without which no role can express an entry.

    Raises MustBeRefused.
    """
    claims = example.principal.claims
    applicable = [applies(block, claims) for block in template.blocks]
    entries = [entry for entry in template.entries if applicable[entry.block_index]]
    variables = variables_of(level for entry in entries for level in template_levels(entry.text))
    names = [each.name.removeprefix("claims.") for each in variables if each not in (PRINCIPAL, CLIENT_ID)]
    words = Words([template], example.key)
    return {name: words.of(name) for name in names if value_of(claims, name) is None}


def _for_guest(text: str, name: str) -> str:
    return text.replace(_IDENTITY, json.dumps(name)[1:-1])


def _of_guests(template: PolicyTemplate, example: ExamplePrincipal) -> Meaning:
    principal, _ = example
    meant = meaning(template, principal, None)
    applicable = [applies(block, principal.claims) for block in template.blocks]
    for entry in template.entries:
        needs_client_id = CLIENT_ID in variables_of(template_levels(entry.text))
        if applicable[entry.block_index] and (needs_client_id or next(choices(entry, principal, None), None) is None):
            raise MustBeRefused(NOT_EXPRESSIBLE)
    return meant


def _reach_each_other(template: PolicyTemplate, example: ExamplePrincipal, meetings: Iterable[Meeting]) -> bool:
    applicable = [applies(block, example.principal.claims) for block in template.blocks]
    return any(applicable[each.denying.block_index] and applicable[each.reached.block_index] for each in meetings)


SESSION_POLICY = PolicyTarget(
    "a session policy",
    2048,
    _client_ids,
    _of_one_client,
    _session_policy,
    (
        Form(_CHINA),
        Form(EXAMPLE_PLACE, 2_000_000_000, "2033-05-18T03:33:20Z"),
        Form(_CHINA, 999_999_999.9, "2001-09-09T01:46:39Z"),
    ),
    lambda *_: False,
    lambda text, example: iam_statements(text, _PREFIX, example.client_id),
)
COGNITO_ROLE = PolicyTarget(
    "a role of guests",
    10_240,
    _guests,
    _of_guests,
    lambda template, example, form: compile_cognito_role(template, form.place, example.principal.claims),
    (Form(_CHINA),),
    _reach_each_other,
    lambda text, example: iam_statements(_for_guest(text, example.principal.name), _PREFIX),
)
