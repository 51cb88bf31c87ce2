"""Issuers that a CDK app hands to the construct: what the function gets, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, SecretValue, Stack, aws_cognito, aws_kms, aws_secretsmanager, aws_ssm
from aws_cdk.assertions import Match, Template

from iot_authorizer.token_settings import JwtIssuer
from iot_authorizer_cdk import Alarms, Dashboard, IdentityTable, InvalidSettings, IotCustomAuthorizer, Issuer
from iot_authorizer_cdk.constructs.issuer import JwtKeys
from iot_policies import InvalidFile
from tests.cdk.configurations import CONFIGURATION
from tests.cdk.conftest import Synth
from tests.cdk.intrinsics import filled

AUTH = "https://auth.example.com/"
KEYS = f"{AUTH}keys"
FUNCTION = "AWS::Lambda::Function"


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Test")


@pytest.fixture
def open_code(code: Path) -> Path:
    """A Lambda directory whose configuration names no issuer."""
    (code / "authorizer.toml").write_text(CONFIGURATION.partition("[[jwt]]")[0])
    return code


def pool_of(stack: Stack, name: str = "Users") -> tuple[aws_cognito.UserPool, aws_cognito.UserPoolClient]:
    pool = aws_cognito.UserPool(stack, name)
    return pool, pool.add_client("Web")


def tables(stack: Stack, code: Path, *issuers: Issuer) -> list[dict[str, Any]]:
    """The issuers that the function gets, with `{NAME}` for each value that CloudFormation fills in."""
    IotCustomAuthorizer(stack, "Authorizer", code=code, issuers=issuers)
    found = Template.from_stack(stack).find_resources(FUNCTION, {"Properties": {"MemorySize": 512}})
    (function,) = found.values()
    value = function["Properties"]["Environment"]["Variables"]["AUTHORIZER__JWT"]
    parsed: list[dict[str, Any]] = json.loads(filled(value, named))
    return parsed


def named(intrinsic: dict[str, Any]) -> str:
    (value,) = intrinsic.values()
    return f"{{{value if isinstance(value, str) else value[-1]}}}"


def test_a_user_pool_of_the_stack_is_an_issuer_of_access_tokens_of_its_clients(stack: Stack, open_code: Path) -> None:
    pool, client = pool_of(stack)
    (found,) = tables(stack, open_code, Issuer.cognito(pool, clients=[client]))
    assert found == {
        "issuer": "https://{ProviderName}",
        "client_id": [f"{{{stack.get_logical_id(client.node.default_child)}}}"],  # type: ignore[arg-type]
        "token_use": "access",
        "algorithms": ["RS256"],
        "jwks": "https://{ProviderName}/.well-known/jwks.json",
    }


def test_its_id_tokens_and_other_keys_can_be_chosen(stack: Stack, open_code: Path) -> None:
    pool, client = pool_of(stack)
    access, ids = tables(
        stack,
        open_code,
        Issuer.cognito(pool, clients=[client], audience=["https://api.example.com"], stored_claims=False),
        Issuer.cognito(pool, clients=[client], token_use="id", leeway="1m"),
    )
    assert (access["audience"], access["stored_claims"]) == (["https://api.example.com"], False)
    assert (ids["audience"], ids["token_use"], ids["leeway"]) == (access["client_id"], "id", "1m")
    assert "client_id" not in ids


def test_an_imported_user_pool_is_an_issuer_of_the_stacks_region(stack: Stack, open_code: Path) -> None:
    pool = aws_cognito.UserPool.from_user_pool_id(stack, "Users", "eu-west-1_EXAMPLE")
    client = aws_cognito.UserPoolClient.from_user_pool_client_id(stack, "Web", "3n4b5urk1ft4fl3mg5e62d9ado")
    (found,) = tables(stack, open_code, Issuer.cognito(pool, clients=[client]))
    assert found["issuer"] == "https://cognito-idp.{AWS::Region}.{AWS::URLSuffix}/eu-west-1_EXAMPLE"


def test_a_user_pool_of_another_stack_is_an_issuer(stack: Stack, open_code: Path) -> None:
    pool, client = pool_of(Stack(stack.node.root, "Other"))  # type: ignore[arg-type]
    (found,) = tables(stack, open_code, Issuer.cognito(pool, clients=[client]))
    assert found["issuer"].startswith("https://{Other:ExportsOutput")


def test_user_pools_whose_names_are_not_known_yet_are_different_issuers(stack: Stack, open_code: Path) -> None:
    issuers = [Issuer.cognito(pool, clients=[client]) for pool, client in (pool_of(stack, "A"), pool_of(stack, "B"))]
    assert len(tables(stack, open_code, *issuers)) == 2


def test_any_issuer_has_the_keys_of_a_jwt_table(stack: Stack, open_code: Path) -> None:
    (found,) = tables(stack, open_code, Issuer.of(AUTH, audience=("chat",), jwks=KEYS, max_age="1h"))
    assert found == {"issuer": AUTH, "audience": ["chat"], "algorithms": ["RS256"], "jwks": KEYS, "max_age": "1h"}
    assert JwtKeys.__annotations__.keys() == JwtIssuer.model_fields.keys() - {"issuer"}


def test_each_value_may_be_known_only_to_the_deployment(stack: Stack, open_code: Path) -> None:
    issuer, keys, audience = (CfnParameter(stack, name).value_as_string for name in ("Issuer", "Keys", "Audience"))
    (found,) = tables(stack, open_code, Issuer.of(issuer, jwks=keys, audience=[audience]))
    assert (found["issuer"], found["jwks"], found["audience"]) == ("{Issuer}", "{Keys}", ["{Audience}"])


VERSION = "AWS::Lambda::Version"


def test_a_version_is_published_when_only_the_value_of_a_variable_changes(stack: Stack, open_code: Path) -> None:
    """A version's description cannot be changed in place."""
    pool, client = pool_of(stack)
    tables(stack, open_code, Issuer.cognito(pool, clients=[client]))
    template = Template.from_stack(stack)
    (name,) = template.find_resources("Custom::Fingerprint")
    template.has_resource_properties(VERSION, {"Description": {"Fn::GetAtt": [name, "Sha256"]}})
    text = json.dumps(template.find_resources("Custom::Fingerprint")[name]["Properties"]["Text"])
    assert all(part in text for part in ("AUTHORIZER__JWT", "AUTHORIZER_CONFIG", "ProviderName"))


