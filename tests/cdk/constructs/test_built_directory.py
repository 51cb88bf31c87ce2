"""The construct builds the Lambda directory of a configuration, with this package's handler or one of your own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack, aws_cognito, aws_dynamodb, aws_sqs
from aws_cdk.assertions import Match, Template

from iot_authorizer.preparation import PreparedEndpoint, read_preparation
from iot_authorizer_cdk import InvalidSettings, IotCustomAuthorizer, Issuer
from iot_policies import InvalidFile
from tests.cdk.configurations import POLICY, append
from tests.cdk.conftest import synthesize_construct
from tests.cdk.intrinsics import filled

FUNCTION = "AWS::Lambda::Function"
HANDLER = "def lambda_handler(event, context): ...\n"
HAS_CONFIGURATION = {
    "Properties": {"Environment": {"Variables": Match.object_like({"AUTHORIZER_CONFIG": "authorizer.toml"})}}
}
VALUES = {"AUTHORIZER__TOKEN_KEY_NAME": "session"}
POOL = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3dE5gH7"
OWN = 'name = "own"\nhandler = "rules.lambda_handler"\n'


def with_own_handler(config: Path, more: str = "") -> None:
    config.write_text(OWN + more)
    config.with_name("rules.py").write_text(HANDLER)


def deployed(config: Path, **properties: Any) -> Path:  # noqa: ANN401
    """The directory that a deployment of the configuration uploads."""
    app = App()
    IotCustomAuthorizer(Stack(app, "Test"), "Authorizer", config=config, **properties)
    return uploaded(app)


def uploaded(app: App) -> Path:
    """The Lambda directory in an app's output."""
    assembly = Path(app.synth().directory)
    files = json.loads((assembly / "Test.assets.json").read_text())["files"].values()
    (asset,) = (each["source"]["path"] for each in files if each["source"]["packaging"] == "zip")
    return Path(assembly, asset)


def test_what_the_files_say_now_is_deployed(config: Path) -> None:
    assert (deployed(config) / "policy.toml").read_text() == POLICY
    config.with_name("policy.toml").write_text(POLICY.replace("outbox", "other"))
    assert (deployed(config) / "policy.toml").read_text() == POLICY.replace("outbox", "other")


