"""The stack: an authorizer, its operations, and what a user needs to try it out."""

from pathlib import Path
from urllib.parse import quote

from aws_cdk import CfnOutput, Stack, aws_sns
from constructs import Construct

from iot_authorizer_cdk.alarms import Alarms
from iot_authorizer_cdk.authorizer_function import FunctionProps
from iot_authorizer_cdk.bounds import check_arn
from iot_authorizer_cdk.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.dashboard import Dashboard, Queries
from iot_authorizer_cdk.default_authorizer import DefaultAuthorizer
from iot_authorizer_cdk.endpoint import Endpoint
from iot_authorizer_cdk.identity_table import IdentityTable

_DEFAULT_PROPS = FunctionProps()


class AuthorizerStack(Stack):
    """An authorizer with alarms, a dashboard and queries."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        name: str | None = None,
        function: FunctionProps = _DEFAULT_PROPS,
        caching_for_http: bool = False,
        default: bool = False,
        alarm_topic_arn: str | None = None,
        identity_table: bool = False,
    ) -> None:
        """`name` instead of the configuration's; `default` makes it the account's default authorizer.

        With `identity_table` it has a table of its own. Raises InvalidFile and InvalidSettings.
        """
        super().__init__(scope, construct_id)
        check_arn("alarm_topic_arn", alarm_topic_arn, "sns", "")
        table = IdentityTable(self, "Identities").table if identity_table else None
        self.authorizer = IotCustomAuthorizer(
            self,
            "Authorizer",
            code=code,
            name=name,
            function=function,
            caching_for_http=caching_for_http,
            table=table,
        )
        topic = aws_sns.Topic.from_topic_arn(self, "AlarmTopic", alarm_topic_arn) if alarm_topic_arn else None
        Alarms(self, "Alarms", authorizer=self.authorizer, topic=topic)
        Dashboard(self, "Dashboard", authorizer=self.authorizer)
        Queries(self, "Queries", authorizer=self.authorizer)
        if default:
            default_authorizer = DefaultAuthorizer(
                self,
                "Default",
                authorizer_name=self.authorizer.authorizer_name,
            )
            default_authorizer.node.add_dependency(self.authorizer)
        if table is not None:
            CfnOutput(self, "IdentityTable", value=table.table_name)
        self._tell()

    def _tell(self) -> None:
        name = self.authorizer.authorizer_name
        key = self.authorizer.settings.token_key_name
        CfnOutput(self, "AuthorizerName", value=name)
        CfnOutput(self, "AuthorizerArn", value=self.authorizer.authorizer_arn)
        CfnOutput(
            self, "TestCommand", value=self._test_command(), description="Invokes the authorizer as IoT Core does"
        )
        endpoint = Endpoint(self, "Endpoint").address
        query = f"x-amz-customauthorizer-name={quote(name, safe='')}" + (f"&{key}=TOKEN" if key else "")
        if self.authorizer.settings.public_keys:
            query += "&x-amz-customauthorizer-signature=SIGNATURE"
        CfnOutput(self, "EndpointAddress", value=endpoint)
        CfnOutput(self, "WebSocketUrl", value=f"wss://{endpoint}/mqtt?{query}")

    def _test_command(self) -> str:
        """TestInvokeAuthorizer takes a token only with its signature; else it stands where a client has it."""
        settings = self.authorizer.settings
        command = f"aws iot test-invoke-authorizer --authorizer-name {self.authorizer.authorizer_name}"
        if settings.public_keys:
            return f"{command} --token TOKEN --token-signature SIGNATURE"
        if settings.token_key_name is not None:
            return f"""{command} --http-context '{{"queryString": "?{settings.token_key_name}=TOKEN"}}'"""
        return f"""{command} --mqtt-context '{{"username": "NAME", "password": "BASE64"}}'"""
