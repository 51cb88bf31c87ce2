"""Reads and checks the `authorizer.toml` of a Lambda directory, as far as the construct depends on it.

1. The configuration is read with the variables that the function will have, as the Lambda reads it. With a handler of
   your own, the keys that it does not use may be missing.
2. Everything that the Lambda loads when it starts is loaded here too, so that a mistake stops the deployment.
3. All files that it names must be beside it: the Lambda has no others.
4. Warnings of the linter about the policy template are refused. It also knows the principal of `[anonymous]`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from iot_authorizer.building import build
from iot_authorizer.configuration import (
    HANDLER,
    Configuration,
    PartialConfiguration,
    load_configuration,
    load_partial_configuration,
)
from iot_authorizer.preparation import Preparation
from iot_authorizer.preparing import prepare
from iot_authorizer.rule_settings import MessageRule, NamedTopicFilter
from iot_authorizer_cdk.package.own_code import Functions, check_function
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.linter import lint
from iot_policies.toml_file import Location, file_not_found, invalid_file, read_file, read_toml

CONFIGURATION = "authorizer.toml"
"""The configuration's name in the Lambda directory, where it may have had another name before."""
ISSUERS = "AUTHORIZER__JWT"
"""The function's variable with issuers that only the deployment knows: in JSON, in place of all `[[jwt]]`."""
TABLE = "AUTHORIZER__TABLE"
"""The function's variable with the name of its identity table."""
CREDENTIALS = ("AUTHORIZER__CREDENTIALS__ENDPOINT", "AUTHORIZER__CREDENTIALS__ROLE")
"""The function's variables with IoT Core's host name and the role of the credentials endpoint's clients."""
NAME = "AUTHORIZER__NAME"
"""The function's variable with the authorizer's name."""
TOPIC_PREFIX = "AUTHORIZER__TOPIC_PREFIX"
"""The function's variable with the levels in front of each topic."""
_MOST_KEYS = 2
"""Signing keys (CreateAuthorizer, tokenSigningPublicKeys)."""
SAMPLE_TABLE = "known-when-deployed"
"""Used in checks instead of a table name that only the deployment knows."""
_SMALLEST_KEY = 2048
"""Bits (AWS::IoT::Authorizer, TokenSigningPublicKeys)."""
_KEY_NAME = re.compile(r"[A-Za-z0-9:_-]{1,128}")
"""CreateAuthorizer, tokenSigningPublicKeys."""


@dataclass(frozen=True, slots=True)
class CheckedConfiguration:
    """What `authorizer.toml` says about the authorizer."""

    name: str
    token_key_name: str | None
    credentials: frozenset[Literal["token", "password"]]
    """What clients may send. Without any, all clients are anonymous."""
    public_keys: Mapping[str, str]
    """PEM by key name. With any key, IoT Core verifies signatures."""
    secrets: tuple[str, ...]
    """`secretsmanager:NAME` or `ssm:NAME` of each shared secret."""
    table: str | None
    """The name or ARN of the identity table."""
    policy: str | None
    """The policy template, relative to its folder; None if all grants come from code."""
    topic_prefix: str
    """The levels in front of each topic of the template."""
    files: frozenset[Path]
    """The files that it names, relative to its folder."""
    secret_files: frozenset[Path]
    """Those that only the authorizer may have: its password file, unless a handler of your own may read it."""
    handler: str
    """The Lambda handler."""
    requirements: str | None
    """The lock file with the packages of code of your own, relative to its folder."""
    own_functions: Functions
    """The functions of your own: the handler, and those of `[[rule]]`."""
    rules: Mapping[str, tuple[MessageRule, Sequence[NamedTopicFilter]]]
    """Each `[[rule]]` by its name, with its topic rules."""
    gives_credentials: bool
    """Whether the credentials endpoint is configured."""
    has_own_endpoint: bool
    """Whether the configuration says which host name the credentials endpoint tells clients."""
    preparation: Preparation | None
    """What the authorizer is built of; None for a handler of your own."""


