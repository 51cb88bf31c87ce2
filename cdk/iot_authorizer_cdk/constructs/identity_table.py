"""The DynamoDB table of users, revocations and counts of wrong passwords."""

import re

from aws_cdk import RemovalPolicy, Stack, Token, aws_dynamodb, aws_kms
from constructs import Construct

from iot_authorizer_cdk.constructs.stand_ins import TOKEN
from iot_authorizer_cdk.properties import InvalidSettings, check_text

_PART = rf"({TOKEN}|[a-z0-9-]+)"
_ARN = re.compile(f"arn:{_PART}:dynamodb:{_PART}:{_PART}:table/")


class IdentityTable(Construct):
    """A DynamoDB table that an authorizer reads, billed by request, with point-in-time recovery.

    By default it remains when its stack is deleted, because users cannot be deployed again.

    ```python
    identities = IdentityTable(self, "Identities")
    IotCustomAuthorizer(self, "Authorizer", table=identities.table)
    ```
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table_name: str | None = None,
        deletion_protection: bool = True,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        encryption_key: aws_kms.IKey | None = None,
    ) -> None:
        """Without `table_name`, CloudFormation chooses one. Without `encryption_key`, AWS owns the key.

        Raises InvalidSettings.
        """
        super().__init__(scope, construct_id)
        check_text("table_name", table_name, "[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits and _.-")
        self.table = aws_dynamodb.Table(
            self,
            "Table",
            table_name=table_name,
            partition_key=aws_dynamodb.Attribute(name="id", type=aws_dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            billing_mode=aws_dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=aws_dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
            encryption_key=encryption_key,
        )


def name_or_arn(stack: Stack, table: aws_dynamodb.ITable) -> str:
    """Returns what a function in the stack calls a table: its name only if the table is in the stack's own account.

    In a request of another account, a name would be the table of this name in that account.
    """
    return table.table_name if _place(table)[1] == stack.account else table.table_arn


def check_region(stack: Stack, table: aws_dynamodb.ITable) -> None:
    """Raises InvalidSettings for a table that is in another region: the function asks the DynamoDB of its own."""
    region, _ = _place(table)
    if region != stack.region and not (Token.is_unresolved(region) or Token.is_unresolved(stack.region)):
        problem = f"{table.table_arn} is in {region}, but the function in {stack.region}, where it cannot use it"
        raise InvalidSettings(f"table: {problem}: use a table in {stack.region}, such as a replica of a global table")


def _place(table: aws_dynamodb.ITable) -> tuple[str, str | None]:
    """Returns the region and the account of a table; None for an account that only the deployment knows."""
    if arn := _ARN.match(table.table_arn):
        return arn[2], arn[3]  # `env` is the stack's for a table that is imported by its ARN.
    is_imported = table.node.default_child is None
    return table.env.region, None if is_imported else table.env.account
