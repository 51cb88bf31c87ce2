"""Compiles a template into the policy of the IAM role that guests of a Cognito identity pool have.

1. One policy serves all guests. `{principal}` becomes `${cognito-identity.amazonaws.com:sub}`, a guest's identity ID,
   also in client IDs.
2. Guests have no claims of their own. Grants and denies apply by the claims that all guests have, as `[anonymous]` has
   some. An entry that needs another claim is refused with advice, and so is `{client_id}`: reports disagree whether
   `${iot:ClientId}` works in an IAM policy (aws-iot-device-sdk-js 78, awsdocs/aws-iot-docs 42).
3. IAM fills the variable when it evaluates a request. Cognito sets the value: `REGION:UUID`, of word characters, `-`
   and one `:` (Cognito API reference, "IdentityId"). So it is one plain level without wildcards, and no client chooses
   it.
   A value with a `/` or a wildcard would reach other topics, so no tag or name that a client chooses is used.
4. An entry is left out for all guests or for none. So a template is refused with an entry that another one contains for
   one identity ID only, if its denials reach that one (`conflicts.py`, 3b).
5. Credentials without an identity ID, as of a role that another service assumes, leave the variable without a value:
   what names it allows nothing, and denies nothing. Let only Cognito assume the role.

An identity ID of a guest is all that Cognito asks for its credentials. With it, any client can act as that guest. Do
not publish it, as in the topics that other guests read.

unmeasured (documented in part): that IoT Core fills this variable for a signed connection is documented ("Amazon
Cognito identities"); that its value is never a wildcard is assumed.
"""

import uuid
from collections.abc import Iterator

from iot_policies.account_region import AccountRegion
from iot_policies.compiler import compile_policy
from iot_policies.conflicts import check_conflicts, find_containers
from iot_policies.entries import Entry, quoted
from iot_policies.errors import InvalidTopics
from iot_policies.iam_packing import is_writable, pack_one
from iot_policies.placeholders import Values, placeholder_names
from iot_policies.principal import Claims, Principal
from iot_policies.template import PolicyTemplate

LONGEST_ROLE_POLICY = 10_240
"""Characters of all inline policies of a role together (IAM user guide, "IAM and AWS STS quotas")."""
IDENTITY_VARIABLE = "${cognito-identity.amazonaws.com:sub}"


def compile_cognito_role(template: PolicyTemplate, place: AccountRegion, claims: Claims | None = None) -> str:
    """Compiles what a template grants every guest: compact JSON.

    `claims` are those that all guests have. Raises InvalidTopics, which names an entry, for what such a policy cannot
    express, NothingGranted if no grant applies, and as `compile_policy` does for the claims.
    """
    # The policy is compiled for one identity ID, which then becomes the variable. It is random: no entry and no claim
    # can have it, not even in two parts that a level joins.
    identity = f"us-east-1:{uuid.uuid4()}"
    guest = Principal(identity, claims or {})
    values = Values(guest, None)
    entries = [*template.applicable(guest)]
    for entry in entries:
        for problem in _problems(entry, values):
            raise InvalidTopics(entry.location, f"{quoted(entry.text)}: {problem}")
    check_conflicts(entries, find_containers(entries), per_principal=False)
    policy = compile_policy(template, guest)
    text = pack_one(policy.statements, place.arn_prefix("iot")).replace(identity, IDENTITY_VARIABLE)
    if not is_writable(text):
        entry = next(each for each in entries if not _is_writable(each, values))
        problem = "it or a claim in it has a character above U+00FF, which IAM policies cannot hold"
        raise InvalidTopics(entry.location, f"{quoted(entry.text)}: {problem}")
    if len(text) > LONGEST_ROLE_POLICY:
        problem = f"the role's policy has {len(text):,} characters: IAM accepts {LONGEST_ROLE_POLICY:,}"
        raise InvalidTopics((), f"{problem}: use fewer or shorter entries, or fewer values of list claims")
    return text


def _problems(entry: Entry, values: Values) -> Iterator[str]:
    names = placeholder_names(entry.text)
    if "client_id" in names:
        yield "a role's policy does not know the client ID: write {principal}, a guest's identity ID"
    for name in values.missing([each for each in names if each != "client_id"]):
        claim = name.removeprefix("claims.")
        advice = f'give {entry.block_name} a condition that no guest meets, such as when = {{ {claim} = "*" }}'
        yield f"guests have no claim {claim}: {advice}, or give all guests the claim"


def _is_writable(entry: Entry, values: Values) -> bool:
    filled = (value for name in placeholder_names(entry.text) for (value,) in values.combinations((name,)))
    return is_writable("".join((entry.filter, *filled)))
