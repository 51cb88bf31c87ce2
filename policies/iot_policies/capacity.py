"""How many values of a list claim fit into the policies of a principal.

- Documents: every grant and deny applies, and every other claim has one value. So at least as many values always fit.
- A session policy is ten times smaller, and no principal has every grant. For each grant that names the claim, a
  principal meets its `when` and has one value of every other claim; the fewest values of these principals count. A
  template without client IDs for such a principal has no session policy.
- The ARNs are those of the region whose names are the longest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from iot_policies.account_region import LONGEST_PLACE
from iot_policies.compiler import Policy, compile_policy
from iot_policies.errors import PolicyError, PolicyTooLarge, SessionPolicyTooLarge
from iot_policies.grants import Grant
from iot_policies.placeholders import claim_names
from iot_policies.principal import Principal
from iot_policies.session_policy import compile_session_policy
from iot_policies.template import PolicyTemplate
from iot_policies.when import choices

TYPICAL_VALUE = 16
"""Characters of the values that the capacity is computed with."""
_NAME, _VALUE = "x" * TYPICAL_VALUE, "y" * TYPICAL_VALUE
"""Of the principal and of claims. They differ, since equal ones make equal topics, which need less room."""
_MOST = 1024

_Compile = Callable[[Principal], object]
"""Compiles the policy of a principal. Raises PolicyTooLarge or SessionPolicyTooLarge."""


def capacity_messages(template: PolicyTemplate) -> Iterator[str]:
    """What fits, for each claim that fills placeholders."""
    claims = list(dict.fromkeys(name for entry in template.entries for name in claim_names(entry.text)))
    others = dict.fromkeys(claims, _VALUE)
    for name in claims:
        yield f"in every region, a policy has room for {_text(_in_documents(template, name, others), name)}"
        if (count := _in_session_policy(template, name, others)) is not None:
            yield (
                f"in every region, a session policy for temporary credentials has room for {_text(count, name)}: "
                "clients with more need the custom authorizer"
            )


def _text(count: int, name: str) -> str:
    least = "" if count < _MOST else "at least "
    return f"{least}{count} values of claims.{name}, each of {TYPICAL_VALUE} characters"


def _in_documents(template: PolicyTemplate, name: str, others: Mapping[str, object]) -> int:
    blocks = [block.model_copy(update={"when": None}) for block in template.blocks]
    everything = PolicyTemplate.of(blocks, topic_prefix=template.topic_prefix)
    return _fitting(
        lambda principal: compile_policy(everything, principal, _NAME).documents(LONGEST_PLACE), name, others
    )


def _in_session_policy(template: PolicyTemplate, name: str, others: Mapping[str, object]) -> int | None:
    counts = []
    for index in dict.fromkeys(entry.block_index for entry in template.entries if name in claim_names(entry.text)):
        block = template.blocks[index]
        if isinstance(block, Grant):
            wanted = {claim: choices(condition)[0] for claim, condition in (block.when or {}).items()}
            claims = {**others, **{claim: _VALUE if value == "*" else value for claim, value in wanted.items()}}
            if (client_id := _client_id(template, Principal(_NAME, claims))) is not None:
                counts.append(_fitting(_session_compiler(template, client_id), name, claims))
    return min(counts, default=None)


def _client_id(template: PolicyTemplate, principal: Principal) -> str | None:
    """A client ID that the template allows a principal; None if it allows none."""
    try:
        found = [*_client_ids(compile_policy(template, principal, _NAME))]
    except PolicyError:
        return None
    return min(found, key=lambda text: "/" in text, default=None)


def _client_ids(policy: Policy) -> Iterator[str]:
    for heading, resources in policy.statements:
        if heading.effect == "Allow" and "iot:Connect" in heading.actions:
            for resource in resources:
                client_id = resource.removeprefix("client/").replace("*", _NAME)
                if policy.may_connect(client_id):
                    yield client_id


def _session_compiler(template: PolicyTemplate, client_id: str) -> _Compile:
    return lambda principal: compile_session_policy(template, principal, client_id=client_id, place=LONGEST_PLACE)


def _fitting(compile_it: _Compile, name: str, claims: Mapping[str, object]) -> int:
    """How many values of a claim fit beside other claims. The first one is the claim's value in `claims`."""
    least, most = 0, _MOST
    while least < most:
        count = (least + most + 1) // 2
        if _fits(compile_it, Principal(_NAME, {**claims, name: _values(claims[name], count)})):
            least = count
        else:
            most = count - 1
    return least


def _values(first: object, count: int) -> Sequence[object]:
    return [first, *(str(number).rjust(TYPICAL_VALUE, "x") for number in range(1, count))]


def _fits(compile_it: _Compile, principal: Principal) -> bool:
    try:
        compile_it(principal)
    except (PolicyTooLarge, SessionPolicyTooLarge):
        return False
    return True
