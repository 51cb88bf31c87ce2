"""The DynamoDB table of the clients that are connected, which a function of `[[rule]]` keeps and backends read.

1. The function stores presence events with `iot_authorizer.online_clients`. It may read and write single items.
2. Backends may read it. Those that ask IoT Core itself (`confirm`) may also correct it.
3. The table is deleted with its stack: its states become right again with the next events. So it needs no backup.
4. Topics of presence belong to the account: the table has the clients of all stages and authorizers in it.
"""

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations, aws_dynamodb, aws_iam
from aws_cdk.aws_iam import PolicyStatement as Statement
from constructs import Construct

from iot_authorizer_cdk.constructs.backend import grant
from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.function import AuthorizerFunction
from iot_authorizer_cdk.properties import InvalidSettings

_TABLE = "ONLINE_TABLE"
_TOPICS = ("$aws/events/presence/connected/#", "$aws/events/presence/disconnected/#")


class OnlineTable(Construct):
    """A table of the clients that are connected, billed by request.

    ```python
    online = OnlineTable(self, "Online", authorizer=authorizer)
    online.grant_read(backend)
    ```
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, authorizer: IotCustomAuthorizer, rule: str = "online"
    ) -> None:
        """`rule` names a `[[rule]]` for presence events, with a function of your own. Raises InvalidSettings."""
        super().__init__(scope, construct_id)
        function = _function(authorizer, rule)
        self.table = aws_dynamodb.Table(
            self,
            "Table",
            partition_key=aws_dynamodb.Attribute(name="id", type=aws_dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            billing_mode=aws_dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        reason = "its states become right again with the next events"
        Validations.of(self.table).acknowledge(Acknowledgment(id="AwsSolutions::AwsSolutions-DDB3", reason=reason))
        self.environment = {_TABLE: self.table.table_name}
        """The variable that names the table, for backends."""
        function.function.add_environment(_TABLE, self.table.table_name)
        grant(function.role, self._on_table("dynamodb:BatchGetItem", "dynamodb:PutItem"))

    def grant_read(self, grantee: aws_iam.IGrantable) -> aws_iam.Grant:
        """Allows reading which clients are connected. Raises InvalidSettings."""
        return grant(grantee, self._on_table("dynamodb:BatchGetItem", "dynamodb:Scan"))

    def grant_confirm(self, grantee: aws_iam.IGrantable) -> aws_iam.Grant:
        """Allows reading, and asking IoT Core about any client and correcting the table. Raises InvalidSettings."""
        any_client = Stack.of(self).format_arn(service="iot", resource="client", resource_name="*")
        asking = Statement(actions=["iot:GetConnection"], resources=[any_client])
        return grant(grantee, self._on_table("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Scan"), asking)

    def _on_table(self, *actions: str) -> Statement:
        return Statement(actions=list(actions), resources=[self.table.table_arn])


def _function(authorizer: IotCustomAuthorizer, name: str) -> AuthorizerFunction:
    """The function of a rule for presence events. Raises InvalidSettings."""
    rule, _ = authorizer.configuration.rules.get(name, (None, ()))
    if rule is None or authorizer.rules is None or not rule.is_own_code:
        problem = f'authorizer.toml has no [[rule]] with name = "{name}" and a function of your own'
    elif rule.where is not None or not all(map(rule.gets, _TOPICS)):
        problem = f'[[rule]] "{name}" of authorizer.toml does not get all presence events'
    else:
        return authorizer.rules.functions[name]
    raise InvalidSettings(f"OnlineTable: {problem}: set topics = {list(_TOPICS)} and no where in it".replace("'", '"'))
