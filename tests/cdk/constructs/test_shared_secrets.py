"""The secrets of issuers: what the function's role may read for each way to name one, and what is refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, Stack, aws_kms, aws_secretsmanager, aws_ssm
from aws_cdk.assertions import Template

from iot_authorizer_cdk import AuthorizerProps, InvalidSettings, IotCustomAuthorizer, Issuer
from tests.cdk.configurations import KEY_ARN
from tests.cdk.conftest import statements

Make = Callable[[Stack], object]
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chat/hs256"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/chat/hs256"
FAR_ARN, FOREIGN_ARN = SECRET_ARN.replace("eu-west", "us-east"), SECRET_ARN.replace("123456789012", "999999999999")
WHERE = "arn:AWS::Partition:{}:AWS::Region:AWS::AccountId:"
SECRET, PARAMETER = WHERE.format("secretsmanager") + "secret:", WHERE.format("ssm") + "parameter"


def existing(stack: Stack) -> aws_secretsmanager.ISecret:
    return aws_secretsmanager.Secret.from_secret_name_v2(stack, "Named", "prod/key")


def new(stack: Stack) -> aws_secretsmanager.Secret:
    return aws_secretsmanager.Secret(stack, "New")


def parameter(stack: Stack, name: str | None = None) -> aws_ssm.StringParameter:
    return aws_ssm.StringParameter(stack, "Value", string_value="x", parameter_name=name)


def imported(stack: Stack) -> aws_ssm.IStringParameter:
    return aws_ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Own", parameter_name="/prod/key")


def stage(stack: Stack) -> str:
    return CfnParameter(stack, "Stage").value_as_string


def complete(stack: Stack, arn: str) -> aws_secretsmanager.ISecret:
    return aws_secretsmanager.Secret.from_secret_complete_arn(stack, "Whole", arn)


def partial(stack: Stack) -> aws_secretsmanager.ISecret:
    return aws_secretsmanager.Secret.from_secret_partial_arn(stack, "Partial", SECRET_ARN)


def attached(stack: Stack) -> str:
    secret = aws_secretsmanager.CfnSecretTargetAttachment(
        stack, "Attached", secret_id="x", target_id="y", target_type="AWS::RDS::DBInstance"
    )
    return secret.ref


def flat(value: object) -> object:
    """A value of the template as one text, with the name in place of each `Ref`."""
    match value:
        case list():
            return [flat(each) for each in value]
        case {"Ref": str(name)}:
            return name.rstrip("0123456789ABCDEF") if name.startswith(("New", "Value")) else name
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(flat(part)) for part in parts)
        case {"Fn::Select": _}:
            return "NAME"
    return value


def allowed(code: Path, stack: Stack, secret: object, *keys: str) -> list[Mapping[str, Any]]:
    """What the role may do for the secret of an issuer, with the ARNs of its keys."""
    (code / "authorizer.toml").write_text('name = "chat"\npolicy = "policy.toml"\ntoken_key_name = "token"\n')
    issuer = Issuer.of("https://a.example/", audience=["chat"], algorithms=["HS256"], secret=secret)  # type: ignore[arg-type]
    props = AuthorizerProps(secret_kms_key_arns=keys)
    IotCustomAuthorizer(stack, "Authorizer", code=code, issuers=[issuer], props=props)
    return statements(Template.from_stack(stack))[1:]


def readable(code: Path, make: Make) -> object:
    """The resources that the role may read for the secret of an issuer."""
    stack = Stack(App(), "Test")
    (reads,) = allowed(code, stack, make(stack))
    return flat(reads["Resource"])


READABLE: dict[str, tuple[Make, object]] = {
    # A construct knows its own ARN.
    "new secret": (new, "New"),
    "secret by name": (existing, f"{SECRET}prod/key-??????"),
    "secret by its whole ARN": (lambda stack: complete(stack, f"{SECRET_ARN}-AbCdEf"), f"{SECRET_ARN}-AbCdEf"),
    "secret by a part of its ARN": (partial, f"{SECRET_ARN}-??????"),
    "new parameter": (parameter, f"{PARAMETER}/Value"),
    "parameter by name": (imported, f"{PARAMETER}/prod/key"),
    # ARNs.
    "ARN of a new secret": (lambda stack: f"secretsmanager:{new(stack).secret_arn}", "New"),
    "ARN of an attached secret": (lambda stack: f"secretsmanager:{attached(stack)}", "Attached"),
    "ARN of a secret by name": (
        lambda stack: f"secretsmanager:{existing(stack).secret_arn}",
        f"{SECRET}prod/key-??????",
    ),
    "ARN that ends with a token": (
        lambda stack: f"secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:{stage(stack)}",
        [f"{SECRET_ARN.removesuffix('chat/hs256')}Stage{end}" for end in ("", "-??????")],
    ),
    "ARN with a token inside": (
        lambda stack: f"secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:{stage(stack)}/key",
        f"{SECRET_ARN.removesuffix('chat/hs256')}Stage/key-??????",
    ),
    "ARN of this account": (
        lambda stack: f"secretsmanager:{SECRET_ARN.replace('123456789012', Aws.ACCOUNT_ID)}-AbCdEf",
        [f"{SECRET_ARN.replace('123456789012', 'AWS::AccountId')}-AbCdEf{end}" for end in ("", "-??????")],
    ),
    "ARN of a new parameter": (lambda stack: f"ssm:{parameter(stack).parameter_arn}", f"{PARAMETER}/Value"),
    "ARN of a new parameter with a path": (
        lambda stack: f"ssm:{parameter(stack, '/a/b').parameter_arn}",
        f"{PARAMETER}Value",
    ),
    "ARN of a parameter by name": (lambda stack: f"ssm:{imported(stack).parameter_arn}", f"{PARAMETER}/prod/key"),
    # Names.
    "name of a new secret": (lambda stack: f"secretsmanager:{new(stack).secret_name}", f"{SECRET}NAME-NAME-??????"),
    "name of a secret": (lambda stack: f"secretsmanager:{existing(stack).secret_name}", f"{SECRET}prod/key-??????"),
    "name that ends with a token": (
        lambda stack: f"secretsmanager:prod/{stage(stack)}",
        f"{SECRET}prod/Stage-??????",
    ),
    "name that begins with the stack's": (
        lambda _: f"secretsmanager:{Aws.STACK_NAME}/key",
        f"{SECRET}AWS::StackName/key-??????",
    ),
    "name of a new parameter": (
        lambda stack: f"ssm:{parameter(stack).parameter_name}",
        [f"{PARAMETER}/Value", f"{PARAMETER}Value"],
    ),
    "name of a new parameter with a path": (
        lambda stack: f"ssm:{parameter(stack, '/a/b').parameter_name}",
        [f"{PARAMETER}/Value", f"{PARAMETER}Value"],
    ),
    "name of a parameter": (lambda stack: f"ssm:{imported(stack).parameter_name}", f"{PARAMETER}/prod/key"),
    "path that ends with a token": (lambda stack: f"ssm:/prod/{stage(stack)}", f"{PARAMETER}/prod/Stage"),
}


@pytest.mark.parametrize(("make", "expected"), READABLE.values(), ids=READABLE)
def test_the_role_may_read_the_secret_of_an_issuer(code: Path, make: Make, expected: object) -> None:
    assert readable(code, make) == expected


UNCLEAR: dict[str, Make] = {
    "parameter of the stack": lambda stack: f"secretsmanager:{stage(stack)}",
    "parameter of the stack, of SSM": lambda stack: f"ssm:{stage(stack)}",
    "export of another stack": lambda _: f"secretsmanager:{Fn.import_value('secret')}",
    "what begins with a parameter": lambda stack: f"secretsmanager:{stage(stack)}/key",
    "ARN of a secret with more behind it": lambda stack: f"secretsmanager:{new(stack).secret_arn}x",
}


@pytest.mark.parametrize("make", UNCLEAR.values(), ids=UNCLEAR)
def test_a_token_that_may_be_a_name_or_an_arn_is_refused(code: Path, make: Make) -> None:
    expected = r"only the deployment knows whether this is a name or an ARN.* set secret=aws_.*from_.*\(…\)"
    with pytest.raises(InvalidSettings, match=expected):
        readable(code, make)


INVALID: dict[str, Make] = {
    "ARN with a token for its resource": lambda stack: f"secretsmanager:arn:aws:secretsmanager:{stage(stack)}",
    "wildcard beside a token": lambda stack: f"secretsmanager:prod/{stage(stack)}*",
    "wildcard in an ARN": lambda stack: f"ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/{stage(stack)}/*",
    "ARN of another service": lambda stack: f"ssm:{new(stack).secret_arn and SECRET_ARN}{stage(stack)}",
}


@pytest.mark.parametrize("make", INVALID.values(), ids=INVALID)
def test_a_text_that_cannot_become_a_name_or_an_arn_is_refused(code: Path, make: Make) -> None:
    with pytest.raises(InvalidSettings, match=r"secret .*: expected its name, or its ARN: arn:aws:s"):
        readable(code, make)


def test_what_is_neither_a_text_nor_a_secret_is_refused_where_the_issuer_is_made() -> None:
    with pytest.raises(InvalidSettings, match=r"Issuer: secret: found int, expected \"secretsmanager:NAME\""):
        Issuer.of("https://a.example/", audience=["chat"], algorithms=["HS256"], secret=7)  # type: ignore[arg-type]


HERE = Environment(account="123456789012", region="eu-west-1")
NEXT_DOOR = Environment(account="999999999999", region="eu-west-1")
FAR_AWAY = Environment(account="123456789012", region="us-east-1")


def of_another_stack(stack: Stack, place: Environment, name: str | None = None) -> aws_secretsmanager.Secret:
    other = Stack(stack.node.root, "Other", env=place)  # type: ignore[arg-type]
    return aws_secretsmanager.Secret(other, "New", secret_name=name)


def test_a_secret_of_another_stack_is_read_by_its_whole_arn(code: Path) -> None:
    stack = Stack(App(), "Test", env=HERE)
    (reads,) = allowed(code, stack, of_another_stack(stack, HERE))
    assert reads["Resource"]["Fn::ImportValue"].startswith("Other:ExportsOutputRefNew")


def test_a_secret_of_another_account_is_read_by_its_name_with_any_end(code: Path) -> None:
    """The CDK does not know the six characters then."""
    stack = Stack(App(), "Test", env=HERE)
    reads, _ = allowed(code, stack, of_another_stack(stack, NEXT_DOOR, "prod/key"), KEY_ARN)
    assert flat(reads["Resource"]) == (
        "arn:AWS::Partition:secretsmanager:eu-west-1:999999999999:secret:prod/key-??????"
    )


def key_of(stack: Stack) -> aws_kms.IKey:
    return aws_kms.Key.from_key_arn(stack, "Key", KEY_ARN)


ENCRYPTED: dict[str, Make] = {
    "new": lambda stack: aws_secretsmanager.Secret(stack, "New", encryption_key=key_of(stack)),
    "with an alias": lambda stack: aws_secretsmanager.Secret(
        stack,
        "New",
        encryption_key=aws_kms.Alias.from_alias_attributes(
            stack, "Alias", alias_name="alias/key", alias_target_key=key_of(stack)
        ),
    ),
    "imported": lambda stack: aws_secretsmanager.Secret.from_secret_attributes(
        stack, "Own", secret_complete_arn=f"{SECRET_ARN}-AbCdEf", encryption_key=key_of(stack)
    ),
}


@pytest.mark.parametrize("make", ENCRYPTED.values(), ids=ENCRYPTED)
def test_the_role_may_decrypt_with_the_key_of_a_secret_only_through_secrets_manager(code: Path, make: Make) -> None:
    stack = Stack(App(), "Test", env=HERE)
    _, decrypts = allowed(code, stack, make(stack))
    assert decrypts == {
        "Action": "kms:Decrypt",
        "Effect": "Allow",
        "Resource": KEY_ARN,
        "Condition": {"StringEquals": {"kms:ViaService": ["secretsmanager.eu-west-1.amazonaws.com"]}},
    }


def test_in_china_the_role_may_decrypt_through_a_service_with_either_name(code: Path) -> None:
    place = "cn-north-1"
    stack = Stack(App(), "Test", env=Environment(account=HERE.account, region=place))
    key = aws_kms.Key.from_key_arn(stack, "Key", f"arn:aws-cn:kms:{place}:{HERE.account}:key/1")
    _, decrypts = allowed(code, stack, aws_secretsmanager.Secret(stack, "New", encryption_key=key))
    services = [f"secretsmanager.{place}.amazonaws.com", f"secretsmanager.{place}.amazonaws.com.cn"]
    assert decrypts["Condition"] == {"StringEquals": {"kms:ViaService": services}}


def test_a_secret_with_an_alias_whose_key_is_not_known_is_refused(code: Path) -> None:
    stack = Stack(App(), "Test")
    alias = aws_kms.Alias.from_alias_name(stack, "Alias", "alias/key")
    with pytest.raises(InvalidSettings, match=r"encryption_key: found alias/key, an alias: .*Key\.from_key_arn\(…\)"):
        allowed(code, stack, aws_secretsmanager.Secret(stack, "New", encryption_key=alias))


ELSEWHERE: dict[str, tuple[Make, str]] = {
    "new": (lambda stack: of_another_stack(stack, FAR_AWAY), "Other/New"),
    "new, with a name": (lambda stack: of_another_stack(stack, FAR_AWAY, "prod/key"), "Other/New"),
    "by its whole ARN": (lambda stack: complete(stack, f"{FAR_ARN}-AbCdEf"), f"{FAR_ARN}-AbCdEf"),
    "text": (lambda _: f"secretsmanager:{FAR_ARN}", f"secretsmanager:{FAR_ARN}"),
    "text of SSM": (lambda _: f"ssm:{PARAMETER_ARN.replace('eu-west', 'us-east')}", "ssm:arn:aws:ssm:us-east-1:"),
    "text with a token": (
        lambda _: f"secretsmanager:{FAR_ARN.replace('aws', Aws.PARTITION, 1)}",
        "secretsmanager:arn:.*:us-east-1:",
    ),
}


@pytest.mark.parametrize(("make", "subject"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_secret_of_another_region_is_refused(code: Path, make: Make, subject: str) -> None:
    stack = Stack(App(), "Test", env=HERE)
    with pytest.raises(InvalidSettings, match=f"secret {subject}.*: found us-east-1, but the stack is in eu-west-1"):
        allowed(code, stack, make(stack))


def test_a_key_of_another_region_is_refused(code: Path) -> None:
    stack, key = Stack(App(), "Test", env=HERE), KEY_ARN.replace("eu-west", "us-east")
    with pytest.raises(InvalidSettings, match=f"secret_kms_key_arns: {key}: found us-east-1, but the stack is in eu"):
        allowed(code, stack, new(stack), key)


def test_in_a_stack_whose_region_is_not_known_it_is_not_refused(code: Path) -> None:
    (reads,) = allowed(code, Stack(App(), "Test"), f"secretsmanager:{FAR_ARN}")
    assert reads["Resource"] == f"{FAR_ARN}-??????"


FOREIGN: dict[str, Make] = {
    "new": lambda stack: of_another_stack(stack, NEXT_DOOR, "prod/key"),
    "by its whole ARN": lambda stack: complete(stack, f"{FOREIGN_ARN}-AbCdEf"),
    "text": lambda _: f"secretsmanager:{FOREIGN_ARN}-AbCdEf",
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_secret_of_another_account_needs_a_customer_managed_key(code: Path, make: Make) -> None:
    expected = "found account 999999999999, but the function is in 123456789012, .* set secret_kms_key_arns"
    stack = Stack(App(), "Test", env=HERE)
    with pytest.raises(InvalidSettings, match=expected):
        allowed(code, stack, make(stack))
    stack = Stack(App(), "Test", env=HERE)
    _, decrypts = allowed(code, stack, make(stack), KEY_ARN)
    assert decrypts["Resource"] == KEY_ARN
