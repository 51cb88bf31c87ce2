"""The authorizer in IoT Core is the same resource in every deployment; its settings are in a custom resource."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Tags
from aws_cdk.assertions import Annotations, Match, Template

from iot_authorizer_cdk import AuthorizerProps, InvalidSettings, IotCustomAuthorizer
from iot_authorizer_cdk.constructs.authorizer_resource import STACK_TAGS
from iot_policies import InvalidFile
from tests.cdk.configurations import POLICY, with_signing
from tests.cdk.conftest import Synth, synthesize_construct, write_code

AUTHORIZER = "AWS::IoT::Authorizer"
SETTINGS = "Custom::IotAuthorizerSettings"


def settings(template: Template) -> Mapping[str, Any]:
    """The parameters of UpdateAuthorizer, apart from the name."""
    (found,) = template.find_resources(SETTINGS).values()
    assert found["Properties"]["AuthorizerName"] == authorizer(template)["AuthorizerName"]
    members: Mapping[str, Any] = found["Properties"]["Settings"]
    return members


def authorizer(template: Template) -> Mapping[str, Any]:
    (found,) = template.find_resources(AUTHORIZER).values()
    properties: Mapping[str, Any] = found["Properties"]
    return properties


def change_template(code: Path) -> None:
    (code / "policy.toml").write_text(POLICY + 'subscribe = ["news/#"]\n')


def change_code(code: Path) -> None:
    (code / "more.py").write_text("x = 1\n")


def rename_token_key(code: Path) -> None:
    config = code / "authorizer.toml"
    config.write_text(config.read_text().replace('token_key_name = "token"', 'token_key_name = "session"'))


def replace_key(code: Path) -> None:
    """Replaces the signing key by another one, which has another name."""
    config = code / "authorizer.toml"
    config.write_text(config.read_text().partition("[signing]")[0])
    with_signing(config)
    config.write_text(config.read_text().replace('"2026-11"', '"2027-05"'))


CHANGES: dict[str, tuple[Callable[[Path], None], dict[str, Any]]] = {
    "code": (change_code, {}),
    "template": (change_template, {}),
    "token key name": (rename_token_key, {}),
    "status": (change_code, {"status": "INACTIVE"}),
    "caching": (change_code, {"caching_for_http": True}),
    "alias with SnapStart": (change_code, {"snap_start": True}),
    "alias with warm environments": (change_code, {"provisioned_concurrency": 2}),
    "function": (change_code, {"memory_size": 1024, "timeout": 3, "tracing": True, "log_retention_days": 90}),
    "topic prefix": (change_code, {"topic_prefix": "dev"}),
}


@pytest.mark.parametrize("signing", [False, True], ids=["unsigned", "signed"])
def test_no_second_deployment_changes_the_authorizer(tmp_path: Path, signing: bool) -> None:
    """Neither the resource nor anything that the ARN of its function depends on."""
    code = write_code(tmp_path / "lambda")
    changes = {**CHANGES, "signing key": (replace_key, {})} if signing else CHANGES
    if signing:
        with_signing(code / "authorizer.toml")
    first = deployed(code, "first")
    for name, (change, props) in changes.items():
        change(code)
        assert deployed(code, name, **props) == first, name


def deployed(code: Path, tag: str, **props: Any) -> tuple[object, ...]:  # noqa: ANN401
    """What CloudFormation compares to decide whether the authorizer changes. The app has a tag that changes."""
    app = App()
    Tags.of(app).add("deployment", tag)
    stack = Stack(app, "Test")
    IotCustomAuthorizer(stack, "Authorizer", code=code, props=AuthorizerProps(**props))
    template = Template.from_stack(stack)
    (alias,) = template.find_resources("AWS::Lambda::Alias").items()
    functions = [name for name in template.find_resources("AWS::Lambda::Function") if "Lambda" in name]
    named = {key: alias[1]["Properties"][key] for key in ("Name", "FunctionName")}
    return template.find_resources(AUTHORIZER), alias[0], named, functions


def test_it_is_created_inactive_and_without_tags_and_the_settings_follow(template: Template) -> None:
    assert {key: value for key, value in authorizer(template).items() if key != "AuthorizerFunctionArn"} == {
        "AuthorizerName": "chat",
        "SigningDisabled": True,
        "Status": "INACTIVE",
    }
    (resource,) = template.find_resources(AUTHORIZER)
    template.has_resource(SETTINGS, {"DependsOn": [resource], "DeletionPolicy": "Delete"})
    assert settings(template) == {
        "authorizerFunctionArn": authorizer(template)["AuthorizerFunctionArn"],
        "status": "ACTIVE",
        "enableCachingForHttp": "false",
        "tokenKeyName": "token",
    }


def test_what_a_stage_sets_is_in_the_settings(synth: Synth) -> None:
    found = settings(synth(props=AuthorizerProps(status="INACTIVE", caching_for_http=True)))
    assert (found["status"], found["enableCachingForHttp"]) == ("INACTIVE", "true")


def test_with_signing_it_is_another_authorizer_that_trusts_no_key_before_the_settings(
    synth: Synth, config: Path
) -> None:
    pem = with_signing(config)
    template = synth(name="chat-dev")
    found = authorizer(template)
    created = {"AuthorizerName": "chat-dev-signed", "SigningDisabled": False, "Status": "INACTIVE"}
    assert found.items() >= created.items()
    assert list(found["TokenSigningPublicKeys"]) == ["key-1"]
    assert pem not in str(found)
    assert settings(template)["tokenSigningPublicKeys"] == {"key-1": pem, "key-2": pem}
    variables = Match.object_like({"AUTHORIZER__NAME": "chat-dev-signed"})
    template.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_two_keys_fill_both_places_in_the_order_of_their_names(synth: Synth, config: Path) -> None:
    pem = with_signing(config)
    other = write_code(config.parent / "other")
    newer = with_signing(other / "authorizer.toml")
    (config.parent / "newer.pem").write_text(newer)
    config.write_text(config.read_text().replace('"signing.pem"', '"signing.pem", "2027-05" = "newer.pem"'))
    assert settings(synth())["tokenSigningPublicKeys"] == {"key-1": pem, "key-2": newer}


def test_more_than_two_keys_are_refused(synth: Synth, config: Path) -> None:
    with_signing(config)
    three = '"a" = "signing.pem", "b" = "signing.pem", "2026-11"'
    config.write_text(config.read_text().replace('"2026-11"', three))
    with pytest.raises(InvalidFile, match=r"signing\.public_keys: found 3 keys, expected at most 2"):
        synth()


def of_the_authorizer(template: Template, kind: str) -> dict[str, Any]:
    """The authorizer and the parts of its settings, of one type, by their logical IDs."""
    found = template.find_resources(kind).items()
    return {name: each for name, each in found if name.startswith("AuthorizerAuthorizer")}


@pytest.mark.parametrize("kind", [AUTHORIZER, SETTINGS, "AWS::Lambda::Function", "AWS::IAM::Role"])
def test_with_another_name_the_previous_settings_keep_their_own_role_until_they_are_deleted(
    synth: Synth, config: Path, kind: str
) -> None:
    """Otherwise, the role may change only the new authorizer when CloudFormation deletes the previous settings."""
    first, renamed = of_the_authorizer(synth(), kind), of_the_authorizer(synth(name="chat2"), kind)
    with_signing(config)
    signed = of_the_authorizer(synth(), kind)
    assert len({*first, *renamed, *signed}) == 3


def test_two_authorizers_of_a_stack_with_the_same_name_are_refused(code: Path) -> None:
    stack = Stack(App(), "Test")
    IotCustomAuthorizer(stack, "Blue", code=code)
    with pytest.raises(InvalidSettings, match=r"name: found chat, but Test/Blue of this stack has the same: set name="):
        IotCustomAuthorizer(stack, "Green", code=code)


def test_the_function_of_the_settings_may_update_only_this_authorizer(template: Template) -> None:
    (role,) = of_the_authorizer(template, "AWS::IAM::Role").values()
    (policy,) = role["Properties"]["Policies"]
    logs, updates = policy["PolicyDocument"]["Statement"]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert updates["Action"] == "iot:UpdateAuthorizer"
    assert updates["Resource"]["Fn::Join"][1][-1] == ":authorizer/chat"


@pytest.mark.parametrize(
    ("stack_tags", "context", "warns"),
    [
        ({"team": "chat"}, {}, True),
        ({}, {}, True),  # Without the feature flag, tags of the app are the stack's too.
        ({}, {"@aws-cdk/core:explicitStackTags": True}, False),
    ],
)
def test_tags_of_the_stack_reach_the_authorizer_so_the_app_warns(
    code: Path, stack_tags: dict[str, str], context: dict[str, object], warns: bool
) -> None:
    app = App(context=context)
    Tags.of(app).add("owner", "ann")
    stack = Stack(app, "Test", tags=stack_tags)
    IotCustomAuthorizer(stack, "Authorizer", code=code)
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp(STACK_TAGS))
    assert bool(found) is warns
    assert "Tags" not in authorizer(Template.from_stack(stack))


def test_a_name_that_is_too_long_with_signing_is_refused(config: Path) -> None:
    with_signing(config)
    with pytest.raises(ValueError, match=r"name: found 'x+-signed', expected 1 to 128 letters"):
        synthesize_construct(code=config.parent, name="x" * 128)