def test_variables_that_are_in_the_template_need_no_fingerprint(synth: Synth, open_code: Path) -> None:
    template = synth(code=open_code, issuers=[Issuer.of(AUTH, audience=["chat"], jwks=KEYS)])
    template.resource_count_is("Custom::Fingerprint", 0)
    template.has_resource_properties(VERSION, {"Description": Match.absent()})


def test_values_can_replace_single_keys_of_an_issuer(synth: Synth, open_code: Path) -> None:
    issuer = Issuer.of(AUTH, audience=["chat"], jwks=KEYS)
    template = synth(code=open_code, issuers=[issuer], values={"AUTHORIZER__JWT__0__LEEWAY": "1m"})
    variables = Match.object_like({"AUTHORIZER__JWT__0__LEEWAY": "1m"})
    template.has_resource_properties(FUNCTION, {"Environment": {"Variables": variables}})


LATE = {"issuer": "I", "audience": ["A"], "algorithms": ["RS256"], "jwks": "K"}
"""A `[[jwt]]` table whose values are names of parameters of the stack."""
VALUES: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    "all tables": lambda table: {"AUTHORIZER__JWT": json.dumps([table])},
    "single keys": lambda table: {
        "AUTHORIZER__JWT__0__ISSUER": table["issuer"],
        "AUTHORIZER__JWT__0__AUDIENCE": json.dumps(table["audience"]),
        "AUTHORIZER__JWT__0__JWKS": table["jwks"],
    },
    "all tables after a line break": lambda table: {"AUTHORIZER__JWT": f"\n{json.dumps([table])}"},
    "signed tokens": lambda table: {
        "AUTHORIZER__SIGNED_TOKENS": json.dumps({"issuer": table["issuer"], "audience": table["audience"]})
    },
}


