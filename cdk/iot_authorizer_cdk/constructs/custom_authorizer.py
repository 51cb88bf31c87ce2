"""The construct: a custom authorizer for IoT Core with its Lambda function."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import CfnTag, Stack, Token, aws_dynamodb, aws_iam, aws_iot
from constructs import Construct

from iot_authorizer_cdk.constructs.function import AuthorizerFunction
from iot_authorizer_cdk.package.configuration import (
    CONFIGURATION,
    SAMPLE_TABLE,
    TABLE,
    built_configuration,
    check_configuration,
)
from iot_authorizer_cdk.package.target import Target, check_target
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings

_DEFAULT_PROPS = AuthorizerProps()
_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


class IotCustomAuthorizer(Construct):
    """A custom authorizer that the `authorizer.toml` of a Lambda directory describes.

    ```python
    authorizer = IotCustomAuthorizer(self, "Authorizer", code="build/lambda")
    ```
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path | str = "build/lambda",
        name: str | None = None,
        props: AuthorizerProps = _DEFAULT_PROPS,
        values: Mapping[str, str] | None = None,
        table: aws_dynamodb.ITable | None = None,
    ) -> None:
        """Checks the Lambda directory and adds the authorizer, its function, role and log group.

        `code` is a directory of `iot-authorizer build`. It is checked as the Lambda checks it when it starts, and its
        policy as the linter does. `name` replaces the name in the configuration. `values` replace other values, by
        their names as variables: `{"AUTHORIZER__JWT__0__ISSUER": "https://…"}`; files that they name must be in `code`.
        The function reads the identity table `table` and counts wrong passwords in it; without `table`, it uses the
        one that the configuration names.

        Raises InvalidFile and InvalidSettings, which say what to change.
        """
        super().__init__(scope, construct_id)
        props.check()
        if _NAMESPACE in (values or {}):
            raise InvalidSettings(f"values: remove {_NAMESPACE}: alarms and dashboard use the namespace IotAuthorizer")
        config = built_configuration(Path(code))
        check_target(config.parent, Target(props.python, props.architecture))
        environment = dict(values or {}) | ({} if name is None else {"AUTHORIZER__NAME": name})
        if table is not None:
            environment[TABLE] = table.table_name
        self.configuration = check_configuration(config, _known(environment))
        """What the configuration says."""
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=config.parent,
            environment=environment | {"AUTHORIZER_CONFIG": CONFIGURATION},
            secrets=self.configuration.secrets,
            props=props,
            table=table or _named_table(self, self.configuration.table),
        )
        self.authorizer_name = self.configuration.name
        """The name that clients use."""
        stack = Stack.of(self)
        self.authorizer_arn = stack.format_arn(service="iot", resource="authorizer", resource_name=self.authorizer_name)
        self.function.target.add_permission(
            "IotCore",
            principal=aws_iam.ServicePrincipal("iot.amazonaws.com"),
            source_arn=self.authorizer_arn,
            source_account=stack.account,
        )
        self.authorizer = aws_iot.CfnAuthorizer(
            self,
            "Authorizer",
            authorizer_name=self.authorizer_name,
            authorizer_function_arn=self.function.target.function_arn,
            status=props.status,
            signing_disabled=not self.configuration.public_keys,
            token_key_name=self.configuration.token_key_name,
            token_signing_public_keys=dict(self.configuration.public_keys) or None,
            enable_caching_for_http=props.caching_for_http,
            tags=[CfnTag(key=key, value=value) for key, value in props.tags.items()] or None,
        )


def _known(environment: Mapping[str, str]) -> dict[str, str]:
    """Replaces a table name that only the deployment knows, so that the configuration can be checked before."""
    is_token = Token.is_unresolved(environment.get(TABLE))
    return dict(environment) | ({TABLE: SAMPLE_TABLE} if is_token else {})


def _named_table(scope: Construct, name: str | None) -> aws_dynamodb.ITable | None:
    """Returns the table that the configuration names, by its name or ARN."""
    if name is None:
        return None
    if name.startswith("arn:"):
        return aws_dynamodb.Table.from_table_arn(scope, "Table", name)
    return aws_dynamodb.Table.from_table_name(scope, "Table", name)
