"""Reads `authorizer.toml`: which credentials the authorizer accepts, and which template grants topics."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from iot_authorizer import development
from iot_authorizer.configured_texts import AUTHORIZER_NAME, TABLE_NAME
from iot_authorizer.token_settings import JwtIssuer, SignedTokens, Text, indistinct
from iot_policies import InvalidFile
from iot_policies.grants import ConfiguredClaims, StrictModel, between
from iot_policies.names import name_problem
from iot_policies.overriding import override
from iot_policies.principal import Principal
from iot_policies.toml_file import Location, invalid_file, key_of, read_toml
from iot_policies.topic_prefix import check_topic_prefix

if TYPE_CHECKING:
    from iot_authorizer.rule_settings import MessageRule, NamedTopicFilter


def _matching(pattern: str, expected: str) -> AfterValidator:
    """A string that matches a regular expression as a whole."""
    fits = re.compile(pattern).fullmatch

    def check(value: str) -> str:
        if fits(value) is None:
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


HANDLER = "iot_authorizer.handler.lambda_handler"
"""The Lambda handler of this package, which runs unless the configuration names another one."""
CREDENTIALS_HANDLER = "iot_authorizer.credentials_handler.lambda_handler"
"""The Lambda handler of the credentials endpoint."""
_AuthorizerName = Annotated[str, _matching(AUTHORIZER_NAME, "1 to 128 letters, digits and _=,@-")]
_TokenKeyName = Annotated[str, _matching("[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits and _-")]
_TableName = Annotated[str, _matching(TABLE_NAME, "a DynamoDB table's name, 3 to 255 letters, digits, _.-, or its ARN")]
_Origin = Annotated[
    str,
    _matching(
        r"\*|https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?",
        'an origin such as "https://app.example.com", in lower case and without a path, or "*" for all',
    ),
]
_Handler = Annotated[
    str,
    _matching(
        r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+",
        '"MODULE.NAME", a function of a module beside this file, such as "my_rules.lambda_handler"',
    ),
]


class Passwords(StrictModel):
    """`[passwords]`: user names and passwords."""

    file: Text | None = None
    """A TOML file in the configuration's folder; without it, passwords are in the table."""


class Guessing(StrictModel):
    """`[guessing]`: how many wrong passwords lock, and for how long; only for passwords in the table."""

    lock_after: Annotated[int, Field(ge=1, le=1000)] = 10
    lock_for: Annotated[int, between("1s", "24h")] = 15 * 60


class RevocationSettings(StrictModel):
    """`[revocation]`: how the table is asked for revocations."""

    cache_for: Annotated[int, between("0s", "5m")] = 5
    when_unavailable: Literal["refuse", "allow"] = "refuse"


def checked_name(value: str) -> str:
    """Returns a principal's name. Raises ValueError for one that the authorizer refuses."""
    if (problem := name_problem(value)) is not None:
        raise ValueError(f"the name {problem}: the authorizer refuses such names")
    return value


class Anonymous(StrictModel):
    """`[anonymous]`: the principal of clients without credentials."""

    principal: Annotated[Text, AfterValidator(checked_name)]
    claims: ConfiguredClaims = Field(default_factory=dict)

    def as_principal(self) -> Principal:
        """The principal as templates see it."""
        return Principal(self.principal, self.claims)


class Signing(StrictModel):
    """`[signing]`: the public keys with which IoT Core verifies token signatures. The Lambda does not use them."""

    public_keys: Annotated[dict[Text, Text], Field(min_length=1)]
    """A PEM file in the configuration's folder for each key name."""


class CredentialsSettings(StrictModel):
    """`[credentials]`: the endpoint that gives clients temporary credentials for AWS."""

    origins: tuple[_Origin, ...] = ()
    """The origins of web pages that may use the endpoint, or `"*"` for all. Programs need none."""
    endpoint: Text | None = None
    """IoT Core's host name, which clients are told; by default the account's data endpoint."""
    role: Text | None = None
    """The ARN of the role that clients get. The construct makes it, and sets this key for the endpoint's function."""