def late(stack: Stack) -> dict[str, Any]:
    issuer, audience, keys = (CfnParameter(stack, name).value_as_string for name in ("I", "A", "K"))
    return {**LATE, "issuer": issuer, "audience": [audience], "jwks": keys}


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
def test_parts_of_issuers_in_values_may_be_known_only_to_the_deployment(
    stack: Stack, code: Path, make: Callable[[dict[str, Any]], dict[str, str]]
) -> None:
    values = make(late(stack))
    if "AUTHORIZER__JWT" in values:
        (code / "authorizer.toml").write_text(CONFIGURATION.partition("[[jwt]]")[0])
    IotCustomAuthorizer(stack, "Authorizer", code=code, values=values)
    found = Template.from_stack(stack).find_resources(FUNCTION, {"Properties": {"MemorySize": 512}})
    (function,) = found.values()
    variables = function["Properties"]["Environment"]["Variables"]
    for name, value in values.items():
        assert filled(variables[name], named).replace(r"\u007b", "{") == filled(stack.resolve(value), named)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("AUTHORIZER__JWT", r"use issuers=\[…\] of the construct"),
        ("AUTHORIZER__JWT__0__AUDIENCE", r"use issuers=\[…\] of the construct"),
        ("AUTHORIZER__SIGNED_TOKENS", "set its single keys"),
    ],
)
def test_json_that_only_the_deployment_knows_is_refused(stack: Stack, code: Path, name: str, advice: str) -> None:
    values = {name: stack.to_json_string([late(stack)])}
    with pytest.raises(InvalidSettings, match=f"values: {name}: found JSON that only the deployment .*{advice}"):
        IotCustomAuthorizer(stack, "Authorizer", code=code, values=values)


REFERENCES: dict[str, Callable[[Stack], str]] = {
    "a text": lambda _: "{{resolve:ssm:/audience}}",
    "a version of a parameter": lambda stack: aws_ssm.StringParameter.value_for_string_parameter(stack, "/audience", 3),
    "a secret": lambda stack: SecretValue.secrets_manager(f"{stack.account}/chat").unsafe_unwrap(),
}


@pytest.mark.parametrize("make", REFERENCES.values(), ids=REFERENCES)
def test_a_dynamic_reference_in_json_is_refused(stack: Stack, open_code: Path, make: Callable[[Stack], str]) -> None:
    issuer = Issuer.of(AUTH, audience=[make(stack)], jwks=KEYS)
    with pytest.raises(InvalidSettings, match=r"AUTHORIZER__JWT: found a dynamic reference, .* could .* add an issuer"):
        IotCustomAuthorizer(stack, "Authorizer", code=open_code, issuers=[issuer])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANONYMOUS", '{{"principal": "guest", "claims": {{"room": "{}"}}}}'),
        ("ANONYMOUS__CLAIMS__ROOM", "{}"),
        ("ANONYMOUS__PRINCIPAL", "guest-{}"),
        ("NAME", "chat-{}"),
    ],
)
def test_what_only_the_deployment_knows_is_refused_in_other_variables(
    stack: Stack, code: Path, name: str, value: str
) -> None:
    values = {f"AUTHORIZER__{name}": value.format(CfnParameter(stack, "Late").value_as_string)}
    with pytest.raises(
        InvalidSettings, match=f"^AUTHORIZER__{name}: only the deployment knows its value: expected one"
    ):
        IotCustomAuthorizer(stack, "Authorizer", code=code, values=values)


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_a_stack_with_two_authorizers(stack: Stack, open_code: Path, tmp_path: Path) -> None:
    """One has a user pool, and the other one a secret and a table with a key."""
    pool, client = pool_of(stack)
    key = aws_kms.Key(stack, "Key")
    secret = aws_secretsmanager.Secret(stack, "Secret", encryption_key=key)
    shared = Issuer.of(AUTH, audience=["chat"], algorithms=["HS256"], secret=secret)
    table = IdentityTable(stack, "Identities", encryption_key=key).table
    issuers = [Issuer.cognito(pool, clients=[client]), Issuer.cognito(pool, clients=[client], token_use="id")]
    arguments: dict[str, dict[str, Any]] = {
        "Blue": {"issuers": issuers},
        "Green": {"issuers": [shared], "table": table},
    }
    for name, each in arguments.items():
        authorizer = IotCustomAuthorizer(stack, name, code=open_code, name=name, **each)
        Alarms(stack, f"{name}Alarms", authorizer=authorizer)
        Dashboard(stack, f"{name}Dashboard", authorizer=authorizer)
    (tmp_path / "template.json").write_text(json.dumps(Template.from_stack(stack).to_json()))
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([program, tmp_path / "template.json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


WRONG: dict[str, tuple[Callable[[], Issuer], str]] = {
    "neither audience nor client": (lambda: Issuer.of(AUTH, jwks=KEYS), "Issuer: set audience, client_id or both"),
    "no keys": (lambda: Issuer.of(AUTH, audience=["chat"]), r'Issuer: expected jwks = "https://…"'),
    "a text for a list": (
        lambda: Issuer.of(AUTH, audience="chat", jwks=KEYS),
        r'Issuer: audience: expected a list, as in \["a", "b"\]',
    ),
    "a set for a list": (
        lambda: Issuer.of(AUTH, audience={"chat"}, jwks=KEYS),  # type: ignore[arg-type]
        "Issuer: audience: found a set, expected a list",
    ),
    "a misspelled key": (
        lambda: Issuer.of(AUTH, audiences=["chat"], jwks=KEYS),  # type: ignore[call-arg]
        "Issuer: audiences: is not a key of this table: did you mean audience?",
    ),
    "a placeholder": (
        lambda: Issuer.of("https://{tenant}/", audience=["chat"], jwks=KEYS),
        "Issuer: issuer: found a placeholder",
    ),
    "http": (lambda: Issuer.of(AUTH, audience=["chat"], jwks="http://a.example/"), "Issuer: jwks: use an https:// URL"),
    "a secret itself": (
        lambda: Issuer.of(AUTH, audience=["chat"], algorithms=["HS256"], secret="hunter2"),
        "Issuer: secret: expected its name",
    ),
}


@pytest.mark.parametrize(("make", "expected"), WRONG.values(), ids=WRONG)
def test_an_issuer_is_checked_where_it_is_made(make: Callable[[], Issuer], expected: str) -> None:
    with pytest.raises(InvalidSettings, match=expected):
        make()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"clients": []}, "clients: expected at least one app client"),
        ({"client_id": ["other"]}, "client_id: remove it: clients says it"),
        ({"audience": ["other"], "token_use": "id"}, "audience: remove it: clients says it"),
    ],
)
def test_the_clients_of_a_user_pool_are_said_once(stack: Stack, keys: dict[str, Any], message: str) -> None:
    pool, client = pool_of(stack)
    with pytest.raises(InvalidSettings, match=f"Issuer.cognito: {message}"):
        Issuer.cognito(pool, **{"clients": [client], **keys})


