"""The construct: a custom authorizer for IoT Core with its Lambda function."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from aws_cdk import CfnTag, Stack, Token, aws_dynamodb, aws_iam, aws_iot
from constructs import Construct

from iot_authorizer_cdk.authorizer_function import AuthorizerFunction, FunctionProps
from iot_authorizer_cdk.bounds import check_text
from iot_authorizer_cdk.settings import (
    CONFIGURATION,
    SOME_TABLE,
    TABLE,
    InvalidSettings,
    Settings,
    built_configuration,
    read_settings,
)
from iot_authorizer_cdk.target import check_target

_DEFAULT_PROPS = FunctionProps()
_MOST_TAGS = 50
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
        values: Mapping[str, str] | None = None,
        status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE",
        caching_for_http: bool = False,
        function: FunctionProps = _DEFAULT_PROPS,
        table: aws_dynamodb.ITable | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """`code` is what `make build` wrote: it is checked as the Lambda checks it, its policy as the linter does.

        `name` stands in place of the configuration's, and `values` in place of single values, by their names in the
        environment: `{"AUTHORIZER__JWT__0__ISSUER": "https://…"}`; the files that these name have to be in `code`. An
        INACTIVE authorizer lets nobody in. With `caching_for_http` IoT Core asks once for an HTTPS connection instead
        of once a request. The function reads `table`, an identity table, and counts wrong passwords in it; without it,
        the table that the configuration names.

        Raises InvalidFile and InvalidSettings, which say what to change.
        """
        super().__init__(scope, construct_id)
        _check_tags(tags or {})
        if _NAMESPACE in (values or {}):
            raise InvalidSettings(f"values: {_NAMESPACE}: alarms and the dashboard look at IotAuthorizer alone")
        config = built_configuration(Path(code))
        check_target(config.parent, function.runtime.name.removeprefix("python"), function.architecture.name)
        environment = dict(values or {}) | ({} if name is None else {"AUTHORIZER__NAME": name})
        if table is not None:
            environment[TABLE] = table.table_name
        self.settings = read_settings(config, _known(environment))
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=config.parent,
            environment=environment | {"AUTHORIZER_CONFIG": CONFIGURATION},
            secrets=self.settings.secrets,
            props=function,
            table=table or _table_of(self, self.settings),
        )
        self.authorizer_name = self.settings.name
        """What clients call it."""
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
            status=status,
            signing_disabled=not self.settings.public_keys,
            token_key_name=self.settings.token_key_name,
            token_signing_public_keys=dict(self.settings.public_keys) or None,
            enable_caching_for_http=caching_for_http,
            tags=[CfnTag(key=key, value=value) for key, value in (tags or {}).items()] or None,
        )


def _known(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with a name for what only a deployment knows, as far as it can be checked before."""
    of_deployment = Token.is_unresolved(environment.get(TABLE))
    return dict(environment) | ({TABLE: SOME_TABLE} if of_deployment else {})


def _table_of(scope: Construct, settings: Settings) -> aws_dynamodb.ITable | None:
    """The table that a configuration names."""
    name = settings.table
    if name is None:
        return None
    if name.startswith("arn:"):
        return aws_dynamodb.Table.from_table_arn(scope, "Table", name)
    return aws_dynamodb.Table.from_table_name(scope, "Table", name)


def _check_tags(tags: Mapping[str, str]) -> None:
    """IoT's Tag, and "Tag naming limits and requirements" of AWS. Raises InvalidSettings."""
    if len(tags) > _MOST_TAGS:
        raise InvalidSettings(f"tags: expected at most {_MOST_TAGS}")
    letters = "letters, digits, spaces and _.:/=+-@"
    for key, value in tags.items():
        check_text("tags", key, r"(?!(?i:aws:))[\w .:/=+@-]{1,128}", f"keys of 1 to 128 {letters}, not aws: first")
        check_text(f"tags: {key}", value, r"[\w .:/=+@-]{0,256}", f"at most 256 {letters}")
