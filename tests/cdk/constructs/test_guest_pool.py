"""An identity pool whose guests have the role that a template gives them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Validations
from aws_cdk.assertions import Annotations, Match, Template
from cdk_nag import AwsSolutionsChecks

from iot_authorizer_cdk import GuestPool, InvalidSettings
from iot_policies import PolicyTemplate
from iot_policies.account_region import account_region
from iot_policies.cognito_role import compile_cognito_role

POLICY = '[[grant]]\nconnect = ["{principal}"]\npublish = ["guests/{principal}"]\nsubscribe = ["news/+"]\n'
PLACE = account_region("eu-west-1", "123456789012")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


def synthesized(policy: Path) -> Template:
    stack = Stack(App(), "Test")
    GuestPool(stack, "Guests", policy=policy)
    return Template.from_stack(stack)


def only(template: Template, kind: str) -> Any:  # noqa: ANN401
    (found,) = template.find_resources(kind).values()
    return found["Properties"]


def flat(statement: dict[str, Any]) -> str:
    """A statement in which an account, a region and a partition of the deployment have their values."""
    text = json.dumps(statement)
    for part, value in (("Partition", "aws"), ("AccountId", PLACE.account), ("Region", PLACE.region)):
        text = text.replace(f'", {{"Ref": "AWS::{part}"}}, "', value)
    return text.replace('{"Fn::Join": ["", ["', '"').replace('"]]}', '"').replace('""', '"')


def test_guests_have_the_policy_that_render_prints(policy: Path) -> None:
    (found,) = only(synthesized(policy), "AWS::IAM::Role")["Policies"]
    expected = json.loads(compile_cognito_role(PolicyTemplate.load(policy), PLACE))
    assert [json.loads(flat(each)) for each in found["PolicyDocument"]["Statement"]] == expected["Statement"]


def test_only_guests_of_this_pool_get_the_role(policy: Path) -> None:
    template = synthesized(policy)
    (pool,) = template.find_resources("AWS::Cognito::IdentityPool")
    (trust,) = only(template, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": "cognito-identity.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"cognito-identity.amazonaws.com:aud": {"Ref": pool}},
        "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "unauthenticated"},
    }
    attached = only(template, "AWS::Cognito::IdentityPoolRoleAttachment")
    assert list(attached["Roles"]) == ["unauthenticated"]
    assert only(template, "AWS::Cognito::IdentityPool")["AllowClassicFlow"] is False


def test_a_template_that_no_role_can_express_is_refused(policy: Path) -> None:
    policy.write_text('[[grant]]\nconnect = ["{claims.device}"]\n')
    with pytest.raises(InvalidSettings, match=r"has no role for guests: .*guests have no claim device"):
        synthesized(policy)


@pytest.mark.parametrize(("subscribed", "warns"), [("guests/+", True), ("news/+", False)])
def test_an_entry_that_tells_guests_the_ids_of_others_is_a_warning(policy: Path, subscribed: str, warns: bool) -> None:
    policy.write_text(POLICY.replace("news/+", subscribed))
    stack = Stack(App(), "Test")
    GuestPool(stack, "Guests", policy=policy)
    message = Match.string_like_regexp("subscribe.0.: .*tells each guest the identity IDs of others")
    assert bool(Annotations.from_stack(stack).find_warning("/Test/Guests", message)) is warns


@pytest.mark.parametrize("known", [True, False])
def test_an_app_with_cdk_nag_can_have_the_construct(policy: Path, tmp_path: Path, known: bool) -> None:
    app = App(outdir=str(tmp_path / "out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    environment = Environment(region=PLACE.region, account=PLACE.account) if known else None
    GuestPool(Stack(app, "Test", env=environment), "Guests", policy=policy)
    app.synth()  # Raises if there is a finding.


@pytest.mark.slow
def test_cfn_lint_finds_nothing(policy: Path, tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text(json.dumps(synthesized(policy).to_json()))
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([program, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