ONE = Issuer.of(AUTH, audience=["chat"], jwks=KEYS)


def test_issuers_beside_those_of_the_configuration_are_refused(config: Path, synth: Synth) -> None:
    expected = r"authorizer\.toml:5: jwt: issuers=\[…\] of the construct .* replace all \[\[jwt\]\]: remove these"
    with pytest.raises(InvalidFile, match=expected):
        synth(issuers=[ONE])
    with pytest.raises(InvalidFile, match=expected):
        synth(issuers=[ONE], code=None, config=config)


def test_issuers_that_a_handler_of_your_own_would_not_read_are_refused(synth: Synth, code: Path) -> None:
    (code / "authorizer.toml").write_text('name = "own"\nhandler = "rules.lambda_handler"\n')
    with pytest.raises(InvalidFile, match=r"authorizer\.toml:2: handler: a handler of your own does not read issuers="):
        synth(issuers=[ONE])


def test_more_variables_than_lambda_accepts_are_refused(synth: Synth, open_code: Path) -> None:
    issuers = [Issuer.of(f"https://{index}.example/", audience=["chat"], jwks=KEYS) for index in range(40)]
    with pytest.raises(
        InvalidSettings, match=r"bytes of .* in AUTHORIZER__JWT, but Lambda accepts 4096: .* \[\[jwt\]\]"
    ):
        synth(code=open_code, issuers=issuers)


def test_issuers_that_a_token_could_both_fit_are_refused(synth: Synth, open_code: Path) -> None:
    with pytest.raises(InvalidFile, match=r"jwt\[1\]\.issuer: jwt\[0\] has the same issuer, and a token can fit both"):
        synth(code=open_code, issuers=[ONE, ONE])


def test_without_issuers_the_configuration_needs_its_own(synth: Synth, open_code: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no client could be allowed: .* in your own CDK app issuers=\[…\]"):
        synth(code=open_code)


@pytest.mark.parametrize(
    ("name", "properties"),
    [("AUTHORIZER__JWT", {"issuers": [ONE]}), ("AUTHORIZER__NAME", {"name": "chat-dev"})],
)
def test_what_two_arguments_set_is_refused(
    synth: Synth, open_code: Path, name: str, properties: dict[str, object]
) -> None:
    with pytest.raises(InvalidSettings, match=f"values: remove {name}: another argument of the construct sets it"):
        synth(code=open_code, values={name: "[]"}, **properties)