class TemplateWarnings(InvalidSettings):
    """A policy template with warnings of the linter."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = findings
        """One line for each warning, with its file, line and key."""
        super().__init__("; ".join(findings))


def deployment_problems(config: Path) -> Sequence[str]:
    """What `build` will refuse about a configuration, one line for each problem; empty if it will refuse nothing.

    The proof of the template is left out: it takes longer.
    """
    try:
        check_configuration(config, {TABLE: SAMPLE_TABLE})
    except TemplateWarnings as error:
        return error.findings
    except (InvalidFile, InvalidSettings) as error:
        return (str(error),)
    return ()


def built_configuration(code: Path) -> Path:
    """Returns the configuration in a Lambda directory. Raises InvalidSettings if there is none."""
    config = code / CONFIGURATION
    if not config.is_file():
        raise InvalidSettings(f"{code}: not a Lambda directory, no {CONFIGURATION}: run `iot-authorizer build`")
    return config


def check_configuration(config: Path, environment: Mapping[str, str]) -> CheckedConfiguration:
    """Reads and checks a configuration with the function's variables. Raises InvalidFile and InvalidSettings."""
    found = _read(config, environment)
    for location, function in _own_functions(found).items():
        check_function(config, location, function)
    _check_jwks_urls(config, found)
    files = frozenset(named_files(config, found))
    preparation = prepare(found, config.parent) if isinstance(found, Configuration) else None
    if preparation is not None:
        without_table = replace(preparation, table=None)  # A table can only be read in AWS.
        build(without_table, environment={**environment, "AWS_LAMBDA_FUNCTION_NAME": found.name})
    if found.policy is not None:
        _check_policy(config.parent / found.policy, found)
    public_keys = _public_keys(config, found)
    if public_keys and found.token_key_name is None:
        raise InvalidSettings(f"{config}: [signing] also needs token_key_name, the key of the signed token")
    credentials = frozenset(_credentials(found))
    if public_keys and "token" not in credentials:
        reason = "with signing, IoT Core refuses every client without a signed token"
        raise InvalidSettings(f"{config}: [signing] also needs [[jwt]] or [signed_tokens]: {reason}")
    return CheckedConfiguration(
        name=found.name,
        token_key_name=found.token_key_name,
        credentials=credentials,
        public_keys=public_keys,
        secrets=tuple(issuer.secret for issuer in found.jwt if issuer.secret is not None),
        table=found.table,
        policy=found.policy,
        topic_prefix=found.topic_prefix,
        files=files,
        secret_files=_secret_files(found),
        handler=found.handler,
        requirements=found.requirements,
        own_functions=_own_functions(found),
        rules=found.rules,
        gives_credentials=found.credentials is not None,
        has_own_endpoint=found.credentials is not None and found.credentials.endpoint is not None,
        preparation=preparation,
    )


def _own_functions(configuration: PartialConfiguration) -> Functions:
    rules = enumerate(configuration.rule)
    found: dict[Location, str] = {
        ("rule", index, "function"): rule.function for index, rule in rules if rule.is_own_code
    }
    return found if configuration.handler == HANDLER else {("handler",): configuration.handler, **found}


def _credentials(configuration: PartialConfiguration) -> Iterator[Literal["token", "password"]]:
    """Yields what clients may send. A handler of your own may read anything."""
    is_own = configuration.handler != HANDLER
    if is_own or configuration.issuers:
        yield "token"
    if is_own or configuration.passwords is not None:
        yield "password"


def _read(config: Path, environment: Mapping[str, str]) -> PartialConfiguration:
    """Reads a configuration, as a `Configuration` for this package's own handler.

    Raises InvalidFile, and InvalidSettings for a topic prefix of a stage that a handler of your own does not read.
    """
    own_handler, _ = load_partial_configuration(config, environment, only=("handler",))
    if (prefix := environment.get(TOPIC_PREFIX)) and own_handler.handler != HANDLER:
        advice = 'remove it here, and load the template with it: PolicyTemplate.load("policy.toml", topic_prefix="…")'
        problem = f"found {prefix!r}, but {own_handler.handler}, a handler of your own, does not read it"
        raise InvalidSettings(f"topic_prefix: {problem}: {advice}")
    partial, text = load_partial_configuration(config, environment)
    if ISSUERS in environment:
        _check_issuers(config, partial.handler)
    if partial.handler != HANDLER:
        if "name" not in partial.model_fields_set:
            raise invalid_file(config, text, ("name",), "is missing: the deployment names the authorizer by it")
        return partial
    if partial.requirements is not None and not _own_functions(partial):
        unused = "only code of your own imports packages: also set handler, a function of [[rule]], or remove this key"
        raise invalid_file(config, text, ("requirements",), unused)
    return load_configuration(config, environment)


