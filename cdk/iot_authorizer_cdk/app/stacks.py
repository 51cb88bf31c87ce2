"""The stack of an authorizer, with its alarms and dashboard, and the outputs to try it with."""

from pathlib import Path
from urllib.parse import quote

from aws_cdk import CfnOutput, Stack, aws_sns
from constructs import Construct

from iot_authorizer_cdk.app.stages import Stage
from iot_authorizer_cdk.constructs.account_functions import AccountEndpoint, DefaultAuthorizer
from iot_authorizer_cdk.constructs.alarms import Alarms
from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.dashboard import Dashboard, Queries
from iot_authorizer_cdk.constructs.identity_table import IdentityTable


class AuthorizerStack(Stack):
    """An authorizer with alarms, a dashboard and queries."""

    def __init__(
        self, scope: Construct, construct_id: str, *, code: Path, stage: Stage, name: str | None = None
    ) -> None:
        """`name` replaces the name in the configuration. Raises InvalidFile and InvalidSettings."""
        super().__init__(scope, construct_id)
        table = IdentityTable(self, "Identities").table if stage.identity_table else None
        self.authorizer = IotCustomAuthorizer(self, "Authorizer", code=code, name=name, props=stage, table=table)
        arn = stage.alarm_topic_arn
        topic = aws_sns.Topic.from_topic_arn(self, "AlarmTopic", arn) if arn else None
        Alarms(self, "Alarms", authorizer=self.authorizer, topic=topic)
        Dashboard(self, "Dashboard", authorizer=self.authorizer)
        Queries(self, "Queries", authorizer=self.authorizer)
        if stage.default:
            default = DefaultAuthorizer(self, "Default", authorizer_name=self.authorizer.authorizer_name)
            default.node.add_dependency(self.authorizer)
        if table is not None:
            CfnOutput(self, "IdentityTable", value=table.table_name)
        self._output_names()

    def _output_names(self) -> None:
        name = self.authorizer.authorizer_name
        key = self.authorizer.configuration.token_key_name
        description = "Invokes the authorizer as IoT Core does"
        CfnOutput(self, "AuthorizerName", value=name)
        CfnOutput(self, "AuthorizerArn", value=self.authorizer.authorizer_arn)
        CfnOutput(self, "TestCommand", value=self._test_command(), description=description)
        endpoint = AccountEndpoint(self, "Endpoint").address
        query = f"x-amz-customauthorizer-name={quote(name, safe='')}" + (f"&{key}=TOKEN" if key else "")
        if self.authorizer.configuration.public_keys:
            query += "&x-amz-customauthorizer-signature=SIGNATURE"
        CfnOutput(self, "EndpointAddress", value=endpoint)
        CfnOutput(self, "WebSocketUrl", value=f"wss://{endpoint}/mqtt?{query}")

    def _test_command(self) -> str:
        """Returns a command with placeholders: TestInvokeAuthorizer's `--token` needs a signature."""
        configuration = self.authorizer.configuration
        command = f"aws iot test-invoke-authorizer --authorizer-name {self.authorizer.authorizer_name}"
        if configuration.public_keys:
            return f"{command} --token TOKEN --token-signature SIGNATURE"
        if configuration.token_key_name is not None:
            return f"""{command} --http-context '{{"queryString": "?{configuration.token_key_name}=TOKEN"}}'"""
        return f"""{command} --mqtt-context '{{"username": "NAME", "password": "BASE64"}}'"""
