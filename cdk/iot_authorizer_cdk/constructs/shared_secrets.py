"""What IAM needs so that the function may read the secret of an issuer: ARNs of the secret, and of its KMS key.

1. A secret is `secretsmanager:NAME` or `ssm:NAME`, where NAME may be an ARN, and parts may be tokens of the CDK. It can
   also be a construct of the CDK, which knows its own ARN.
2. In its ARNs, Secrets Manager appends a hyphen and six characters to the name of a secret. It also accepts an ARN
   without them, but IAM compares the whole ARN. So an ARN whose end may be missing is allowed with and without it.
3. A text that begins with `arn:` is an ARN. One that begins with any other text, or with a token that cannot contain a
   colon, is a name. One that is only the `Ref` of a secret is its whole ARN.
4. Any other token may become a name or an ARN, and IAM needs different ARNs for the two: it is refused.
5. The CDK gives the ARN of a new secret in another account without the six characters, also as the whole ARN.
6. A construct of a secret knows its customer-managed key, if it has one. One of a parameter, or a text, does not.
7. Secrets Manager lets another account read a secret only if a customer-managed key encrypts it ("Access AWS Secrets
   Manager secrets from a different account"). So without any key, a secret of another account is refused.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, cast

from aws_cdk import Reference, Stack, Token, Tokenization, aws_secretsmanager, aws_ssm
from constructs import IConstruct

from iot_authorizer_cdk.constructs.permissions import key_arn
from iot_authorizer_cdk.constructs.places import Place, called, check_region, is_new, place_in, place_of
from iot_authorizer_cdk.constructs.stand_ins import TOKEN
from iot_authorizer_cdk.properties import InvalidSettings

_ENDS = "-??????"
"""What Secrets Manager appends to a name, as IAM compares it."""
_WHOLE_ARNS = ("AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment")
"""The resources whose `Ref` is the whole ARN of a secret."""
_NAMES = ("AWS::SSM::Parameter",)
"""The resources whose `Ref` is a name."""

SecretConstruct = aws_secretsmanager.ISecret | aws_ssm.IParameter


class SecretGrant(NamedTuple):
    """What a function needs to read a secret."""

    service: str
    """`secretsmanager` or `ssm`."""
    arns: Sequence[str]
    """The ARNs to allow."""
    key: str | None
    """The ARN of the customer-managed key that the construct of the secret knows."""


class _SecretService(NamedTuple):
    """A service that stores secrets."""

    arn_part: str
    """The part of an ARN before the name, as a regular expression."""
    name: str
    """The names that it accepts, as a regular expression."""
    construct: str
    """How to make a construct of the CDK for an existing secret."""

    @property
    def written(self) -> str:
        """The part of an ARN before the name."""
        return self.arn_part.partition("(")[0] + ("/" if "(" in self.arn_part else "")


_SECRETS = {
    # CreateSecret, Name.
    "secretsmanager": _SecretService(
        "secret:", "[A-Za-z0-9/_+=.@-]{1,519}", "aws_secretsmanager.Secret.from_secret_name_v2(…)"
    ),
    # PutParameter, Name. A token after `parameter` may begin with the slash.
    "ssm": _SecretService(
        rf"parameter(?:/|(?={TOKEN}))",
        "[A-Za-z0-9/_.-]{1,1011}",
        "aws_ssm.StringParameter.from_secure_string_parameter_attributes(…)",
    ),
}


def named_by(secret: object) -> tuple[str, SecretConstruct]:
    """Returns how `[[jwt]]` names a secret of the CDK, and the secret. Raises InvalidSettings for others."""
    for service, attribute in (("secretsmanager", "secret_arn"), ("ssm", "parameter_arn")):
        if isinstance(arn := getattr(secret, attribute, None), str):
            return f"{service}:{arn}", cast("SecretConstruct", secret)
    expected = '"secretsmanager:NAME", "ssm:NAME", or a secret or a parameter of the CDK'
    raise InvalidSettings(f"Issuer: secret: found {type(secret).__name__}, expected {expected}")


def secret_grant(
    scope: IConstruct, name: str, secret: SecretConstruct | None = None, keys: Sequence[str] = ()
) -> SecretGrant:
    """Returns what a function needs to read a secret, as `[[jwt]]` names it. Raises InvalidSettings.

    `secret` is its construct, if it is one. `keys` are the ARNs of customer-managed keys that the function may use.
    """
    service, _, arn = name.partition(":")
    stack = Stack.of(scope)
    place = place_in(arn) if secret is None else place_of(secret, arn)
    subject = f"secret {name if secret is None else called(secret, arn)}"
    if place is not None:
        check_region(stack, subject, place, "a secret in this region, such as a replica")
    key = getattr(secret, "encryption_key", None)
    found = SecretGrant(
        service,
        secret_arns(scope, name) if secret is None else _arns_of(stack, service, secret, arn),
        None if key is None else key_arn(key),
    )
    if service == "secretsmanager" and place is not None and found.key is None and not keys:
        _check_account(stack, subject, place)
    return found


def _check_account(stack: Stack, subject: str, place: Place) -> None:
    """Raises InvalidSettings for a secret that is known to be in another account."""
    accounts = (place.account, stack.account)
    if place.account is None or accounts[0] == accounts[1] or any(map(Token.is_unresolved, accounts)):
        return
    problem = f"found account {place.account}, but the function is in {stack.account}, where it can read only a secret"
    advice = "set secret_kms_key_arns, and let the policies of the secret and of the key allow the function's role"
    raise InvalidSettings(f"{subject}: {problem} that a customer-managed KMS key encrypts: {advice}")


def _arns_of(stack: Stack, service: str, secret: SecretConstruct, arn: str) -> list[str]:
    """Returns the ARNs to allow for a construct of the CDK."""
    is_elsewhere = is_new(secret) and place_of(secret, arn).account != stack.account
    whole = getattr(secret, "secret_full_arn", None)
    if whole and not is_elsewhere:
        return [whole]
    return _with_ends(service, arn, may_be_whole=False)


def secret_arns(scope: IConstruct, secret: str) -> list[str]:
    """Returns the ARNs to allow for `secretsmanager:NAME` or `ssm:NAME`. Raises InvalidSettings."""
    service, _, name = secret.partition(":")
    known, stack = _SECRETS[service], Stack.of(scope)
    if re.fullmatch(TOKEN, name) and _target(name) in _WHOLE_ARNS:
        return [name]
    place = rf"arn:(?:aws[a-z-]*|{TOKEN}):{service}:(?:[a-z0-9-]+|{TOKEN}):(?:[0-9]{{12}}|{TOKEN}):{known.arn_part}"
    arn = re.match(place, name)
    rest = name[arn.end() :] if arn else name
    if re.fullmatch(known.name, re.sub(TOKEN, "x", rest)) is None:
        expected = f"expected its name, or its ARN: arn:aws:{service}:REGION:ACCOUNT:{known.written}…"
        raise InvalidSettings(f"authorizer.toml: secret {secret}: {expected}")
    if arn:
        return _with_ends(service, name, may_be_whole=bool(re.search(rf"(-[A-Za-z0-9]{{6}}|{TOKEN}\w{{0,6}})$", rest)))
    first = re.match(TOKEN, name)
    if first and not _is_name(stack, first[0]):
        problem = "only the deployment knows whether this is a name or an ARN, and IAM needs to know it now"
        advice = f"with Issuer.of, set secret={known.construct}; elsewhere, write an ARN that begins with arn:"
        raise InvalidSettings(f"secret {secret}: {problem}: {advice}")
    here = f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{known.written}"
    found = _with_ends(service, here + rest.removeprefix("/"), may_be_whole=False)
    if first and service == "ssm":  # The name may begin with the slash. ARNs without one name nothing.
        found.append(here.removesuffix("/") + rest)
    return found


def _with_ends(service: str, arn: str, *, may_be_whole: bool) -> list[str]:
    if service == "ssm":
        return [arn]
    return [arn, f"{arn}{_ENDS}"] if may_be_whole else [f"{arn}{_ENDS}"]


def _target(token: str) -> str | None:
    """Returns the type of the resource whose `Ref` a token is."""
    found = Tokenization.reverse_string(token).first_token
    if not Reference.is_reference(found) or getattr(found, "display_name", None) != "Ref":
        return None
    kind = getattr(getattr(found, "target", None), "cfn_resource_type", None)
    return kind if isinstance(kind, str) else None


def _is_name(stack: Stack, token: str) -> bool:
    """Returns whether a token becomes a name, or the beginning of one, and never an ARN."""
    return _target(token) in _NAMES or _without_colon(stack.resolve(token))


def _without_colon(value: object) -> bool:
    """Returns whether a value of CloudFormation never contains a colon."""
    match value:
        case str():
            return ":" not in value
        case {"Ref": "AWS::AccountId" | "AWS::Region" | "AWS::Partition" | "AWS::StackName"}:
            return True
        case {"Fn::Join": [str(between), list(parts)]}:
            return ":" not in between and all(map(_without_colon, parts))
        case {"Fn::Select": [_, {"Fn::Split": [between, whole]}]}:
            return between == ":" or _without_colon(whole)
    return False
