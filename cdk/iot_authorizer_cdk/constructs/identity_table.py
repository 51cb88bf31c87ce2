"""The DynamoDB table of users, revocations and counts of wrong passwords."""

from aws_cdk import RemovalPolicy, Stack, aws_dynamodb, aws_kms
from constructs import Construct

from iot_authorizer_cdk.constructs.places import called, check_region, place_of
from iot_authorizer_cdk.properties import check_text


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
    is_own = place_of(table, table.table_arn).account == stack.account
    return table.table_name if is_own else table.table_arn


def check_table(stack: Stack, table: aws_dynamodb.ITable) -> None:
    """Raises InvalidSettings for a table of another region."""
    subject = f"table {called(table, table.table_arn)}"
    place = place_of(table, table.table_arn)
    check_region(stack, subject, place, "a table in this region, such as a replica of a global table")
