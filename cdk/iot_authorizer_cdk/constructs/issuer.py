"""An issuer of tokens that a CDK app hands to the construct, such as a Cognito user pool of the same stack.

1. An issuer is one `[[jwt]]` table: its keys have the same names, meanings and defaults as in `authorizer.toml`.
2. It is checked when it is made, so that the traceback of a mistake leads to the user's line. The Lambda checks it
   again when it starts, with the values that only the deployment knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from aws_cdk import aws_cognito, aws_secretsmanager, aws_ssm
from pydantic import ValidationError

from iot_authorizer.token_settings import Algorithm, JwtIssuer, KeyParameter
from iot_authorizer_cdk.constructs.shared_secrets import SecretConstruct, named_by
from iot_authorizer_cdk.constructs.stand_ins import StandIns
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies.toml_file import from_validation


class JwtKeys(TypedDict, total=False):
    """The keys of `[[jwt]]` beside `issuer`."""

    audience: Sequence[str]
    client_id: Sequence[str]
    client_claim: str
    token_use: Literal["access", "id"]
    token_type: str
    algorithms: Sequence[Algorithm]
    jwks: str
    secret: str | aws_secretsmanager.ISecret | aws_ssm.IParameter
    leeway: str
    required_claims: Sequence[str]
    ignore_header: Sequence[KeyParameter]
    max_age: str
    max_stale: str
    stored_claims: bool


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens an authorizer accepts. `of` and `cognito` make one.

    ```python
    Issuer.cognito(pool, clients=[client])
    Issuer.of("https://auth.example.com/", audience=["chat"], jwks="https://auth.example.com/.well-known/jwks.json")
    ```
    """

    table: Mapping[str, object]
    """The `[[jwt]]` table."""
    secrets: Mapping[str, SecretConstruct] = field(default_factory=dict)
    """The secret, if it is a construct of the CDK, by how the table names it."""

    @classmethod
    def of(cls, issuer: str, **keys: Unpack[JwtKeys]) -> "Issuer":
        """Returns any issuer, by the `iss` of its tokens and other keys of `[[jwt]]`; `algorithms` is `["RS256"]`.

        Raises InvalidSettings.
        """
        return cls._checked({"issuer": issuer, "algorithms": ["RS256"], **keys})

    @classmethod
    def cognito(
        cls, pool: aws_cognito.IUserPool, *, clients: Sequence[aws_cognito.IUserPoolClient], **keys: Unpack[JwtKeys]
    ) -> "Issuer":
        """Returns a Cognito user pool, whose access tokens of these app clients are accepted.

        With `token_use="id"`, ID tokens are accepted instead: name the pool twice to accept both. `keys` are other keys
        of `[[jwt]]`. Raises InvalidSettings.
        """
        names_clients = "audience" if keys.get("token_use") == "id" else "client_id"
        if names_clients in keys:
            raise InvalidSettings(f"Issuer.cognito: {names_clients}: remove it: clients says it")
        if not clients:
            raise InvalidSettings("Issuer.cognito: clients: expected at least one app client of the user pool")
        issuer = f"https://{pool.user_pool_provider_name}"
        defaults = {"algorithms": ["RS256"], "jwks": f"{issuer}/.well-known/jwks.json", "token_use": "access"}
        of_clients = {names_clients: [client.user_pool_client_id for client in clients]}
        return cls._checked({"issuer": issuer, **defaults, **of_clients, **keys})

    @classmethod
    def _checked(cls, table: Mapping[str, object]) -> "Issuer":
        lists = {key: list(value) if isinstance(value, tuple) else value for key, value in table.items()}
        for key, value in lists.items():
            if isinstance(value, Iterable) and not isinstance(value, str | list | Mapping):
                raise InvalidSettings(f"Issuer: {key}: found a {type(value).__name__}, expected a list")
        secrets: dict[str, SecretConstruct] = {}
        if not isinstance(secret := lists.get("secret", ""), str):
            name, construct = named_by(secret)
            lists["secret"], secrets = name, {name: construct}
        known = StandIns().of_table(lists)
        try:
            JwtIssuer.model_validate(known)
        except ValidationError as error:
            problem = from_validation(Path("Issuer"), "", known, error, JwtIssuer.model_fields)
            raise InvalidSettings(str(problem)) from None
        return cls(lists, secrets)
