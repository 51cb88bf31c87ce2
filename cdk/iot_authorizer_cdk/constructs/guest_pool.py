"""An identity pool of Amazon Cognito whose guests may do what a template grants every guest.

1. The role's policy is the one that `iot-authorizer render --as cognito-role` prints, for this stack's account and
   region. `{principal}` in the template is a guest's identity ID.
2. Only Cognito may assume the role, for guests of this pool only.
3. A guest's identity ID is a secret: an entry that tells others is a warning.
4. Only the enhanced flow works. With the classic one, a guest would get credentials without Cognito's own limits.
5. What cdk-nag reports is accepted: guests without a login, and the wildcards of the template's topic filters.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from aws_cdk import Acknowledgment, Annotations, Stack, Token, Validations, aws_cognito, aws_iam
from constructs import Construct

from iot_authorizer_cdk.constructs.permissions import accept_wildcard
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidTopics, PolicyError, PolicyTemplate
from iot_policies.account_region import AccountRegion
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.guest_identities import identity_findings
from iot_policies.toml_file import key_of

TELLS_IDENTITIES = "iot-authorizer:tellsIdentities"
"""The ID of the warning that an entry tells guests the identity IDs of others, before the entry's place."""
_COGNITO = "cognito-identity.amazonaws.com"


class GuestPool(Construct):
    """An identity pool for guests, without credentials of their own.

    ```python
    guests = GuestPool(self, "Guests", policy="policies/public.toml")
    ```
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: Path | str,
        topic_prefix: str = "",
        claims: Mapping[str, object] | None = None,
    ) -> None:
        """`policy` is a template. `claims` are those that all guests have. Raises InvalidFile and InvalidSettings."""
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        place = AccountRegion(stack.region, stack.account, stack.partition)
        template = PolicyTemplate.load(Path(policy), topic_prefix)
        try:
            document = compile_cognito_role(template, place, claims)
        except (InvalidTopics, PolicyError) as error:
            raise InvalidSettings(f"policy: {policy} has no role for guests: {error}") from None
        for finding in identity_findings(template, claims):
            problem = f"{policy}: {key_of(finding.location)}: {finding.message}"
            Annotations.of(self).add_warning_v2(f"{TELLS_IDENTITIES}:{key_of(finding.location)}", problem)
        self.pool = aws_cognito.CfnIdentityPool(
            self, "Pool", allow_unauthenticated_identities=True, allow_classic_flow=False
        )
        guests = Acknowledgment(id="AwsSolutions::AwsSolutions-COG7", reason="the template says what guests may do")
        Validations.of(self.pool).acknowledge(guests)
        self.identity_pool_id = self.pool.ref
        """What clients name."""
        self.role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.FederatedPrincipal(
                _COGNITO,
                {
                    "StringEquals": {f"{_COGNITO}:aud": self.identity_pool_id},
                    "ForAnyValue:StringLike": {f"{_COGNITO}:amr": "unauthenticated"},
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
            inline_policies={"guests": aws_iam.PolicyDocument.from_json(json.loads(document))},
        )
        """What guests get."""
        for resource in _wildcards(document, stack):
            accept_wildcard(self.role, resource, "a topic filter or a client ID of the template")
        aws_cognito.CfnIdentityPoolRoleAttachment(
            self, "Roles", identity_pool_id=self.identity_pool_id, roles={"unauthenticated": self.role.role_arn}
        )


def _wildcards(text: str, stack: Stack) -> Iterator[str]:
    """The allowed resources of a policy with a wildcard, as cdk-nag writes what only the deployment knows."""
    for name, value in (("Partition", stack.partition), ("Region", stack.region), ("AccountId", stack.account)):
        if Token.is_unresolved(value):
            text = text.replace(value, f"<AWS::{name}>")
    for statement in json.loads(text)["Statement"]:
        resources = statement["Resource"] if statement["Effect"] == "Allow" else []
        for resource in [resources] if isinstance(resources, str) else resources:
            if "*" in resource:
                yield resource
