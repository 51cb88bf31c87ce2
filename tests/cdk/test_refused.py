"""What is refused at synth, with a sentence that says what to change."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from cryptography.hazmat.primitives.asymmetric import ec

from iot_authorizer_cdk.app import build_app
from iot_authorizer_cdk.authorizer_function import FunctionProps
from iot_authorizer_cdk.authorizer_stack import AuthorizerStack
from iot_authorizer_cdk.domain_stack import DomainProps
from iot_authorizer_cdk.identity_table import IdentityTable
from iot_authorizer_cdk.settings import InvalidSettings
from iot_authorizer_cdk.stages import read_stage
from iot_policies import InvalidFile
from tests.cdk.conftest import POLICY, Synth, with_secret
from tests.cdk.keys import KEY_ARN, with_signing, write_key

CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"


@pytest.mark.parametrize(
    ("props", "words"),
    [
        (FunctionProps(snap_start=True, provisioned_concurrency=1), "provisioned_concurrency or snap_start"),
        (FunctionProps(timeout=6), "timeout: expected 1 to 5 seconds, since IoT Core waits no longer"),
        (FunctionProps(memory_size=127), "memory_size: expected 128 to 10240 MB"),
        (FunctionProps(memory_size=10_241), "memory_size: expected 128 to 10240 MB"),
        (FunctionProps(reserved_concurrency=-1), "reserved_concurrency: expected at least 0"),
        (FunctionProps(provisioned_concurrency=0), "provisioned_concurrency: expected at least 1"),
        (FunctionProps(provisioned_concurrency=1, reserved_concurrency=0), "at most reserved_concurrency"),
        (FunctionProps(secret_keys=["alias/chat"]), "secret_keys: expected an ARN, arn:aws:kms:REGION:ACCOUNT:key/"),
        (FunctionProps(secret_keys=[KEY_ARN]), r"secret_keys: no \[\[jwt\]\] of the configuration has a secret"),
        (FunctionProps(provisioned_concurrency=3, reserved_concurrency=2), "at most reserved_concurrency"),
    ],
)
def test_what_lambda_would_refuse(synth: Synth, props: FunctionProps, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        synth(function=props)


def test_signing_without_a_token_key_name(synth: Synth, config: Path) -> None:
    config.write_text(config.read_text().replace('token_key_name = "token"\n', ""))
    with_signing(config)
    with pytest.raises(InvalidSettings, match=r"authorizer\.toml: \[signing\] needs token_key_name"):
        synth()


def test_signing_without_keys(synth: Synth, config: Path) -> None:
    with config.open("a") as file:
        file.write("\n[signing]\npublic_keys = {}\n")
    with pytest.raises(InvalidFile, match="signing"):
        synth()


def test_a_key_that_is_no_pem(synth: Synth, config: Path) -> None:
    with_signing(config)
    config.with_name("signing.pem").write_text("ssh-rsa AAAA")
    with pytest.raises(InvalidFile, match=r"signing\.pem: expected a public key in PEM"):
        synth()


def test_a_key_with_a_comment_in_other_letters_is_none_that_fails(synth: Synth, config: Path) -> None:
    with_signing(config)
    key = config.with_name("signing.pem")
    key.write_text("Schlüssel\n" + key.read_text(), "utf-8")
    synth()


def test_a_key_under_2048_bits(synth: Synth, config: Path) -> None:
    with_signing(config, bits=1024)
    with pytest.raises(InvalidFile, match=r"signing\.pem: expected an RSA key of 2048 bits or more"):
        synth()


def test_a_signing_key_whose_name_iot_core_does_not_take(synth: Synth, config: Path) -> None:
    with_signing(config)
    config.write_text(config.read_text().replace('"2026-11"', '"november 2026"'))
    with pytest.raises(InvalidFile, match=r"signing\.public_keys\.november 2026: expected 1 to 128 letters"):
        synth()


def test_a_key_that_is_not_rsa(synth: Synth, config: Path) -> None:
    with_signing(config)
    write_key(config.with_name("signing.pem"), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InvalidFile, match="expected an RSA key"):
        synth()


@pytest.mark.parametrize("name", ["chat room", "chat/dev", "", "x" * 129])
def test_a_name_outside_iots_alphabet(synth: Synth, name: str) -> None:
    with pytest.raises(InvalidFile, match="name: expected 1 to 128 letters"):
        synth(name=name)


@pytest.mark.parametrize("key", ["disconnect_after", "refresh_after"])
@pytest.mark.parametrize("time", ["1m", "25h"])
def test_times_outside_iots_bounds(synth: Synth, config: Path, key: str, time: str) -> None:
    config.with_name("policy.toml").write_text(f'[session]\n{key} = "{time}"\n{POLICY}')
    with pytest.raises(InvalidFile, match=rf"policy\.toml:2: session\.{key}: expected a time from 5m to 24h"):
        synth()


def test_a_policy_with_a_finding(synth: Synth, config: Path) -> None:
    config.with_name("policy.toml").write_text(POLICY + '\n[[grant]]\npublish = ["users/all/outbox"]\n')
    with pytest.raises(InvalidSettings, match=r"policy\.toml: grant"):
        synth()


def test_a_policy_that_does_not_load(synth: Synth, config: Path) -> None:
    config.with_name("policy.toml").write_text("[[grant]]\npublish = 3\n")
    with pytest.raises(InvalidFile, match=r"policy\.toml:2: grant\[0\]\.publish"):
        synth()


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'])
def test_a_jwks_file_that_the_lambda_could_not_use(synth: Synth, config: Path, content: str) -> None:
    config.with_name("keys.json").write_text(content)
    with pytest.raises(InvalidFile, match=r"keys\.json: named by jwt\[0\]\.jwks: ") as error:
        synth()
    assert "\n" not in str(error.value)


def test_a_password_file_that_the_lambda_could_not_use(synth: Synth, config: Path) -> None:
    config.with_name("users.toml").write_text('[users.ann]\nhash = "secret"\n')
    config.write_text(config.read_text() + '\n[passwords]\nfile = "users.toml"\n')
    with pytest.raises(InvalidFile, match=r"users\.toml:2: users\.ann\.hash: expected an argon2id hash"):
        synth()


@pytest.mark.parametrize(
    ("key", "variable"),
    [("policy", "AUTHORIZER__POLICY"), (r"jwt\[0\]\.jwks", "AUTHORIZER__JWT__0__JWKS")],
)
def test_a_value_that_names_a_file_that_was_not_built(synth: Synth, key: str, variable: str) -> None:
    with pytest.raises(InvalidFile, match=rf"{key}: other\.file is not there: the Lambda has what authorizer\.toml"):
        synth(values={variable: "other.file"})


def test_a_value_that_names_a_file_of_this_machine(synth: Synth, config: Path) -> None:
    with pytest.raises(InvalidFile, match="policy: expected a file beside the configuration"):
        synth(values={"AUTHORIZER__POLICY": str(config.with_name("policy.toml").absolute())})


def test_a_namespace_in_which_nobody_looks_for_metrics(synth: Synth) -> None:
    with pytest.raises(InvalidSettings, match="values: POWERTOOLS_METRICS_NAMESPACE: alarms and the dashboard look at"):
        synth(values={"POWERTOOLS_METRICS_NAMESPACE": "Mine"})


def test_development_keys_in_lambda(synth: Synth) -> None:
    with pytest.raises(InvalidFile, match=r"AUTHORIZER_DEVELOPMENT_JWKS: .* never for Lambda"):
        synth(values={"AUTHORIZER_DEVELOPMENT_JWKS": "keys.json"})


@pytest.mark.parametrize(
    "secret",
    ["secretsmanager:*", "secretsmanager:chat hs256", "ssm:arn:aws:s3:::bucket", "ssm:/chat/?", f"ssm:{KEY_ARN}"],
)
def test_a_secret_that_there_can_not_be(synth: Synth, config: Path, secret: str) -> None:
    with_secret(config, secret)
    with pytest.raises(InvalidSettings, match=r"authorizer\.toml: secret .*: expected its name, or its ARN: arn:aws:s"):
        synth()


def test_a_lambda_directory_that_was_not_built(synth: Synth, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no Lambda directory: `make build` writes it"):
        synth(code=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"": "x"}, "tags: expected keys of 1 to 128 letters"),
        ({"k" * 129: "x"}, "tags: expected keys of 1 to 128 letters"),
        ({"a*b": "x"}, "tags: expected keys of 1 to 128 letters"),
        ({"AWS:team": "x"}, "tags: expected keys .* not aws: first"),
        ({"team": "v" * 257}, "tags: team: expected at most 256 letters"),
        ({"team": "a\nb"}, "tags: team: expected at most 256 letters"),
        ({f"key{number}": "x" for number in range(51)}, "tags: expected at most 50"),
    ],
)
def test_tags_that_aws_does_not_take(synth: Synth, tags: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        synth(tags=tags)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"domain_name": "iot.example.com"}, "domain_name and certificate_arn belong together"),
        ({"certificate_arn": CERTIFICATE_ARN}, "belong together"),
        ({"validation_certificate_arn": CERTIFICATE_ARN}, "set domain_name"),
        ({"name": "chat room"}, "^name: expected 1 to 128 letters, digits and _.-"),
        ({"name": "x" * 129}, "^name: expected 1 to 128 letters"),
        ({"authorizer_name": "chat/prod"}, "authorizer_name: expected 1 to 128 letters"),
        ({"domain_name": "https://example.com", "certificate_arn": CERTIFICATE_ARN}, "domain_name: expected a host"),
        (
            {"domain_name": "iot.example.com", "certificate_arn": "cert"},
            "certificate_arn: expected an ARN, arn:aws:acm",
        ),
        (
            {
                "domain_name": "iot.example.com",
                "certificate_arn": CERTIFICATE_ARN,
                "validation_certificate_arn": KEY_ARN,
            },
            "validation_certificate_arn: expected an ARN, arn:aws:acm",
        ),
        ({"tls_policy": "TLS 1.3"}, "tls_policy: expected IotSecurityPolicy_"),
    ],
)
def test_a_domain_that_iot_core_would_refuse(properties: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        DomainProps(**{"name": "chat", "authorizer_name": "chat", **properties}).check()  # type: ignore[arg-type]


def test_a_topic_that_is_no_arn(code: Path) -> None:
    with pytest.raises(InvalidSettings, match="alarm_topic_arn: expected an ARN, arn:aws:sns"):
        AuthorizerStack(App(), "Test", code=code, alarm_topic_arn="alarms")


@pytest.mark.parametrize("suffix", ["-" + "x" * 124, "/prod"])
def test_a_suffix_with_which_the_authorizers_name_is_none(code: Path, suffix: str) -> None:
    with pytest.raises(InvalidSettings, match=r"cdk\.json: context\.stages\.prod\.suffix: expected with the auth"):
        build_app(code, {"stage": "prod", "stages": {"prod": {"suffix": suffix}}})


def test_a_stage_whose_name_no_stack_can_have() -> None:
    with pytest.raises(InvalidSettings, match=r"cdk\.json: context\.stages\.my-stage: expected a name of 1 to 40"):
        read_stage({"my-stage": {}}, "my-stage")


@pytest.mark.parametrize("table", [{}, {"suffix": ""}])
def test_two_stages_of_one_name_that_do_not_both_say_so(table: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings, match=r"context\.stages\.prod\.suffix: the same as dev's: give one another"):
        read_stage({"dev": {}, "prod": table}, "prod")


def test_stages_in_accounts_of_their_own_may_have_one_name() -> None:
    assert read_stage({"dev": {"suffix": ""}, "prod": {"suffix": ""}}, "prod").suffix == ""


@pytest.mark.parametrize("name", ["ab", "my table", "x" * 256])
def test_a_name_that_no_table_can_have(name: str) -> None:
    with pytest.raises(InvalidSettings, match="table_name: expected 3 to 255 letters"):
        IdentityTable(Stack(App(), "Test"), "Identities", table_name=name)


def test_a_stage_that_there_is_not() -> None:
    with pytest.raises(InvalidSettings, match=r"stage test: .* has no such stage under .*, only: dev"):
        read_stage({"dev": {}}, "test")


@pytest.mark.parametrize(("table", "key"), [({"sufix": "-dev"}, "sufix"), ({"domain": {}}, r"domain\.name")])
def test_a_stage_with_a_mistake_is_told_with_its_key(table: dict[str, object], key: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"cdk\.json: context\.stages\.dev\.{key}: "):
        read_stage(json.loads(json.dumps({"dev": table})), "dev")