class PartialConfiguration(StrictModel):
    """`authorizer.toml` for any Lambda handler. With a handler of your own, every key may be missing.

    Unknown top-level keys belong to that handler and are ignored.
    """

    model_config = ConfigDict(extra="ignore")

    name: _AuthorizerName = "authorizer"
    handler: _Handler = HANDLER
    """The Lambda handler: this package's, or a function of a module in the configuration's folder."""
    requirements: Text | None = None
    """A lock file in the configuration's folder with the packages that a handler of your own imports."""
    policy: Text | None = None
    """A policy template in the configuration's folder."""
    topic_prefix: Annotated[str, AfterValidator(check_topic_prefix)] = ""
    """The levels in front of each topic of the template, such as `dev`; empty for none."""
    table: _TableName | None = None
    """The DynamoDB table of identities: users, revocations and stored claims."""
    token_key_name: _TokenKeyName | None = None
    default_authorizer: bool = False
    """Whether it is the default authorizer of IoT Core on the user's machine; a deployment's stage says it for AWS."""
    jwt: tuple[JwtIssuer, ...] = ()
    passwords: Passwords | None = None
    signed_tokens: SignedTokens | None = None
    anonymous: Anonymous | None = None
    signing: Signing | None = None
    credentials: CredentialsSettings | None = None
    guessing: Guessing = Field(default_factory=Guessing)
    revocation: RevocationSettings = Field(default_factory=RevocationSettings)

    @field_validator("topic_prefix")
    @classmethod
    def _reaches_the_template(cls, prefix: str, others: ValidationInfo) -> str:
        if prefix and others.data.get("handler", HANDLER) != HANDLER:
            advice = (
                'remove it here and load the template with it: PolicyTemplate.load("policy.toml", topic_prefix="…")'
            )
            raise ValueError(f"found {prefix}, but a handler of your own does not read it: {advice}")
        return prefix

    @field_validator("credentials")
    @classmethod
    def _verifies_alike(
        cls, credentials: CredentialsSettings | None, others: ValidationInfo
    ) -> CredentialsSettings | None:
        if credentials is not None and others.data.get("handler", HANDLER) != HANDLER:
            advice = "remove it here and make a CredentialsHandler of your Authorizer in a function of its own"
            raise ValueError(f"the endpoint does not know how a handler of your own verifies clients: {advice}")
        return credentials

    _path: Path = PrivateAttr(default=Path("authorizer.toml"))
    _text: str = PrivateAttr(default="")
    _rule: "tuple[MessageRule, ...]" = PrivateAttr(default=())

    @contextmanager
    def naming(self, *location: str | int) -> Iterator[None]:
        """Adds the line and the key that name a file to an error about that file as a whole."""
        try:
            yield
        except InvalidFile as error:
            if error.key or error.line is not None:
                raise
            raise invalid_file(self._path, self._text, location, f"{error.path}: {error.expected}") from error

    @property
    def issuers(self) -> Mapping[tuple[str | int, ...], JwtIssuer | SignedTokens]:
        """The tables that name issuers of tokens, by their place in the file."""
        found: dict[tuple[str | int, ...], JwtIssuer | SignedTokens] = {}
        found |= {("jwt", index): each for index, each in enumerate(self.jwt)}
        if self.signed_tokens is not None:
            found["signed_tokens",] = self.signed_tokens
        return found

    @property
    def stored_claims_issuers(self) -> frozenset[str]:
        """The issuers whose tokens get stored claims; the development issuer is one if any other issuer is."""
        found = frozenset(each.issuer for each in self.issuers.values() if each.stored_claims)
        return found | {development.ISSUER} if found else found

    @property
    def rule(self) -> "tuple[MessageRule, ...]":
        """`[[rule]]`: functions that are called for each message. The authorizer does not use them."""
        return self._rule

    @property
    def rules(self) -> "Mapping[str, tuple[MessageRule, Sequence[NamedTopicFilter]]]":
        """Each `[[rule]]` by its name, with its topic rules. Raises InvalidFile."""
        found: dict[str, tuple[MessageRule, Sequence[NamedTopicFilter]]] = {}
        names: set[str] = set()
        for index, rule in enumerate(self.rule):
            if rule.name in found:
                raise invalid_file(self._path, self._text, ("rule", index, "name"), f"found {rule.name} twice")
            try:
                topic_rules = rule.topic_rules(self.name, self.topic_prefix)
            except ValueError as error:
                raise invalid_file(self._path, self._text, ("rule", index), str(error)) from None
            if both := names.intersection(each.name for each in topic_rules):
                problem = f"in IoT Core, {min(both)} would be the name of two rules: rename one"
                raise invalid_file(self._path, self._text, ("rule", index, "name"), problem)
            names.update(each.name for each in topic_rules)
            found[rule.name] = rule, topic_rules
        return found

    @property
    def accepts_credentials(self) -> bool:
        """Whether it says which clients are accepted."""
        return bool(self.jwt or self.passwords or self.signed_tokens or self.anonymous)


