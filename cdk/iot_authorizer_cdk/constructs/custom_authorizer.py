"""The construct: a custom authorizer for IoT Core with its Lambda function."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Annotations, Stack, Stage, Token, aws_dynamodb, aws_iam
from constructs import Construct

from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer_cdk.constructs.authorizer_resource import (
    AuthorizerResource,
    AuthorizerSettings,
)
from iot_authorizer_cdk.constructs.function import AuthorizerFunction
from iot_authorizer_cdk.package.configuration import (
    CONFIGURATION,
    NAME,
    SAMPLE_TABLE,
    TABLE,
    TOPIC_PREFIX,
    built_configuration,
    check_configuration,
)
from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.target import Target, check_target
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings, check_authorizer_name, name_in_iot_core

_DEFAULT_PROPS = AuthorizerProps()
NO_BYTECODE = "iot-authorizer:noBytecode"
"""The ID of the note that no interpreter of the function's Python is on this machine."""
_NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"


class IotCustomAuthorizer(Construct):
    """A custom authorizer that an `authorizer.toml` describes.

    ```python
    authorizer = IotCustomAuthorizer(self, "Authorizer", config="authorizer.toml")
    ```
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Path | str | None = None,
        code: Path | str | None = None,
        name: str | None = None,
        props: AuthorizerProps = _DEFAULT_PROPS,
        values: Mapping[str, str] | None = None,
        table: aws_dynamodb.ITable | None = None,
    ) -> None:
        """Builds the Lambda directory, and adds the authorizer, its function, role and log group.

        `config` is the configuration to build of, by default `authorizer.toml` in the current folder; the directory is
        in the CDK's output folder. `code` is a directory that `iot-authorizer build` has built, instead of `config`.
        Either is checked as the Lambda checks it when it starts, and its policy as the linter does. `name` replaces the
        name in the configuration. With signing, `-signed` is appended to either, because signing cannot be turned on or
        off for an existing authorizer. `values` replace other values, by their names as variables:
        `{"AUTHORIZER__JWT__0__ISSUER": "https://…"}`; files that they name must be beside `config` or in `code`. The
        function reads the identity table `table` and counts wrong passwords in it; without `table`, it uses the one
        that the configuration names.

        Raises InvalidFile, InvalidSettings and UvError, which say what to change.
        """
        super().__init__(scope, construct_id)
        props.check()
        if _NAMESPACE in (values or {}):
            raise InvalidSettings(f"values: remove {_NAMESPACE}: alarms and dashboard use the namespace IotAuthorizer")
        if code is not None and config is not None:
            raise InvalidSettings("config, code: set only one: code is a directory that was built of a configuration")
        environment = dict(values or {}) | _variables(name, props, table)
        target = Target(props.python, props.architecture)
        directory = _built(self, Path(config or CONFIGURATION), target, _known(environment)) if code is None else code
        built = built_configuration(Path(directory))
        check_target(built.parent, target)
        self.configuration = check_configuration(built, _known(environment))
        """What the configuration says."""
        self.authorizer_name = name_in_iot_core(self.configuration.name, signing=bool(self.configuration.public_keys))
        """The name that clients use."""
        check_authorizer_name("name", self.authorizer_name)
        if self.authorizer_name != self.configuration.name:
            environment[NAME] = self.authorizer_name  # Alarms find the metrics by it.
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=built.parent,
            handler=self.configuration.handler,
            environment=environment | {CONFIG_VARIABLE: CONFIGURATION},
            secrets=self.configuration.secrets,
            props=props,
            table=table or _named_table(self, self.configuration.table),
        )
        self.authorizer = AuthorizerResource(self, name=self.authorizer_name, settings=self._settings(props))
        self.authorizer_arn = self.authorizer.arn
        self.function.alias.add_permission(
            "IotCore",
            principal=aws_iam.ServicePrincipal("iot.amazonaws.com"),
            source_arn=self.authorizer_arn,
            source_account=Stack.of(self).account,
        )

    def _settings(self, props: AuthorizerProps) -> AuthorizerSettings:
        return AuthorizerSettings(
            function_arn=self.function.alias.function_arn,
            token_key_name=self.configuration.token_key_name,
            public_keys=self.configuration.public_keys,
            status=props.status,
            caching_for_http=props.caching_for_http,
        )


def _built(scope: Construct, config: Path, target: Target, variables: Mapping[str, str]) -> Path:
    """Builds the Lambda directory in the CDK's output folder, where each construct has its own."""
    app_or_stage = Stage.of(scope)
    assert app_or_stage is not None  # noqa: S101 (for mypy: a construct is always in a stack)
    found = build(config, Path(app_or_stage.asset_outdir) / f"lambda.{scope.node.addr}", target, variables)
    if not found.has_bytecode:
        note = f"python{target.python} is not on this machine, so there is no bytecode and a cold start takes about"
        advice = f"{note} 0.2 s longer: `uv python install {target.python}` installs it"
        Annotations.of(scope).add_info_v2(NO_BYTECODE, advice)
    return found.directory


def _variables(name: str | None, props: AuthorizerProps, table: aws_dynamodb.ITable | None) -> dict[str, str]:
    """The function's variables that replace values of the configuration."""
    table_name = None if table is None else table.table_name
    found = {NAME: name, TOPIC_PREFIX: props.topic_prefix, TABLE: table_name}
    return {key: value for key, value in found.items() if value is not None}


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
