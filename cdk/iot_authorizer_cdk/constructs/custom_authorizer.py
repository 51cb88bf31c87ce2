"""The construct: a custom authorizer for IoT Core with its Lambda function."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import Annotations, CfnOutput, Stack, Stage, aws_dynamodb, aws_iam
from constructs import Construct

from iot_authorizer import development
from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer_cdk.constructs.account_functions import AccountEndpoint
from iot_authorizer_cdk.constructs.authorizer_resource import (
    AuthorizerResource,
    AuthorizerSettings,
)
from iot_authorizer_cdk.constructs.backend import backend_environment, change_claims_of, disconnect, grant, publish
from iot_authorizer_cdk.constructs.credentials_endpoint import CredentialsEndpoint
from iot_authorizer_cdk.constructs.first_use import invoke_command, web_socket_url
from iot_authorizer_cdk.constructs.function import AuthorizerFunction
from iot_authorizer_cdk.constructs.identity_table import check_table, name_or_arn
from iot_authorizer_cdk.constructs.issuer import Issuer
from iot_authorizer_cdk.constructs.message_rules import MessageRules
from iot_authorizer_cdk.constructs.places import check_region, place_in
from iot_authorizer_cdk.constructs.shared_secrets import SecretGrant, secret_grant
from iot_authorizer_cdk.constructs.stand_ins import TOKEN, StandIns, escaped
from iot_authorizer_cdk.package.configuration import (
    CONFIGURATION,
    ISSUERS,
    NAME,
    TABLE,
    TOPIC_PREFIX,
    CheckedConfiguration,
    built_configuration,
    check_configuration,
)
from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.shipped_proof import ShippedProof, certificate_path, prove_shipped
from iot_authorizer_cdk.package.target import Target, check_target
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings, check_authorizer_name, name_in_iot_core

NO_BYTECODE = "iot-authorizer:noBytecode"
"""The ID of the note that no interpreter of the function's Python is on this machine."""
_MOST_VARIABLES = 4_096
"""Bytes of the names and values of all variables (Lambda developer guide, "Lambda quotas").

unmeasured: that only names and values count for this quota of 4 KB for variables (assumed).
"""
NOT_PROVED = "iot-authorizer:notProved"
"""The ID of the warning that the policy template is not proved as a whole."""
_DEVELOPMENT = "it is for development on one machine, never for Lambda"
_NOT_IN_VALUES = {
    "POWERTOOLS_METRICS_NAMESPACE": "alarms and dashboard use the namespace IotAuthorizer",
    **dict.fromkeys((development.KEYS, development.TABLE, development.STS, development.TIME_SCALE), _DEVELOPMENT),
}
"""The variables that an app must not set, and why."""