class Configuration(PartialConfiguration):
    """All of `authorizer.toml`, as the Lambda handler of this package needs it."""

    model_config = ConfigDict(extra="forbid")

    name: _AuthorizerName
    policy: Text


_TABLES = (
    Configuration,
    JwtIssuer,
    SignedTokens,
    Passwords,
    Anonymous,
    Signing,
    CredentialsSettings,
    Guessing,
    RevocationSettings,
)
_RULE = "rule"
_KEYS = {key for model in _TABLES for key in model.model_fields} | {_RULE}

_NO_CREDENTIALS = (
    "no client could be allowed: expected [[jwt]], [passwords], [signed_tokens] or [anonymous], or in your own CDK app "
    "issuers=[…] of the construct; without them, only `iot-authorizer dev` accepts clients, with tokens of the "
    "development issuer"
)

Read = TypeVar("Read", bound=PartialConfiguration)


def load_configuration(path: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    """Reads `authorizer.toml`.

    Variables such as `AUTHORIZER__JWT__0__SECRET` override values (`toml_file.override`). A configuration that accepts
    no credentials is refused, except on a developer's machine, where the development issuer can be the only one. Raises
    InvalidFile.
    """
    tables, text = read_toml(path)
    configuration = _read(Configuration, tables, text, path, environment)
    on_this_machine = development.KEYS in (os.environ if environment is None else environment)
    if not (configuration.accepts_credentials or on_this_machine):
        raise invalid_file(path, text, (), _NO_CREDENTIALS)
    for location, expected in _contradictions(configuration):
        raise invalid_file(path, text, location, expected)
    return configuration


def _contradictions(configuration: Configuration) -> Iterator[tuple[Location, str]]:
    """The keys that do not go with others, and what is expected."""
    for index, expected in indistinct(configuration.jwt):
        yield ("jwt", index, "issuer"), expected
    for (first, issuer), (other, same) in combinations(configuration.issuers.items(), 2):
        if issuer.issuer == same.issuer and issuer.stored_claims != same.stored_claims:
            yield (*other, "stored_claims"), f"expected the same as in {key_of(first)}, which has the same issuer"
    passwords = configuration.passwords
    has_file = passwords is not None and passwords.file is not None
    if configuration.table is None:
        table = 'table = "NAME" above the first [table], the name of a DynamoDB table'
        if passwords is not None and not has_file:
            yield ("passwords",), f'expected file = "…" or {table}'
        for location, issuer in configuration.issuers.items():
            if issuer.stored_claims:
                yield (*location, "stored_claims"), f"expected {table}"
        if "revocation" in configuration.model_fields_set:
            yield ("revocation",), f"expected {table}"
    if "guessing" in configuration.model_fields_set and (passwords is None or has_file):
        expected = "expected [passwords] without file: [guessing] limits the guessing of passwords in the table only"
        yield ("guessing",), expected


def needs_table(configuration: Configuration) -> bool:
    """Whether a configuration is refused without a table of identities."""
    return any(_contradictions(configuration.model_copy(update={"table": None})))


def load_partial_configuration(
    path: Path, environment: Mapping[str, str] | None = None, *, only: Collection[str] | None = None
) -> tuple[PartialConfiguration, str]:
    """Reads `authorizer.toml` for any handler, and its text for messages. Without the file, all keys are missing.

    `only`: the top-level keys to read, so that mistakes in others do not matter. Raises InvalidFile.
    """
    tables, text = read_toml(path) if path.exists() else ({}, "")
    return _read(PartialConfiguration, tables, text, path, environment, only), text


def _read(
    model: type[Read],
    tables: dict[str, object],
    text: str,
    path: Path,
    environment: Mapping[str, str] | None,
    only: Collection[str] | None = None,
) -> Read:
    override(tables, path, os.environ if environment is None else environment)
    wanted = tables if only is None else {key: value for key, value in tables.items() if key in only}
    if "grant" in tables and not {"name", "policy"} & tables.keys():
        expected = "this is a policy template: expected a configuration, such as authorizer.toml"
        raise InvalidFile(path, None, "", expected)
    found = model.of_file(path, text, {key: value for key, value in wanted.items() if key != _RULE}, _KEYS)
    found._path, found._text = path, text
    if _RULE in wanted:
        from iot_authorizer.rule_settings import RuleTables  # noqa: PLC0415 (most authorizers have no rule)

        found._rule = RuleTables.of_file(path, text, {_RULE: wanted[_RULE]}, _KEYS | RuleTables.keys()).rule
    return found
