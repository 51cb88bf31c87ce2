"""The settings of `[[jwt]]` and `[signed_tokens]`: which tokens are accepted, and how each is verified.

1. Public keys and shared secrets never meet: HS256 is the only algorithm of its table, with a secret and no JWKS.
2. Several tables of one issuer must differ in what their tokens say, so that each token belongs to one of them: in the
   algorithm, the `typ`, the `token_use`, the audience or the client. Tables that do not differ are refused. Otherwise
   what one of them requires, such as a claim, would not count for tokens that the other one accepts.
3. Only a token with audiences of several tables fits several. `jwt_verifier` says which table decides.
4. What cannot work is refused when the file is loaded: an issuer with a placeholder equals no `iss`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from iot_authorizer.issuer_checks import check_issuer, check_jwks
from iot_authorizer.tokens import media_type, same_algorithms
from iot_policies.grants import StrictModel, between

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256"
]
KeyParameter = Literal["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"]
Text = Annotated[str, Field(min_length=1)]

_SECRET_NAME = re.compile(r"(secretsmanager|ssm):.+")


class TokenSettings(StrictModel):
    """What tokens must say, whether this code or IoT Core verifies their signature."""

    issuer: Annotated[Text, AfterValidator(check_issuer)]
    audience: tuple[Text, ...] = ()
    leeway: Annotated[int, between("0s", "5m")] = 30
    required_claims: tuple[Text, ...] = ()
    token_type: Text | None = None
    ignore_header: tuple[KeyParameter, ...] = ()
    """Parameters with keys that a token's header may have. They are never used."""
    stored_claims: bool = False
    """Whether the principal's claims in the table are added to the token's and replace equal ones."""

    @property
    def required_type(self) -> str | None:
        """The required `typ` in full."""
        return None if self.token_type is None else media_type(self.token_type)


class JwtIssuer(TokenSettings):
    """`[[jwt]]`: an issuer of bearer tokens."""

    client_id: tuple[Text, ...] = ()
    client_claim: Text = "client_id"
    """The claim that has the client ID, such as `azp`."""
    token_use: Literal["access", "id"] | None = None
    """The claim `token_use` of Amazon Cognito."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)]
    jwks: Text | None = None
    """A URL, or a file in the configuration's folder."""
    secret: Text | None = None
    """The name of a shared secret: `secretsmanager:NAME` or `ssm:NAME`."""
    max_age: Annotated[int, between("30s", "24h")] = 600
    max_stale: Annotated[int, between("0s", "7d")] = 86_400

    @model_validator(mode="after")
    def _checked(self) -> "JwtIssuer":
        if not self.audience and not self.client_id:
            raise ValueError(
                "set audience, client_id or both (client_id is for access tokens without audience, as of Cognito)"
            )
        if "client_claim" in self.model_fields_set and not self.client_id:
            raise ValueError("client_claim: expected client_id beside it, the accepted values of this claim")
        shared = "HS256" in self.algorithms
        if shared and len(self.algorithms) > 1:
            raise ValueError(
                "algorithms: HS256 must be the only one: with others, a public key could be used as its secret; "
                "write a second [[jwt]] of this issuer for the others"
            )
        if shared != (self.secret is not None) or shared == (self.jwks is not None):
            raise ValueError('expected jwks = "https://…" or a file, or for HS256 only secret = "secretsmanager:NAME"')
        if self.secret is not None and not _SECRET_NAME.fullmatch(self.secret):
            raise ValueError('secret: expected its name, "secretsmanager:NAME" or "ssm:NAME", never the secret itself')
        if self.jwks is not None:
            check_jwks(self.jwks)
        return self

    @property
    def required_use(self) -> str | None:
        """The required `token_use`. If only `client_id` is configured, tokens are Cognito's and must be for access.

        Other issuers without audiences have no `token_use`: for them, the file names `client_claim`.
        """
        cognito = self.client_id and not self.audience and "client_claim" not in self.model_fields_set
        return self.token_use or ("access" if cognito else None)


class SignedTokens(TokenSettings):
    """`[signed_tokens]`: RS256 JWTs whose signature IoT Core verifies before it invokes the Lambda."""


def indistinct(tables: Sequence[JwtIssuer]) -> Iterator[tuple[int, str]]:
    """Yields the index of each table that does not differ from an earlier one, and what is expected."""
    for (index, first), (other, second) in combinations(enumerate(tables), 2):
        if first.issuer == second.issuer and not _differ(first, second):
            expected = (
                f"jwt[{index}] has the same issuer, and a token can fit both: expected other algorithms, or another "
                "audience or client_id, or different values of token_type or token_use in both"
            )
            yield other, expected


def _differ(first: JwtIssuer, second: JwtIssuer) -> bool:
    """Whether no token fits both tables, except by several audiences."""
    clients = first.client_id and second.client_id and first.client_claim == second.client_claim
    return (
        same_algorithms(first.algorithms).isdisjoint(same_algorithms(second.algorithms))
        or _other(first.required_type, second.required_type)
        or _other(first.required_use, second.required_use)
        or (bool(first.audience or second.audience) and set(first.audience).isdisjoint(second.audience))
        or (bool(clients) and set(first.client_id).isdisjoint(second.client_id))
    )


def _other(first: str | None, second: str | None) -> bool:
    return None not in (first, second) and first != second
