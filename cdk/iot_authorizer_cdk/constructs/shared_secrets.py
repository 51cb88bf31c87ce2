"""The ARNs that IAM needs so that the function may read the secret of an issuer.

1. A secret is `secretsmanager:NAME` or `ssm:NAME`, where NAME may be an ARN, and parts may be tokens of the CDK. It can
   also be a construct of the CDK, which knows its own ARN.
2. In its ARNs, Secrets Manager appends a hyphen and six characters to the name of a secret. It also accepts an ARN
   without them, but IAM compares the whole ARN. So an ARN whose end may be missing is allowed with and without it.
3. A text that begins with `arn:` is an ARN. One that begins with any other text, or with a token that cannot contain a
   colon, is a name. One that is only the `Ref` of a secret is its whole ARN.
4. Any other token may become a name or an ARN, and IAM needs different ARNs for the two: it is refused.
"""

import re
from typing import NamedTuple

from aws_cdk import Reference, Stack, Tokenization
from constructs import IConstruct

from iot_authorizer_cdk.constructs.stand_ins import TOKEN
from iot_authorizer_cdk.properties import InvalidSettings

_ENDS = "-??????"
"""What Secrets Manager appends to a name, as IAM compares it."""
_WHOLE_ARNS = ("AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment")
"""The resources whose `Ref` is the whole ARN of a secret."""
_NAMES = ("AWS::SSM::Parameter",)
"""The resources whose `Ref` is a name."""


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


def named_by(secret: object) -> tuple[str, list[str]]:
    """Returns how `[[jwt]]` names a secret of the CDK, and the ARNs to allow. Raises InvalidSettings for others."""
    if isinstance(arn := getattr(secret, "secret_arn", None), str):
        whole = getattr(secret, "secret_full_arn", None)
        return f"secretsmanager:{arn}", [whole or f"{arn}{_ENDS}"]
    if isinstance(arn := getattr(secret, "parameter_arn", None), str):
        return f"ssm:{arn}", [arn]
    expected = '"secretsmanager:NAME", "ssm:NAME", or a secret or a parameter of the CDK'
    raise InvalidSettings(f"Issuer: secret: found {type(secret).__name__}, expected {expected}")


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
