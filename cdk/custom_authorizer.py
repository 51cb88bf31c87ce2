"""The construct: a custom authorizer for IoT Core with its Lambda function."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from aws_cdk import CfnTag, Stack, aws_iam, aws_iot
from constructs import Construct

from cdk.authorizer_function import AuthorizerFunction, FunctionProps
from cdk.settings import read_settings

_DEFAULT_PROPS = FunctionProps()


class IotCustomAuthorizer(Construct):
    """A custom authorizer that `authorizer.toml` describes.

    ```python
    authorizer = IotCustomAuthorizer(self, "Authorizer", config="authorizer.toml", code="build/lambda")
    ```
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Path | str,
        code: Path | str = "build/lambda",
        name: str | None = None,
        values: Mapping[str, str] | None = None,
        status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE",
        caching_for_http: bool = False,
        function: FunctionProps = _DEFAULT_PROPS,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """`config` is checked as the Lambda checks it, and its policy template as the linter does.

        `code` is what `make build` wrote. `name` stands in place of the configuration's, and `values` in place of
        single values, by their names in the environment: `{"AUTHORIZER__JWT__0__ISSUER": "https://…"}`. An INACTIVE
        authorizer lets nobody in. With `caching_for_http` IoT Core asks once for an HTTPS connection instead of once a
        request.

        Raises InvalidFile and InvalidSettings, which say what to change.
        """
        super().__init__(scope, construct_id)
        environment = dict(values or {}) | ({} if name is None else {"AUTHORIZER__NAME": name})
        self.settings = read_settings(Path(config), environment)
        self.function = AuthorizerFunction(
            self,
            "Lambda",
            code=Path(code),
            environment={"AUTHORIZER_CONFIG": "authorizer.toml", **environment},
            secrets=self.settings.secrets,
            props=function,
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