class IotCustomAuthorizer(Construct):
    """A custom authorizer that an `authorizer.toml` describes.

    ```python
    authorizer = IotCustomAuthorizer(self, "Authorizer", issuers=[Issuer.cognito(pool, clients=[client])])
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
        issuers: Sequence[Issuer] = (),
        table: aws_dynamodb.ITable | None = None,
        values: Mapping[str, str] | None = None,
        props: AuthorizerProps | None = None,
    ) -> None:
        """Builds the Lambda directory, and adds the authorizer, its function, role, log group and outputs.

        `config` is the configuration to build of, by default `authorizer.toml` in the current folder; the directory is
        in the CDK's output folder. `code` is a directory that `iot-authorizer build` has built, instead of `config`.
        Either is checked as the Lambda checks it when it starts, and its policy as the linter does. Its policy is also
        proved: what is not proved is a warning, and a difference is refused. `name` replaces the name in the
        configuration. With signing, `-signed` is appended to either, because signing cannot be turned on or off for an
        existing authorizer. `issuers` are used in place of `[[jwt]]`, which the configuration must not have then. The
        function reads the identity table `table` and counts wrong passwords in it; without `table`, it uses the one
        that the configuration names. `values` replace other values, by their names as variables:
        `{"AUTHORIZER__TOKEN_KEY_NAME": "session"}`; files that they name must be beside `config` or in `code`.

        Raises InvalidFile, InvalidSettings and UvError, which say what to change.
        """
        super().__init__(scope, construct_id)
        props = props or AuthorizerProps()
        props.check()
        stand_ins = StandIns()
        tables = [each.table for each in issuers]
        environment = _merged(values or {}, _variables(Stack.of(self), name, props, table, tables))
        known = stand_ins.of_variables(environment, tables)
        target = Target(props.python, props.architecture)
        built = built_configuration(_directory(self, config, code, target, known))
        check_target(built.parent, target)
        self.configuration = _restored(check_configuration(built, known), stand_ins)
        """What the configuration says."""
        proof = _proved(self, built.parent, self.configuration)
        self.authorizer_name = name_in_iot_core(self.configuration.name, signing=bool(self.configuration.public_keys))
        """The name that clients use."""
        check_authorizer_name("name", self.authorizer_name)
        if self.authorizer_name != self.configuration.name:
            environment[NAME] = self.authorizer_name  # Alarms find the metrics by it.
        environment[CONFIG_VARIABLE] = CONFIGURATION
        _check_size(environment)
        self.table = table or _named_table(self, self.configuration.table)
        """The identity table that the function reads; None without one."""
        if self.table is not None:
            check_table(Stack.of(self), self.table)
        secrets = _secrets(self, self.configuration.secrets, issuers, props)
        deployed = {key: escaped(Stack.of(self), key, value) for key, value in environment.items()}
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=built.parent,
            handler=self.configuration.handler,
            environment=deployed,
            secrets=secrets,
            props=props,
            table=self.table,
        )
        resource = AuthorizerResource(self, name=self.authorizer_name, settings=self._settings(props))
        self.authorizer_arn = resource.arn
        self.function.alias.add_permission(
            "IotCore",
            principal=aws_iam.ServicePrincipal("iot.amazonaws.com"),
            source_arn=self.authorizer_arn,
            source_account=Stack.of(self).account,
        )
        self.rules = _rules(self, built.parent, self.configuration, props)
        """What calls functions for messages; None without `[[rule]]`."""
        self.endpoint = AccountEndpoint(self, "Endpoint").address
        """IoT Core's data endpoint, such as `abc-ats.iot.eu-west-1.amazonaws.com`."""
        table_name = None if self.table is None else name_or_arn(Stack.of(self), self.table)
        self.backend_environment = backend_environment(self.endpoint, self.configuration.topic_prefix, table_name)
        """Variables for a function, a container or a server that publishes to clients, or changes claims."""
        self.web_socket_url = web_socket_url(self.endpoint, self.authorizer_name, self.configuration)
        """What a browser opens, with placeholders for credentials, such as `TOKEN`."""
        self.credentials: CredentialsEndpoint | None = None
        """The endpoint that gives clients temporary credentials; None without `[credentials]`."""
        if self.configuration.gives_credentials:
            self.credentials = CredentialsEndpoint(
                self,
                "Credentials",
                code=built.parent,
                environment=deployed,
                endpoint=None if self.configuration.has_own_endpoint else self.endpoint,
                secrets=secrets,
                props=props,
                table=self.table,
            )
        self.credentials_url = None if self.credentials is None else self.credentials.url
        """The URL of that endpoint; None without `[credentials]`."""
        self._add_outputs(proof)

    def grant_publish(
        self, grantee: aws_iam.IGrantable, *topics: str, widen: bool = False, retain: bool = False
    ) -> aws_iam.Grant:
        """Allows a function, or any other principal of AWS, to publish to topics: names or topic filters.

        The topic prefix is in front of each. `widen` allows deeper topics than a `+` matches, because a wildcard of IAM
        reaches across levels; without it, a `+` is refused. `retain` allows messages with RETAIN, too. Raises
        InvalidSettings.
        """
        statement = publish(Stack.of(self), topics, self.configuration.topic_prefix, widen=widen, retain=retain)
        return grant(grantee, statement)

    def grant_change_claims(self, grantee: aws_iam.IGrantable, *, add_missing: bool = False) -> aws_iam.Grant:
        """Allows changing the claims of users in the identity table, and nothing else of them. Raises InvalidSettings.

        `add_missing` allows adding users, too. With it, a backend can read and replace any user, with its passwords.
        """
        return grant(grantee, *change_claims_of(self.table, add_missing=add_missing))

    def grant_disconnect(self, grantee: aws_iam.IGrantable, *client_ids: str) -> aws_iam.Grant:
        """Allows disconnecting clients by their client IDs, whose last character can be a `*`. Raises InvalidSettings.

        A client that connects again is authorized again, with the claims that it has then.
        """
        return grant(grantee, disconnect(Stack.of(self), client_ids))

    def _add_outputs(self, proof: ShippedProof | None) -> None:
        """Adds what a user needs next to the stack's outputs; directly in a stack, their names begin with this ID."""
        outputs = {
            "Name": self.authorizer_name,
            "Arn": self.authorizer_arn,
            "Endpoint": self.endpoint,
            "WebSocketUrl": self.web_socket_url,
            "TestCommand": invoke_command(self.authorizer_name, self.configuration),
        }
        if self.credentials is not None:
            outputs["CredentialsUrl"] = self.credentials.url
        if proof is not None:
            outputs["Proof"] = proof.summary
        for name, value in outputs.items():
            output = CfnOutput(self, f"{name}Output", value=value)
            if isinstance(self.node.scope, Stack) and self.node.id.isalnum():
                output.override_logical_id(f"{self.node.id}{name}")

    def _settings(self, props: AuthorizerProps) -> AuthorizerSettings:
        return AuthorizerSettings(
            function_arn=self.function.alias.function_arn,
            token_key_name=self.configuration.token_key_name,
            public_keys=self.configuration.public_keys,
            status=props.status,
            caching_for_http=props.caching_for_http,
        )


