"""The credentials endpoint: an HTTP API, its function, and the role that clients get.

1. The role allows the data plane of this account and region, with exactly the actions that session policies can have.
   Each session has a session policy, which limits it to one client.
2. Only the endpoint's function may assume the role, and the function may assume no other.
3. The function accepts what the authorizer accepts: it has the same code, configuration, secrets and table.
4. The API has one route, for any method: the function answers preflights itself. Throttling limits what a flood costs.
   The access log has no query string, where clients may send tokens. It has the client's address, and the request ID of
   the function's log line, which names the access key.
5. If the authorizer is INACTIVE, or its function has no concurrency, the endpoint's function has none either: what
   stops the one stops the other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import (
    Acknowledgment,
    Duration,
    Stack,
    Token,
    Validations,
    aws_apigatewayv2,
    aws_dynamodb,
    aws_iam,
)
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from iot_authorizer.configuration import CREDENTIALS_HANDLER
from iot_authorizer.temporary_credentials import LONGEST
from iot_authorizer_cdk.constructs.function import AuthorizerFunction, log_group
from iot_authorizer_cdk.constructs.permissions import accept_wildcard
from iot_authorizer_cdk.constructs.shared_secrets import SecretGrant
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings
from iot_policies.actions import RESOURCE_TYPES

PATH = "/credentials"
_RATE, _BURST = 50, 100
"""Requests a second, and at once. API Gateway answers more with 429."""
_TIMEOUT = 10
"""Seconds that the function may take: longer than the 5 within which it answers for itself."""
_ROLE, _ENDPOINT = "AUTHORIZER__CREDENTIALS__ROLE", "AUTHORIZER__CREDENTIALS__ENDPOINT"
_ACCESS_LOG = {
    **{name: f"$context.{name}" for name in ("requestId", "requestTime", "routeKey", "httpMethod", "status")},
    "responseLatency": "$context.responseLatency",
    "integrationError": "$context.integrationErrorMessage",
    "functionRequestId": "$context.integration.requestId",
    "ip": "$context.identity.sourceIp",
}
"""The values are variables of API Gateway (developer guide, "Customize HTTP API access logs")."""


class CredentialsEndpoint(Construct):
    """Gives clients that the authorizer accepts temporary credentials."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        environment: Mapping[str, str],
        endpoint: str | None,
        secrets: Sequence[SecretGrant],
        props: AuthorizerProps,
        table: aws_dynamodb.ITable | None,
    ) -> None:
        """`endpoint` is what clients are told; None if the configuration says it. The rest is the authorizer's."""
        super().__init__(scope, construct_id)
        told = {} if endpoint is None else {_ENDPOINT: endpoint}
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=code,
            handler=CREDENTIALS_HANDLER,
            environment={**environment, **told},
            secrets=secrets,
            props=replace(
                props, timeout=_TIMEOUT, reserved_concurrency=_concurrency(props), provisioned_concurrency=None
            ),
            table=table,
            description="Temporary credentials for clients of AWS IoT Core",
        )
        self.role = self._client_role(self.function.role)
        """What clients get."""
        self.function.function.add_environment(_ROLE, self.role.role_arn)
        self.url = self._api(props.log_retention_days)
        """What clients send their credentials to."""

    def _client_role(self, function_role: aws_iam.IRole) -> aws_iam.Role:
        kinds: dict[str, list[str]] = {}
        for action, kind in RESOURCE_TYPES.items():
            kinds.setdefault(kind, []).append(action)
        arn = {kind: Stack.of(self).format_arn(service="iot", resource=kind, resource_name="*") for kind in kinds}
        allowed = [aws_iam.PolicyStatement(actions=kinds[kind], resources=[arn[kind]]) for kind in kinds]
        role = aws_iam.Role(
            self,
            "ClientRole",
            description="Clients of AWS IoT Core; a session policy limits each",
            assumed_by=aws_iam.ArnPrincipal(function_role.role_arn),
            max_session_duration=Duration.seconds(LONGEST),
            inline_policies={"clients": aws_iam.PolicyDocument(statements=allowed)},
        )
        for kind in kinds:
            resource = f"arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:{kind}/*"
            accept_wildcard(role, resource, "a session policy limits each client to its own")
        # A policy of its own: each of the two roles names the other one.
        assume = aws_iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[role.role_arn])
        aws_iam.CfnPolicy(
            self,
            "Assume",
            policy_name="assume-client-role",
            policy_document=aws_iam.PolicyDocument(statements=[assume]),
            roles=[function_role.role_name],
        )
        return role

    def _api(self, log_days: int) -> str:
        """Adds the API, and returns the URL of its route."""
        api = aws_apigatewayv2.HttpApi(self, "Api", create_default_stage=False)
        integration = HttpLambdaIntegration("Function", self.function.alias, timeout=Duration.seconds(_TIMEOUT))
        methods = [aws_apigatewayv2.HttpMethod.ANY]
        for route in api.add_routes(path=PATH, methods=methods, integration=integration):
            reason = "the function verifies the client's credentials"
            finding = Acknowledgment(id="AwsSolutions::AwsSolutions-APIG4", reason=reason)
            Validations.of(route).acknowledge(finding)
        logs = log_group(self, "AccessLogs", log_days)
        aws_apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=aws_apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_RATE, throttling_burst_limit=_BURST
            ),
            access_log_settings=aws_apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=logs.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
        )
        return f"{api.api_endpoint}{PATH}"


def _concurrency(props: AuthorizerProps) -> int | None:
    """The concurrency to reserve for the function: 0 if the authorizer refuses every client. Raises InvalidSettings."""
    if Token.is_unresolved(props.status):
        advice = "the credentials endpoint stops with the authorizer"
        raise InvalidSettings(f"status: expected ACTIVE or INACTIVE, found a token of the CDK: {advice}")
    return 0 if props.status == "INACTIVE" or props.reserved_concurrency == 0 else None
