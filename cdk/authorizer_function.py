"""The Lambda function of an authorizer: its role, its log group, and an alias where one is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack, aws_iam, aws_lambda, aws_logs
from constructs import Construct

from cdk.acknowledged import acknowledge
from cdk.settings import InvalidSettings

_MOST_SECONDS = 5
"""IoT Core waits no longer (developer guide, "Defining your Lambda function")."""
HANDLER = "authorizer.handler.lambda_handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionProps:
    """How the function runs."""

    memory_size: int = 512
    """MiB. Processor time grows with it: less makes cold starts longer."""
    timeout: int = _MOST_SECONDS
    """Seconds."""
    log_retention: aws_logs.RetentionDays = aws_logs.RetentionDays.ONE_MONTH
    tracing: bool = False
    """Whether X-Ray traces it."""
    reserved_concurrency: int | None = None
    """The most that runs at once, kept for it out of the account's; None takes from what is not reserved."""
    provisioned_concurrency: int | None = None
    """Environments that are kept warm, on an alias."""
    snap_start: bool = False
    """Whether environments begin from a snapshot, on an alias."""
    architecture: aws_lambda.Architecture = aws_lambda.Architecture.ARM_64
    """What the code was built for."""
    runtime: aws_lambda.Runtime = aws_lambda.Runtime.PYTHON_3_14

    def check(self) -> None:
        """Raises InvalidSettings for what does not go together."""
        if self.provisioned_concurrency is not None and self.snap_start:
            raise InvalidSettings("provisioned_concurrency or snap_start: Lambda takes one of them for a function")
        if not 1 <= self.timeout <= _MOST_SECONDS:
            raise InvalidSettings(f"timeout: expected 1 to {_MOST_SECONDS} seconds, since IoT Core waits no longer")
        if self.provisioned_concurrency is not None and self.provisioned_concurrency < 1:
            raise InvalidSettings("provisioned_concurrency: expected at least 1, or None for none")
        reserved, provisioned = self.reserved_concurrency, self.provisioned_concurrency
        if reserved is not None and provisioned is not None and provisioned > reserved:
            raise InvalidSettings("provisioned_concurrency: at most reserved_concurrency")

    @property
    def alias(self) -> bool:
        """Whether the authorizer has to call an alias."""
        return self.snap_start or self.provisioned_concurrency is not None


class AuthorizerFunction(Construct):
    """The function, and what the authorizer calls: the function itself, or its alias `live`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        environment: Mapping[str, str],
        secrets: Sequence[str],
        props: FunctionProps,
    ) -> None:
        """`code` is the built directory; `secrets` are those that it may read. Raises InvalidSettings."""
        super().__init__(scope, construct_id)
        props.check()
        if not (code / "authorizer.toml").is_file():
            raise InvalidSettings(f"{code}: there is no Lambda directory: `make build` writes it")
        self.log_group = aws_logs.LogGroup(
            self, "Logs", retention=props.log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = self._role(secrets, tracing=props.tracing)
        if props.tracing:
            acknowledge(self.role, "*", "X-Ray's actions know no resources (Service Authorization Reference)")
        self.function = aws_lambda.Function(
            self,
            "Function",
            description="AWS IoT Core custom authorizer",
            code=aws_lambda.Code.from_asset(str(code.absolute())),  # The CDK's process may be in another folder.
            handler=HANDLER,
            runtime=props.runtime,
            architecture=props.architecture,
            memory_size=props.memory_size,
            timeout=Duration.seconds(props.timeout),
            role=self.role.without_policy_updates(),
            log_group=self.log_group,
            logging_format=aws_lambda.LoggingFormat.JSON,
            environment=dict(environment),
            tracing=aws_lambda.Tracing.ACTIVE if props.tracing else aws_lambda.Tracing.DISABLED,
            reserved_concurrent_executions=props.reserved_concurrency,
            snap_start=aws_lambda.SnapStartConf.ON_PUBLISHED_VERSIONS if props.snap_start else None,
        )
        self.target: aws_lambda.IFunction = self._alias(props) if props.alias else self.function
        """What the authorizer calls."""

    def _role(self, secrets: Sequence[str], *, tracing: bool) -> aws_iam.Role:
        return aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"authorizer": aws_iam.PolicyDocument(statements=self._statements(secrets, tracing))},
        )

    def _statements(self, secrets: Sequence[str], tracing: bool) -> list[aws_iam.PolicyStatement]:
        statements = [
            aws_iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self.log_group.log_group_arn]
            )
        ]
        statements += [self._reads(name) for name in secrets]
        if tracing:
            actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
            statements.append(aws_iam.PolicyStatement(actions=actions, resources=["*"]))
        return statements

    def _reads(self, secret: str) -> aws_iam.PolicyStatement:
        """What reading `secretsmanager:NAME` or `ssm:NAME` takes, where NAME may be an ARN."""
        service, _, name = secret.partition(":")
        action = "ssm:GetParameter" if service == "ssm" else "secretsmanager:GetSecretValue"
        if name.startswith("arn:"):
            return aws_iam.PolicyStatement(actions=[action], resources=[name])
        # Secrets Manager adds six characters to a secret's name.
        resource = f"parameter/{name.lstrip('/')}" if service == "ssm" else f"secret:{name}-??????"
        stack = Stack.of(self)
        arn = f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}"
        return aws_iam.PolicyStatement(actions=[action], resources=[arn])

    def _alias(self, props: FunctionProps) -> aws_lambda.Alias:
        return aws_lambda.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=props.provisioned_concurrency,
        )
