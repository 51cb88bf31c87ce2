"""Custom resources for what CloudFormation cannot do, such as to set the account's default authorizer.

1. Each is a small Lambda function that only CloudFormation invokes. Its source is a file of this folder, which the
   template contains inline.
2. An endpoint that cannot be read fails the deployment: other resources may use its address.
3. Deletion sets back the previous default authorizer, unless another one was chosen in between.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack, aws_iam, aws_lambda, aws_logs
from constructs import Construct

from iot_authorizer_cdk.constructs.permissions import accept_wildcard, fixed_role, write_logs


class DefaultAuthorizer(Construct):
    """Makes an authorizer the account's default, and sets back the previous one when it is deleted."""

    def __init__(self, scope: Construct, construct_id: str, *, authorizer_name: str) -> None:
        super().__init__(scope, construct_id)
        any_authorizer = Stack.of(self).format_arn(service="iot", resource="authorizer", resource_name="*")
        function = AccountFunction(
            self,
            "Account",
            source="default_authorizer_function",
            resource_type="Custom::DefaultAuthorizer",
            properties={"AuthorizerName": authorizer_name},
            actions=["iot:DescribeDefaultAuthorizer", "iot:ClearDefaultAuthorizer"],
            statements=[aws_iam.PolicyStatement(actions=["iot:SetDefaultAuthorizer"], resources=[any_authorizer])],
        )
        resource = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:authorizer/*"
        accept_wildcard(function.role, resource, "the previous default authorizer may have any name")


class AccountEndpoint(Construct):
    """IoT Core's data endpoint in this account and region, which CloudFormation does not expose."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        function = AccountFunction(
            self,
            "Account",
            source="endpoint_function",
            resource_type="Custom::IotEndpoint",
            properties={"EndpointType": "iot:Data-ATS"},
            actions=["iot:DescribeEndpoint"],
        )
        self.address = function.resource.get_att_string("Address")
        """Such as `abc-ats.iot.eu-west-1.amazonaws.com`."""


class Fingerprint(Construct):
    """The SHA-256 of a text that only the deployment knows."""

    def __init__(self, scope: Construct, construct_id: str, *, text: str) -> None:
        super().__init__(scope, construct_id)
        function = AccountFunction(
            self,
            "Account",
            source="fingerprint_function",
            resource_type="Custom::Fingerprint",
            properties={"Text": text},
        )
        self.sha256 = function.resource.get_att_string("Sha256")
        """64 hexadecimal digits."""


class AccountFunction(Construct):
    """A small function whose source is inline in the template, and the custom resource that it serves."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: str,
        resource_type: str,
        properties: Mapping[str, object],
        actions: Sequence[str] = (),
        statements: Sequence[aws_iam.PolicyStatement] = (),
    ) -> None:
        """`source` is a module of this folder with a function `handle`.

        `actions` are allowed on every resource, because they have none (Service Authorization Reference). `statements`
        allow the others.
        """
        super().__init__(scope, construct_id)
        log_group = aws_logs.LogGroup(
            self, "Logs", retention=aws_logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        own = [write_logs(log_group)]
        if actions:
            own.append(aws_iam.PolicyStatement(actions=list(actions), resources=["*"]))
        self.role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"account": aws_iam.PolicyDocument(statements=[*own, *statements])},
        )
        if actions:
            reason = f"{', '.join(actions)}: actions without resources (Service Authorization Reference)"
            accept_wildcard(self.role, "*", reason)
        function = aws_lambda.Function(
            self,
            "Function",
            description=f"{resource_type} of an AWS IoT Core authorizer",
            code=aws_lambda.Code.from_inline(Path(__file__).with_name(f"{source}.py").read_text("utf-8")),
            handler="index.handle",
            runtime=aws_lambda.Runtime.PYTHON_3_14,
            architecture=aws_lambda.Architecture.ARM_64,
            timeout=Duration.seconds(30),
            log_group=log_group,
            role=fixed_role(self.role),
        )
        self.resource = CustomResource(
            self,
            "Resource",
            service_token=function.function_arn,
            resource_type=resource_type,
            properties=dict(properties),
            service_timeout=Duration.minutes(2),  # By default CloudFormation waits an hour for an answer.
        )
