"""The construct: its resources, and what its function may do."""

import py_compile
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Token
from aws_cdk.assertions import Match, Template

from iot_authorizer import __version__
from iot_authorizer_cdk import AuthorizerProps, InvalidSettings
from iot_authorizer_cdk.package.target import LAMBDA, MARK, write_target
from iot_policies import InvalidFile
from tests.cdk.configurations import KEY_ARN, with_secret
from tests.cdk.conftest import Synth, here_and_in_china, statements

GET_SECRET = "secretsmanager:GetSecretValue"
AUTHORIZER = "AWS::IoT::Authorizer"
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
ALIAS = "AWS::Lambda::Alias"
LOG_GROUP = "AWS::Logs::LogGroup"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chat/hs256"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/chat/hs256"


def only(template: Template, kind: str) -> Mapping[str, Any]:
    """The properties of the only resource of a kind."""
    (found,) = template.find_resources(kind).values()
    properties: Mapping[str, Any] = found["Properties"]
    return properties


def logical_id(template: Template, kind: str) -> str:
    """The only resource of a kind that belongs to the authorizer's function."""
    (found,) = (name for name in template.find_resources(kind) if name.startswith("AuthorizerLambda"))
    return found


def variables(**expected: str) -> dict[str, object]:
    return {"Environment": {"Variables": {"AUTHORIZER_CONFIG": "authorizer.toml"} | expected}}


def here(service: str, resource: str) -> dict[str, object]:
    """An ARN in the stack's account and region."""
    place = ["arn:", {"Ref": "AWS::Partition"}, f":{service}:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*place, f":{resource}"]]}


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (
            FUNCTION,
            {
                "Architectures": ["arm64"],
                "Runtime": "python3.14",
                "MemorySize": 512,
                "Timeout": 5,
                "Handler": "iot_authorizer.handler.lambda_handler",
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": Match.any_value()},
                "TracingConfig": Match.absent(),
                **variables(),
            },
        ),
        (LOG_GROUP, {"RetentionInDays": 30}),
        (ALIAS, {"Name": "live", "ProvisionedConcurrencyConfig": Match.absent()}),
    ],
)
def test_the_defaults(template: Template, kind: str, properties: dict[str, object]) -> None:
    template.has_resource_properties(kind, properties)


def test_every_property_reaches_its_resource(synth: Synth) -> None:
    most: int = Token.as_number({"Ref": "Most"})  # type: ignore[assignment]
    props = AuthorizerProps(
        memory_size=1024,
        timeout=3,
        reserved_concurrency=most,  # Only the deployment knows it.
        tracing=True,
        log_retention_days=90,
        topic_prefix="dev",
    )
    template = synth(props=props)
    function = {"MemorySize": 1024, "Timeout": 3, "ReservedConcurrentExecutions": {"Ref": "Most"}}
    template.has_resource_properties(FUNCTION, function | {"TracingConfig": {"Mode": "Active"}})
    template.has_resource_properties(FUNCTION, variables(AUTHORIZER__TOPIC_PREFIX="dev"))
    template.has_resource_properties(LOG_GROUP, {"RetentionInDays": 90})
    assert statements(template)[-1] == {
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Effect": "Allow",
        "Resource": "*",
    }


def test_a_name_and_single_values_replace_those_of_the_configuration(synth: Synth) -> None:
    template = synth(name="chat-dev", values={"AUTHORIZER__TOKEN_KEY_NAME": "session", "AUTHORIZER_CONFIG": "my.toml"})
    template.has_resource_properties(AUTHORIZER, {"AuthorizerName": "chat-dev"})
    expected = variables(AUTHORIZER__NAME="chat-dev", AUTHORIZER__TOKEN_KEY_NAME="session")
    template.has_resource_properties(FUNCTION, expected)


