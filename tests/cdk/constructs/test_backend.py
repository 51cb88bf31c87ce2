"""A function of the app that publishes: the statement in its role, and its variables."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations, aws_iam, aws_kms, aws_lambda
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from iot_authorizer.rule_settings import RULE_HANDLER
from iot_authorizer_cdk import AuthorizerProps, IdentityTable, InvalidSettings, IotCustomAuthorizer
from tests.cdk.configurations import append
from tests.cdk.constructs.test_message_rules import OWN

TOPIC = "rooms/lobby/topic"


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


@pytest.fixture
def authorizer(stack: Stack, code: Path) -> IotCustomAuthorizer:
    return IotCustomAuthorizer(stack, "Authorizer", code=code)


@pytest.fixture
def backend(stack: Stack) -> aws_iam.Role:
    """The role of a function that publishes."""
    return aws_iam.Role(stack, "Backend", assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"))


def statements_of(stack: Stack) -> list[Any]:
    """The statements of the only policy that is not in a role."""
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    found: list[Any] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def granted(stack: Stack) -> Any:  # noqa: ANN401
    """The only statement of this policy."""
    (statement,) = statements_of(stack)
    return statement


def topic_arn(topic: str) -> dict[str, Any]:
    place = ["arn:", {"Ref": "AWS::Partition"}, ":iot:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*place, f":topic/{topic}"]]}


def test_a_backend_may_publish_to_the_topic_and_do_nothing_else(
    stack: Stack, authorizer: IotCustomAuthorizer, backend: aws_iam.Role
) -> None:
    authorizer.grant_publish(backend, TOPIC)
    assert granted(stack) == {"Action": "iot:Publish", "Effect": "Allow", "Resource": topic_arn(TOPIC)}


def test_a_backend_may_publish_to_several_topics_and_retain_messages(
    stack: Stack, authorizer: IotCustomAuthorizer, backend: aws_iam.Role
) -> None:
    authorizer.grant_publish(backend, TOPIC, "news/+", "alarms/#", widen=True, retain=True)
    statement = granted(stack)
    assert statement["Action"] == ["iot:Publish", "iot:RetainPublish"]
    assert statement["Resource"] == [topic_arn(TOPIC), topic_arn("news/*"), topic_arn("alarms/*")]


def test_the_topic_prefix_of_the_stage_is_in_the_statement_and_in_a_variable(
    stack: Stack, code: Path, backend: aws_iam.Role
) -> None:
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code, props=AuthorizerProps(topic_prefix="dev"))
    authorizer.grant_publish(backend, TOPIC)
    assert granted(stack)["Resource"] == topic_arn(f"dev/{TOPIC}")
    assert authorizer.backend_environment["IOT_TOPIC_PREFIX"] == "dev/"


def test_the_variables_name_the_accounts_endpoint_and_no_prefix_without_one(
    stack: Stack, authorizer: IotCustomAuthorizer
) -> None:
    expected = {"AWS_ENDPOINT_URL_IOT_DATA_PLANE": f"https://{authorizer.endpoint}"}
    assert authorizer.backend_environment == expected


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (["rooms/+/topic"], r'^grant_publish: "rooms/\+/topic": a wildcard of IAM reaches across levels'),
        ([], "^grant_publish: expected at least one topic"),
    ],
)
def test_topics_that_an_allow_cannot_say_are_refused(
    authorizer: IotCustomAuthorizer, backend: aws_iam.Role, topics: list[str], expected: str
) -> None:
    with pytest.raises(InvalidSettings, match=expected):
        authorizer.grant_publish(backend, *topics)


def test_a_function_of_a_rule_is_granted_by_its_role_and_refused_without_it(stack: Stack, code: Path) -> None:
    append(code / "authorizer.toml", OWN)
    (code / "my_rules.py").write_text("def on_message(event, context): ...\n")
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code)
    assert authorizer.rules is not None
    function = authorizer.rules.functions["on_say"]
    with pytest.raises(InvalidSettings, match="name its role"):
        authorizer.grant_publish(function.function, TOPIC)
    authorizer.grant_publish(function.role, TOPIC)
    for name, value in authorizer.backend_environment.items():  # As the page says.
        function.function.add_environment(name, value)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (found,) = (each["Properties"] for name, each in policies.items() if "DefaultPolicy" in name)
    assert found["PolicyDocument"]["Statement"][0]["Resource"] == topic_arn(TOPIC)
    variables = stack.resolve(authorizer.backend_environment)
    properties = {"Handler": RULE_HANDLER, "Environment": {"Variables": variables}}
    Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", properties)


PRINCIPALS = [
    aws_iam.ServicePrincipal("lambda.amazonaws.com"),
    aws_iam.ArnPrincipal("arn:aws:iam::123456789012:role/backend"),
]


@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda principal: type(principal).__name__)
def test_a_principal_to_which_the_cdk_adds_no_statement_is_refused(
    authorizer: IotCustomAuthorizer, principal: aws_iam.IPrincipal
) -> None:
    with pytest.raises(InvalidSettings, match="grantee: the CDK cannot add a statement to it: name a function, a role"):
        authorizer.grant_publish(principal, TOPIC)


ITEMS_OF_USERS = {"dynamodb:LeadingKeys": ["user#*"]}


def test_a_backend_may_change_claims_and_read_or_write_nothing_else_in_the_table(
    stack: Stack, code: Path, backend: aws_iam.Role
) -> None:
    table = IdentityTable(stack, "Identities").table
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code, table=table)
    authorizer.grant_change_claims(backend)
    reads, writes = statements_of(stack)
    expected = {
        "ForAllValues:StringLike": ITEMS_OF_USERS,
        "Null": {"dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false"},
    }
    assert reads["Action"] == "dynamodb:GetItem"
    assert reads["Condition"] == expected | {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "revision", "expires_at", "claims"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }
    assert writes["Action"] == "dynamodb:UpdateItem"
    assert writes["Condition"] == expected | {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "revision", "claims"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    }
    assert reads["Resource"] == writes["Resource"] == stack.resolve(table.table_arn)
    assert authorizer.backend_environment["IDENTITY_TABLE"] == table.table_name


def test_only_a_backend_that_adds_users_may_read_and_write_whole_users(
    stack: Stack, code: Path, backend: aws_iam.Role
) -> None:
    table = IdentityTable(stack, "Identities").table
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code, table=table)
    authorizer.grant_change_claims(backend, add_missing=True)
    *_, adding = statements_of(stack)
    condition = {"ForAllValues:StringLike": ITEMS_OF_USERS, "Null": {"dynamodb:LeadingKeys": "false"}}
    assert adding["Action"] == ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
    assert adding["Condition"] == condition


def test_a_backend_may_use_the_key_of_the_table_through_dynamodb_only(
    stack: Stack, code: Path, backend: aws_iam.Role
) -> None:
    key = aws_kms.Key(stack, "Key")
    table = IdentityTable(stack, "Identities", encryption_key=key).table
    IotCustomAuthorizer(stack, "Authorizer", code=code, table=table).grant_change_claims(backend)
    *_, uses_key = statements_of(stack)
    assert (uses_key["Action"], uses_key["Resource"]) == ("kms:Decrypt", stack.resolve(key.key_arn))
    assert list(uses_key["Condition"]) == ["StringEquals"]


def test_without_a_table_there_are_no_claims_to_change(authorizer: IotCustomAuthorizer, backend: aws_iam.Role) -> None:
    with pytest.raises(InvalidSettings, match=r"grant_change_claims: the authorizer has no identity table: set table="):
        authorizer.grant_change_claims(backend)


def test_a_backend_may_disconnect_the_clients_that_are_named(
    stack: Stack, authorizer: IotCustomAuthorizer, backend: aws_iam.Role
) -> None:
    authorizer.grant_disconnect(backend, "ann", "devices/*", "a?$b")
    clients = ["ann", "devices/*", "a${?}${$}b"]
    resources = [
        {"Fn::Join": ["", [*place, part.replace("topic/", f"client/{client}")]]}
        for client in clients
        for *place, part in [topic_arn("")["Fn::Join"][1]]
    ]
    assert granted(stack) == {"Action": "iot:DeleteConnection", "Effect": "Allow", "Resource": resources}


@pytest.mark.parametrize("client_ids", [[], [""], ["a*b"], ["**"], ["${Token[TOKEN.7]}"], ["☃"]])
def test_client_ids_that_a_statement_cannot_name_are_refused(
    authorizer: IotCustomAuthorizer, backend: aws_iam.Role, client_ids: list[str]
) -> None:
    with pytest.raises(InvalidSettings, match=r'grant_disconnect: .*: write client IDs such as "ann"'):
        authorizer.grant_disconnect(backend, *client_ids)


@pytest.mark.parametrize(("topic", "accepted"), [(TOPIC, True), ("rooms/#", False)])
def test_cdk_nag_reports_only_a_wildcard_which_the_owner_of_the_role_accepts(
    tmp_path: Path, code: Path, topic: str, accepted: bool
) -> None:
    app = App(outdir=str(tmp_path / "out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = Stack(app, "Test")
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=code)
    role = aws_iam.Role(stack, "Backend", assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"))
    authorizer.grant_publish(role, topic)
    if accepted:
        app.synth()
    else:
        with pytest.raises(RuntimeError, match="IAM5"):
            app.synth()


def test_a_function_gets_the_endpoint_that_the_deployment_looks_up(
    stack: Stack, authorizer: IotCustomAuthorizer
) -> None:
    function = aws_lambda.Function(
        stack,
        "Function",
        code=aws_lambda.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=aws_lambda.Runtime.PYTHON_3_14,
        environment=authorizer.backend_environment,
    )
    authorizer.grant_publish(function, TOPIC)
    template = Template.from_stack(stack)
    (url,) = (
        each["Properties"]["Environment"]["Variables"]["AWS_ENDPOINT_URL_IOT_DATA_PLANE"]
        for name, each in template.find_resources("AWS::Lambda::Function").items()
        if name.startswith("Function")
    )
    (endpoint,) = template.find_resources("Custom::IotEndpoint")
    assert url == {"Fn::Join": ["", ["https://", {"Fn::GetAtt": [endpoint, "Address"]}]]}
    assert granted(stack)["Resource"] == topic_arn(TOPIC)