def test_authorizer_toml_of_the_current_folder_is_the_default(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    synthesize_construct().has_resource_properties("AWS::IoT::Authorizer", {"AuthorizerName": "chat"})


def test_a_file_that_values_name_is_built_too(config: Path) -> None:
    config.with_name("other.toml").write_text(POLICY)
    synthesize_construct(config=config, values={"AUTHORIZER__POLICY": "other.toml"})


def test_the_function_starts_from_a_preparation_that_was_made_with_its_variables(config: Path) -> None:
    config.write_text('name = "chat"\npolicy = "policy.toml"\n')
    issuer = Issuer.of("https://a.example/", audience=["caf\xe9"], jwks="https://a.example/keys")
    properties: dict[str, Any] = {"config": config, "issuers": [issuer], "name": "other", "values": VALUES}
    (function,) = synthesize_construct(**properties).find_resources(FUNCTION, HAS_CONFIGURATION).values()
    variables = function["Properties"]["Environment"]["Variables"]
    found = read_preparation(deployed(**properties) / "authorizer.toml", variables)
    assert found is not None
    assert (found.name, found.token_key_name) == ("other", "session")
    assert [each.expects.audience for each in found.issuers] == [("caf\xe9",)]


def test_the_function_starts_from_it_with_a_user_pool_of_its_own_stack(config: Path) -> None:
    config.write_text('name = "chat"\npolicy = "policy.toml"\n')
    app = App()
    stack = Stack(app, "Test")
    pool = aws_cognito.UserPool(stack, "Users")
    issuer = Issuer.cognito(pool, clients=[pool.add_client("Web")])
    IotCustomAuthorizer(
        stack,
        "Authorizer",
        config=config,
        issuers=[issuer],
        table=aws_dynamodb.TableV2(
            stack, "Table", partition_key=aws_dynamodb.Attribute(name="id", type=aws_dynamodb.AttributeType.STRING)
        ),
    )
    code = uploaded(app)
    (function,) = Template.from_stack(stack).find_resources(FUNCTION, HAS_CONFIGURATION).values()
    variables = {
        name: filled(value, known_late) for name, value in function["Properties"]["Environment"]["Variables"].items()
    }
    found = read_preparation(code / "authorizer.toml", variables)
    assert found is not None
    expects = found.issuers[0].expects
    assert (expects.issuer, expects.client_id, found.table) == (f"https://{POOL}", ("3n4b5urk",), "3n4b5urk")


def known_late(intrinsic: Mapping[str, object]) -> str:
    return POOL if "Fn::GetAtt" in intrinsic else "3n4b5urk"


@pytest.mark.parametrize(
    "late", ['a","b', '\\","b', '"],"jwks":"https://b.example"},{"issuer":"b', "a\\", '""', "{{resolve:ssm:/a}}"]
)
@pytest.mark.parametrize("name", ["AUTHORIZER__JWT", "AUTHORIZER__SIGNED_TOKENS"])
def test_a_value_that_only_the_deployment_knows_cannot_end_its_text(config: Path, name: str, late: str) -> None:
    config.write_text('name = "chat"\npolicy = "policy.toml"\n[signed_tokens]\nissuer = "a"\n')
    stack = Stack(App(), "Test")
    audience = [CfnParameter(stack, "Audience").value_as_string]
    issuers, values = [Issuer.of("https://a.example/", audience=audience, jwks="https://a.example/keys")], {}
    if name == "AUTHORIZER__SIGNED_TOKENS":
        issuers, values = [], {name: json.dumps({"issuer": "a", "audience": audience})}
    IotCustomAuthorizer(stack, "Authorizer", config=config, issuers=issuers, values=values)
    (function,) = Template.from_stack(stack).find_resources(FUNCTION, HAS_CONFIGURATION).values()
    variables = function["Properties"]["Environment"]["Variables"]
    found = json.loads(filled(variables[name], lambda _: late))
    (table,) = found if isinstance(found, list) else [found]
    assert table["audience"] == [late]
    assert "{{resolve:" not in filled(variables[name], lambda _: late)


def test_the_function_of_the_credentials_endpoint_starts_from_it_too(config: Path) -> None:
    append(config, "[credentials]")
    app = App()
    IotCustomAuthorizer(stack := Stack(app, "Test"), "Authorizer", config=config)
    found = Template.from_stack(stack).find_resources(FUNCTION, HAS_CONFIGURATION)
    (function,) = (each for name, each in found.items() if "Credentials" in name)
    variables = function["Properties"]["Environment"]["Variables"]
    host, role = "a1b2-ats.iot.eu-west-1.amazonaws.com", "arn:aws:iam::123456789012:role/Test-Client-1"
    told = {"AUTHORIZER__CREDENTIALS__ENDPOINT": host, "AUTHORIZER__CREDENTIALS__ROLE": role}
    assert variables.keys() >= told.keys()
    preparation = read_preparation(uploaded(app) / "authorizer.toml", {**variables, **told})
    assert preparation is not None
    assert preparation.endpoint == PreparedEndpoint((), host, role)


def test_two_constructs_of_an_app_have_their_own_directories(config: Path) -> None:
    other = config.with_name("other.toml")
    other.write_text(config.read_text().replace('"chat"', '"other"', 1))
    stack = Stack(App(), "Test")
    for name, each in (("One", config), ("Two", other)):
        IotCustomAuthorizer(stack, name, config=each)
    found = [
        each["Properties"]["Code"].get("S3Key") for each in Template.from_stack(stack).find_resources(FUNCTION).values()
    ]
    assert len(set(found) - {None}) == 2


def test_a_configuration_and_a_directory_exclude_each_other(code: Path, config: Path) -> None:
    with pytest.raises(InvalidSettings, match="config, code: set only one"):
        synthesize_construct(config=config, code=code)


def test_a_handler_of_your_own_is_the_functions(config: Path) -> None:
    """It reads the authorizer's name, by which the alarms find its metrics, and the token key name in the file."""
    with_own_handler(config)
    expected = {
        "Handler": "rules.lambda_handler",
        "Environment": {"Variables": Match.object_like({"AUTHORIZER_CONFIG": "authorizer.toml"})},
    }
    synthesize_construct(config=config).has_resource_properties(FUNCTION, expected)
    assert (deployed(config) / "rules.py").read_text() == HANDLER


def test_its_role_takes_the_permissions_that_it_needs(config: Path) -> None:
    with_own_handler(config)
    stack = Stack(App(), "Test")
    authorizer = IotCustomAuthorizer(stack, "Authorizer", config=config)
    aws_sqs.Queue(stack, "Queue").grant_send_messages(authorizer.function.role)
    actions = Match.object_like({"Statement": [Match.object_like({"Action": Match.array_with(["sqs:SendMessage"])})]})
    Template.from_stack(stack).has_resource_properties("AWS::IAM::Policy", {"PolicyDocument": actions})


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('handler = "rules.lambda_handler"', r"authorizer\.toml: name: is missing: the deployment names"),
        (
            f'{OWN}requirements = "lambda.txt"',
            r"authorizer\.toml:3: requirements: lambda\.txt does not exist: `iot-auth",
        ),
        (f'{OWN}policy = "nowhere.toml"', r"policy: nowhere\.toml: file not found"),
        (
            'name = "own"\nhandler = "rulse.lambda_handler"',
            r"authorizer\.toml:2: handler: rulse is not beside this file",
        ),
        (
            'name = "own"\nrequirements = "lambda.txt"\npolicy = "policy.toml"\n[anonymous]\nprincipal = "guest"',
            r"authorizer\.toml:2: requirements: only code of your own imports packages: also set handler",
        ),
    ],
)
def test_what_the_lambda_would_lack_is_refused(config: Path, toml: str, message: str) -> None:
    with_own_handler(config)
    config.write_text(toml)
    with pytest.raises(InvalidFile, match=message):
        synthesize_construct(config=config)


def test_a_handler_that_a_directory_lacks_is_refused(code: Path, config: Path) -> None:
    config.write_text(OWN)
    with pytest.raises(InvalidFile, match=r"handler: rules is not beside this file"):
        synthesize_construct(code=code)
