"""The Lambda function of an authorizer: its role, its log group, and an alias where one is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from aws_cdk import (
    Acknowledgment,
    Duration,
    RemovalPolicy,
    Token,
    Validations,
    aws_dynamodb,
    aws_iam,
    aws_lambda,
    aws_logs,
)
from constructs import Construct

from iot_authorizer_cdk.acknowledged import acknowledge
from iot_authorizer_cdk.bounds import check_arn, check_number
from iot_authorizer_cdk.permissions import decrypt, read_secret, trace, use_table, write_logs
from iot_authorizer_cdk.settings import InvalidSettings

_MEMORY = (128, 10_240)
"""MB (CreateFunction, MemorySize)."""
_MOST_SECONDS = 5
"""IoT Core waits no longer (developer guide, "Defining your Lambda function")."""
HANDLER = "iot_authorizer.handler.lambda_handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionProps:
    """How the function runs."""

    memory_size: int = 512
    """MiB. Processor time grows with it: less makes cold starts longer."""
    timeout: int = _MOST_SECONDS
    """Seconds."""
    log_retention: aws_logs.RetentionDays = aws_logs.RetentionDays.ONE_MONTH
    secret_keys: Sequence[str] = ()
    """ARNs of the customer-managed KMS keys that its secrets are encrypted with."""
    tracing: bool = False
    """Whether X-Ray traces it: by Lambda itself, without the X-Ray SDK, whose support ends on 2027-02-25."""
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
        seconds = f"1 to {_MOST_SECONDS} seconds, since IoT Core waits no longer"
        check_number("timeout", self.timeout, 1, _MOST_SECONDS, seconds)
        check_number("memory_size", self.memory_size, *_MEMORY, "{} to {} MB".format(*_MEMORY))
        reserved, provisioned = self.reserved_concurrency, self.provisioned_concurrency
        check_number("reserved_concurrency", reserved, 0, inf, "at least 0, or None to reserve nothing")
        most = inf if reserved is None or Token.is_unresolved(reserved) else reserved
        expected = "at least 1 and at most reserved_concurrency, or None for none"
        check_number("provisioned_concurrency", provisioned, 1, most, expected)
        for arn in self.secret_keys:
            check_arn("secret_keys", arn, "kms", "key/")

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
        table: aws_dynamodb.ITable | None,
    ) -> None:
        """`code` is the built directory; `secrets` and `table` are what it may read. Raises InvalidSettings."""
        super().__init__(scope, construct_id)
        props.check()
        if props.secret_keys and not secrets:
            raise InvalidSettings("secret_keys: no [[jwt]] of the configuration has a secret: leave them out")
        self.log_group = aws_logs.LogGroup(
            self, "Logs", retention=props.log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = self._role(secrets, props, table)
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
        if props.snap_start:
            warning = "Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish"
            reason = "the alias publishes a version"
            Validations.of(self.function).acknowledge(Acknowledgment(id=warning, reason=reason))
        self.target: aws_lambda.IFunction = self._alias(props) if props.alias else self.function
        """What the authorizer calls."""

    def _role(self, secrets: Sequence[str], props: FunctionProps, table: aws_dynamodb.ITable | None) -> aws_iam.Role:
        statements = [write_logs(self.log_group), *(read_secret(self, name) for name in secrets)]
        if props.secret_keys:
            services = sorted({name.partition(":")[0] for name in secrets})
            statements.append(decrypt(self, props.secret_keys, services))
        if table is not None:
            statements += use_table(table)
        if props.tracing:
            statements.append(trace())
        role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"authorizer": aws_iam.PolicyDocument(statements=statements)},
        )
        if props.tracing:
            acknowledge(role, "*", "X-Ray's actions know no resources (Service Authorization Reference)")
        return role

    def _alias(self, props: FunctionProps) -> aws_lambda.Alias:
        return aws_lambda.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=props.provisioned_concurrency,
        )