def test_variables_of_the_shell_are_not_for_lambda(
    synth: Synth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHORIZER__NAME", "shell")
    monkeypatch.setenv("AUTHORIZER_DEVELOPMENT_JWKS", str(tmp_path / "missing.json"))
    synth().has_resource_properties(AUTHORIZER, {"AuthorizerName": "chat"})


def test_only_this_authorizer_of_this_account_may_invoke_the_function(template: Template) -> None:
    permission = {"Action": "lambda:InvokeFunction", "Principal": "iot.amazonaws.com"}
    source = {"SourceAccount": {"Ref": "AWS::AccountId"}, "SourceArn": here("iot", "authorizer/chat")}
    assert only(template, PERMISSION).items() >= (permission | source).items()


def test_the_authorizer_invokes_the_alias(template: Template) -> None:
    alias = {"Ref": logical_id(template, ALIAS)}
    assert only(template, AUTHORIZER)["AuthorizerFunctionArn"] == alias
    assert only(template, PERMISSION)["FunctionName"] == alias


def test_the_role_may_only_write_the_functions_logs(template: Template) -> None:
    arn = {"Fn::GetAtt": [logical_id(template, LOG_GROUP), "Arn"]}
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statements(template) == [{"Action": actions, "Effect": "Allow", "Resource": arn}]


@pytest.mark.parametrize(
    ("secret", "action", "resource"),
    [
        (
            "secretsmanager:chat/hs256",
            GET_SECRET,
            here("secretsmanager", "secret:chat/hs256-??????"),
        ),
        ("ssm:/chat/hs256", "ssm:GetParameter", here("ssm", "parameter/chat/hs256")),
        ("ssm:hs256", "ssm:GetParameter", here("ssm", "parameter/hs256")),
        (f"secretsmanager:{SECRET_ARN}", GET_SECRET, f"{SECRET_ARN}-??????"),
        (
            f"secretsmanager:{SECRET_ARN}-AbCd12",
            GET_SECRET,
            [f"{SECRET_ARN}-AbCd12", f"{SECRET_ARN}-AbCd12-??????"],
        ),
        (f"ssm:{PARAMETER_ARN}", "ssm:GetParameter", PARAMETER_ARN),
    ],
)
def test_the_role_may_read_the_secret_that_the_configuration_names(
    synth: Synth, config: Path, secret: str, action: str, resource: object
) -> None:
    with_secret(config, secret)
    _, reads = statements(synth())
    assert (reads["Action"], reads["Resource"]) == (action, resource)


def test_the_role_may_read_a_secret_that_values_name_with_a_token(synth: Synth, config: Path) -> None:
    with_secret(config)
    secret = f"secretsmanager:{SECRET_ARN}{Token.as_string({'Ref': 'End'})}"
    _, reads = statements(synth(values={"AUTHORIZER__JWT__0__SECRET": secret}))
    joined = {"Fn::Join": ["", [SECRET_ARN, {"Ref": "End"}]]}
    assert reads["Resource"] == [joined, {"Fn::Join": ["", [SECRET_ARN, {"Ref": "End"}, "-??????"]]}]


def test_the_role_may_decrypt_with_the_secrets_key_only_through_secrets_manager(synth: Synth, config: Path) -> None:
    with_secret(config)
    _, _, decrypts = statements(synth(props=AuthorizerProps(secret_kms_key_arns=[KEY_ARN])))
    services = here_and_in_china("secretsmanager")
    assert decrypts == {
        "Action": "kms:Decrypt",
        "Effect": "Allow",
        "Resource": KEY_ARN,
        "Condition": {"StringEquals": {"kms:ViaService": services}},
    }


@pytest.mark.parametrize(
    "secret",
    ["secretsmanager:*", "secretsmanager:chat hs256", "ssm:arn:aws:s3:::bucket", "ssm:/chat/?", f"ssm:{KEY_ARN}"],
)
def test_a_secret_with_an_invalid_name_is_refused(synth: Synth, config: Path, secret: str) -> None:
    with_secret(config, secret)
    with pytest.raises(InvalidSettings, match=r"authorizer\.toml: secret .*: expected its name, or its ARN: arn:aws:s"):
        synth()


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"props": AuthorizerProps(timeout=6)}, "timeout: found 6"),
        (
            {"props": AuthorizerProps(secret_kms_key_arns=[KEY_ARN])},
            "secret_kms_key_arns: remove them",
        ),
        ({"values": {"POWERTOOLS_METRICS_NAMESPACE": "Mine"}}, "values: remove POWERTOOLS_METRICS_NAMESPACE"),
        (
            {"values": {"AUTHORIZER_DEVELOPMENT_TABLE": "t"}},
            "values: remove AUTHORIZER_DEVELOPMENT_TABLE: it is for",
        ),
        ({"code": "missing"}, r"missing: not a Lambda directory, no authorizer\.toml: run `iot-authorizer build"),
        (
            {"props": AuthorizerProps(python="3.13")},
            r"built for Python 3\.14 on arm64, but the function runs Python 3",
        ),
        (
            {"props": AuthorizerProps(architecture="x86_64")},
            r"runs Python 3\.14 on x86_64: run `iot-authorizer build --stage",
        ),
    ],
)
def test_properties_that_do_not_fit_the_lambda_directory(
    synth: Synth, properties: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidSettings, match=message):
        synth(**properties)


@pytest.mark.parametrize("mark", ["", "[]", "{}"])
def test_a_directory_without_a_target_is_refused(synth: Synth, code: Path, mark: str) -> None:
    (code / MARK).write_text(mark)
    with pytest.raises(
        InvalidSettings, match=r"not a Lambda directory, no valid built-for\.json: run `iot-authorizer build`"
    ):
        synth()


def test_a_directory_of_another_version_is_refused(synth: Synth, code: Path) -> None:
    (code / MARK).write_text((code / MARK).read_text().replace(__version__, "0.0.9"))
    expected = (
        f"built by version 0.0.9 of this package, but version {__version__} is installed: run `iot-authorizer build`"
    )
    with pytest.raises(InvalidSettings, match=re.escape(expected)):
        synth()


def test_a_directory_whose_sources_were_changed_after_they_were_compiled_is_refused(synth: Synth, code: Path) -> None:
    (code / "rules.py").write_text("NAME = 1\n")
    write_target(code, LAMBDA)
    py_compile.compile(str(code / "rules.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    synth()
    (code / "rules.py").write_text("NAME = 2\n")
    with pytest.raises(InvalidSettings, match="its Python files were changed after the build: change those of your"):
        synth()


@pytest.mark.parametrize("name", ["chat room", "chat/dev", "", "x" * 129])
def test_a_name_that_iot_core_does_not_accept_is_refused(synth: Synth, name: str) -> None:
    with pytest.raises(InvalidFile, match="name: expected 1 to 128 letters"):
        synth(name=name)