def _directory(
    scope: Construct, config: Path | str | None, code: Path | str | None, target: Target, variables: Mapping[str, str]
) -> Path:
    """Returns the Lambda directory `code`, or builds one in the CDK's output folder, where each construct has its own.

    Raises InvalidSettings if both `code` and `config` are set.
    """
    if code is not None and config is not None:
        raise InvalidSettings("config, code: set only one: code is a directory that was built of a configuration")
    if code is not None:
        return Path(code)
    app_or_stage = Stage.of(scope)
    assert app_or_stage is not None  # noqa: S101 (for mypy: a construct is always in a stack)
    found = build(
        Path(config or CONFIGURATION), Path(app_or_stage.asset_outdir) / f"lambda.{scope.node.addr}", target, variables
    )
    if not found.has_bytecode:
        note = f"python{target.python} is not on this machine, so there is no bytecode and a cold start takes about"
        advice = f"{note} 0.2 s longer: `uv python install {target.python}` installs it"
        Annotations.of(scope).add_info_v2(NO_BYTECODE, advice)
    return found.directory


def _proved(scope: Construct, directory: Path, configuration: CheckedConfiguration) -> ShippedProof | None:
    """Proves the template in a Lambda directory. The build of `config` has just kept the certificate."""
    found = prove_shipped(directory, configuration, certificate_path(directory))
    if found is not None and found.warning is not None:
        Annotations.of(scope).add_warning_v2(NOT_PROVED, found.warning)
    return found


def _rules(
    scope: Construct, code: Path, configuration: CheckedConfiguration, props: AuthorizerProps
) -> MessageRules | None:
    """Adds what calls functions for messages, if the configuration has a rule."""
    if not configuration.rules:
        return None
    return MessageRules(scope, "Rules", code=code, configuration=configuration, props=props)


def _variables(
    stack: Stack,
    name: str | None,
    props: AuthorizerProps,
    table: aws_dynamodb.ITable | None,
    issuers: Sequence[Mapping[str, object]],
) -> dict[str, str]:
    """The function's variables that arguments of the construct set, in place of values of the configuration."""
    found = {
        NAME: name,
        TOPIC_PREFIX: props.topic_prefix,
        TABLE: None if table is None else name_or_arn(stack, table),
        ISSUERS: json.dumps(issuers, ensure_ascii=False) if issuers else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _merged(values: Mapping[str, str], of_arguments: Mapping[str, str]) -> dict[str, str]:
    """All variables of the function. Raises InvalidSettings if one is set twice, or would break the function."""
    for name, reason in _NOT_IN_VALUES.items():
        if name in values:
            raise InvalidSettings(f"values: remove {name}: {reason}")
    if both := sorted(values.keys() & of_arguments.keys()):
        raise InvalidSettings(f"values: remove {', '.join(both)}: another argument of the construct sets it")
    return {**values, **of_arguments}


def _check_size(environment: Mapping[str, str]) -> None:
    """Raises InvalidSettings for more variables than Lambda accepts. A token counts nothing: its value is not known."""
    size = sum(len(re.sub(TOKEN, "", f"{name}{value}").encode()) for name, value in environment.items())
    if size > _MOST_VARIABLES:
        largest = max(environment, key=lambda name: len(environment[name]))
        problem = f"found {size} bytes of environment variables, most in {largest}"
        advice = "write what the deployment need not know in authorizer.toml, such as [[jwt]] in place of issuers=[…]"
        raise InvalidSettings(f"values, issuers: {problem}, but Lambda accepts {_MOST_VARIABLES}: {advice}")


def _restored(configuration: CheckedConfiguration, stand_ins: StandIns) -> CheckedConfiguration:
    """Puts back what only the deployment knows, where other resources need it."""
    table = configuration.table
    secrets = tuple(map(stand_ins.restored, configuration.secrets))
    return replace(configuration, secrets=secrets, table=None if table is None else stand_ins.restored(table))


def _secrets(
    scope: Construct, names: Sequence[str], issuers: Sequence[Issuer], props: AuthorizerProps
) -> list[SecretGrant]:
    """Returns what the function needs to read each secret. Raises InvalidSettings for a secret that it cannot read."""
    for arn in props.secret_kms_key_arns:
        if (place := place_in(arn)) is not None:
            check_region(Stack.of(scope), f"secret_kms_key_arns: {arn}", place, "a key in this region")
    known = {name: secret for issuer in issuers for name, secret in issuer.secrets.items()}
    return [secret_grant(scope, name, known.get(name), props.secret_kms_key_arns) for name in dict.fromkeys(names)]


def _named_table(scope: Construct, name: str | None) -> aws_dynamodb.ITable | None:
    """Returns the table that the configuration names, by its name or ARN."""
    if name is None:
        return None
    if name.startswith("arn:"):
        return aws_dynamodb.Table.from_table_arn(scope, "Table", name)
    return aws_dynamodb.Table.from_table_name(scope, "Table", name)
