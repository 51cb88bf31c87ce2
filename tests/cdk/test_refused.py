"""What is refused at synth, with a sentence that says what to change."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cdk.authorizer_function import FunctionProps
from cdk.domain_stack import DomainProps
from cdk.settings import InvalidSettings
from cdk.stages import read_stage
from policies import InvalidFile
from tests.cdk.conftest import POLICY, Synth
from tests.cdk.keys import with_signing, write_key


@pytest.mark.parametrize(
    ("props", "words"),
    [
        (FunctionProps(snap_start=True, provisioned_concurrency=1), "provisioned_concurrency or snap_start"),
        (FunctionProps(timeout=6), "timeout: expected 1 to 5 seconds, since IoT Core waits no longer"),
        (FunctionProps(provisioned_concurrency=0), "provisioned_concurrency: expected at least 1"),
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


def test_a_key_under_2048_bits(synth: Synth, config: Path) -> None:
    with_signing(config, bits=1024)
    with pytest.raises(InvalidFile, match=r"signing\.pem: expected an RSA key of 2048 bits or more"):
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


def test_a_lambda_directory_that_was_not_built(synth: Synth, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no Lambda directory: `make build` writes it"):
        synth(code=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"domain_name": "iot.example.com"}, "domain_name and certificate_arn belong together"),
        ({"certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/1"}, "belong together"),
        ({"validation_certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/1"}, "set domain_name"),
    ],
)
def test_a_domain_that_is_half_said(properties: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        DomainProps(name="chat", authorizer_name="chat", **properties).check()  # type: ignore[arg-type]


def test_a_stage_that_there_is_not() -> None:
    with pytest.raises(InvalidSettings, match=r"stage test: .* has no such stage under .*, only: dev"):
        read_stage({"dev": {}}, "test")


@pytest.mark.parametrize(("table", "key"), [({"sufix": "-dev"}, "sufix"), ({"domain": {}}, r"domain\.name")])
def test_a_stage_with_a_mistake_is_told_with_its_key(table: dict[str, object], key: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"cdk\.json: context\.stages\.dev\.{key}: "):
        read_stage(json.loads(json.dumps({"dev": table})), "dev")
