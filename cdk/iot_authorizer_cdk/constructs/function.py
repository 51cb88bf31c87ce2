"""The Lambda function of an authorizer: its role, its log group, and its alias.

1. The alias has the same ARN in every deployment, so the authorizer that invokes it need not change.
2. The CDK publishes a version if the template of the function changes. A variable may change without it: a user pool
   is replaced, or a parameter gets another value. Then the alias would keep the previous version, and so the previous
   issuer (aws-cdk #25997). So the version's description, which cannot be changed in place, is a hash of the variables.
"""

from collections.abc import Collection, Mapping, Sequence
from glob import escape
from pathlib import Path

from aws_cdk import (
    Acknowledgment,
    Duration,
    RemovalPolicy,
    Stack,
    Token,
    Validations,
    aws_dynamodb,
    aws_iam,
    aws_lambda,
    aws_logs,
)
from constructs import Construct

from iot_authorizer_cdk.constructs.account_functions import Fingerprint
from iot_authorizer_cdk.constructs.permissions import (
    accept_wildcard,
    decrypt,
    fixed_role,
    read_secret,
    trace,
    use_table,
    write_logs,
)
from iot_authorizer_cdk.constructs.shared_secrets import SecretGrant
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings


class AuthorizerFunction(Construct):
    """The function, and its alias `live`, which the authorizer invokes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        handler: str,
        environment: Mapping[str, str],
        secrets: Sequence[SecretGrant],
        props: AuthorizerProps,
        table: aws_dynamodb.ITable | None,
        description: str = "AWS IoT Core custom authorizer",
        without: Collection[Path] = (),
    ) -> None:
        """`code` is the Lambda directory with `handler`. The function does not get its files `without`.

        The function may read `secrets` and `table`. Raises InvalidSettings.
        """
        super().__init__(scope, construct_id)
        if props.secret_kms_key_arns and not secrets:
            raise InvalidSettings("secret_kms_key_arns: remove them: no [[jwt]] of the configuration has a secret")
        self.log_group = log_group(self, "Logs", props.log_retention_days)
        self.role = self._role(secrets, props, table)
        self.function = aws_lambda.Function(
            self,
            "Function",
            description=description,
            code=aws_lambda.Code.from_asset(  # An absolute path: the CDK's process may run in another folder.
                str(code.absolute()), exclude=sorted(escape(path.as_posix()) for path in without) or None
            ),
            handler=handler,
            runtime=_runtime(props.python),
            architecture=aws_lambda.Architecture.custom(props.architecture),
            memory_size=props.memory_size,
            timeout=Duration.seconds(props.timeout),
            role=fixed_role(self.role),
            log_group=self.log_group,
            logging_format=aws_lambda.LoggingFormat.JSON,
            environment=dict(environment),
            tracing=aws_lambda.Tracing.ACTIVE if props.tracing else aws_lambda.Tracing.DISABLED,
            reserved_concurrent_executions=props.reserved_concurrency,
            snap_start=aws_lambda.SnapStartConf.ON_PUBLISHED_VERSIONS if props.snap_start else None,
            current_version_options=aws_lambda.VersionOptions(description=self._hash_of(environment)),
        )
        if props.snap_start:
            warning = "Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish"
            reason = "the alias publishes a version"
            Validations.of(self.function).acknowledge(Acknowledgment(id=warning, reason=reason))
        self.alias = aws_lambda.Alias(
            self,
            "Alias",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=props.provisioned_concurrency,
        )
        """What the authorizer invokes."""

    def _hash_of(self, environment: Mapping[str, str]) -> str | None:
        """Returns a hash of variables that only the deployment knows; None if all are in the template."""
        if not any(map(Token.is_unresolved, environment.values())):
            return None
        text = Stack.of(self).to_json_string(dict(environment))
        return Fingerprint(self, "Variables", text=text).sha256

    def _role(
        self, secrets: Sequence[SecretGrant], props: AuthorizerProps, table: aws_dynamodb.ITable | None
    ) -> aws_iam.Role:
        statements = [
            write_logs(self.log_group),
            *(read_secret(each.service, each.arns) for each in secrets),
            *(decrypt(self, [each.key], [each.service]) for each in secrets if each.key is not None),
        ]
        if props.secret_kms_key_arns:
            services = sorted({each.service for each in secrets})
            statements.append(decrypt(self, props.secret_kms_key_arns, services))
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
            accept_wildcard(role, "*", "X-Ray's actions have no resources (Service Authorization Reference)")
        return role


def log_group(scope: Construct, construct_id: str, days: int) -> aws_logs.LogGroup:
    """Adds a log group that keeps lines for so many days."""
    group = aws_logs.LogGroup(scope, construct_id, removal_policy=RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, aws_logs.CfnLogGroup)  # noqa: S101 (for mypy)
    resource.retention_in_days = days  # LogGroup itself takes only names such as ONE_MONTH.
    return group


def _runtime(python: str) -> aws_lambda.Runtime:
    return aws_lambda.Runtime(f"python{python}", aws_lambda.RuntimeFamily.PYTHON, supports_snap_start=True)
