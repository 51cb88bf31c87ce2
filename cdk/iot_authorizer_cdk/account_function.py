"""Functions that CloudFormation calls where it has no resource of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, RemovalPolicy, aws_iam, aws_lambda, aws_logs
from constructs import Construct

from iot_authorizer_cdk.acknowledged import acknowledge


class AccountFunction(Construct):
    """A small function of ours, whose source stands inline in the template, and the custom resource that it serves."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: str,
        resource_type: str,
        properties: Mapping[str, str],
        actions: Sequence[str],
        statements: Sequence[aws_iam.PolicyStatement] = (),
    ) -> None:
        """`source` is a module of this folder with a function `handle`.

        `actions` are those that know no resources (Service Authorization Reference); `statements` allow the others.
        """
        super().__init__(scope, construct_id)
        log_group = aws_logs.LogGroup(
            self, "Logs", retention=aws_logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        logs = ["logs:CreateLogStream", "logs:PutLogEvents"]
        own = [
            aws_iam.PolicyStatement(actions=logs, resources=[log_group.log_group_arn]),
            aws_iam.PolicyStatement(actions=list(actions), resources=["*"]),
        ]
        self.role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"account": aws_iam.PolicyDocument(statements=[*own, *statements])},
        )
        acknowledge(self.role, "*", f"{', '.join(actions)}: no resources (Service Authorization Reference)")
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
            role=self.role.without_policy_updates(),
        )
        self.resource = CustomResource(
            self,
            "Resource",
            service_token=function.function_arn,
            resource_type=resource_type,
            properties=dict(properties),
            service_timeout=Duration.minutes(2),  # CloudFormation waits an hour for a function that does not answer.
        )