def _check_issuers(config: Path, handler: str) -> None:
    """Raises InvalidFile unless the issuers of the construct are the only ones, and something reads them."""
    if "jwt" in read_toml(config)[0]:
        both = f"issuers=[…] of the construct ({ISSUERS}) replace all [[jwt]]: remove these tables, or issuers"
        raise _invalid(config, ("jwt",), both)
    if handler != HANDLER:
        unread = "a handler of your own does not read issuers=[…] of the construct: remove issuers"
        raise _invalid(config, ("handler",), unread)


def _check_jwks_urls(config: Path, configuration: PartialConfiguration) -> None:
    for index, issuer in enumerate(configuration.jwt):
        if issuer.jwks is not None and issuer.jwks.startswith("http:"):
            expected = f"found {issuer.jwks}, which only this machine can fetch: use an https:// URL or a file"
            raise _invalid(config, ("jwt", index, "jwks"), expected)


def _invalid(config: Path, location: Location, expected: str) -> InvalidFile:
    return invalid_file(config, read_toml(config)[1], location, expected)


def named_files(config: Path, configuration: PartialConfiguration) -> Iterator[Path]:
    """Yields the files that a configuration names. Raises InvalidFile for one that is not beside it."""
    for location, name in _names_by_location(configuration):
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            expected = f"found {name}, expected a file in the folder of the configuration or below"
            raise _invalid(config, location, expected)
        if not (config.parent / path).is_file():
            problem = f"{name}: {file_not_found(config.parent / path)}"
            raise _invalid(config, location, f"{problem} (the Lambda has only the files that {CONFIGURATION} names)")
        yield path


def _secret_files(configuration: PartialConfiguration) -> frozenset[Path]:
    passwords = configuration.passwords
    if configuration.handler != HANDLER or passwords is None or passwords.file is None:
        return frozenset()
    return frozenset({Path(passwords.file)})


def _names_by_location(configuration: PartialConfiguration) -> Iterator[tuple[Location, str]]:
    if configuration.policy is not None:
        yield ("policy",), configuration.policy
    for index, issuer in enumerate(configuration.jwt):
        if issuer.jwks is not None and "://" not in issuer.jwks:
            yield ("jwt", index, "jwks"), issuer.jwks
    if configuration.passwords is not None and configuration.passwords.file is not None:
        yield ("passwords", "file"), configuration.passwords.file
    if configuration.signing is not None:
        for key_name, file in configuration.signing.public_keys.items():
            yield ("signing", "public_keys", key_name), file


def _check_policy(path: Path, configuration: PartialConfiguration) -> None:
    template, (_, text) = PolicyTemplate.load(path, configuration.topic_prefix), read_toml(path)
    anonymous = configuration.anonymous
    findings = [
        str(invalid_file(path, text, finding.location, finding.message))
        for finding in lint(template, None if anonymous is None else anonymous.as_principal())
        if finding.severity == "warning"
    ]
    if findings:
        raise TemplateWarnings(findings)


def _public_keys(config: Path, configuration: PartialConfiguration) -> dict[str, str]:
    files = configuration.signing.public_keys if configuration.signing else {}
    if len(files) > _MOST_KEYS:
        expected = f"found {len(files)} keys, expected at most {_MOST_KEYS}, as in IoT Core: `keys retire` removes one"
        raise _invalid(config, ("signing", "public_keys"), expected)
    for name in files:
        if _KEY_NAME.fullmatch(name) is None:
            raise _invalid(config, ("signing", "public_keys", name), "expected 1 to 128 letters, digits and :_-")
    return {name: _public_key(config.parent / file) for name, file in files.items()}


def _public_key(path: Path) -> str:
    content = read_file(path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidFile(path, None, "", "expected a public key in PEM, as `iot-authorizer keys new` writes") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise InvalidFile(path, None, "", f"expected an RSA key of {_SMALLEST_KEY} bits or more")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
