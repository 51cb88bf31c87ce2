"""The template of a Lambda directory is proved, once for each version of it and of the compiler."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.package.configuration import check_configuration
from iot_authorizer_cdk.package.shipped_proof import ShippedProof, certificate_path, prove_shipped
from iot_policies import Grant, Policy, PolicyTemplate, Principal, compile_policy
from tests.cdk.configurations import POLICY

DENIAL = '\n[[deny]]\npublish = ["users/eve/outbox"]\n'
WIDENED = POLICY.replace("[[grant]]", '[[grant]]\nname = "all"\nwiden = true') + "".join(
    f'\n[[grant]]\nname = "wide {number}"\nwiden = true\npublish = ["{number}/+/b/#"]\n' for number in range(12)
)


def proved(config: Path, seconds: float = 60.0, **environment: str) -> ShippedProof:
    checked = check_configuration(config, environment)
    found = prove_shipped(config.parent, checked, certificate_path(config.parent), seconds=seconds)
    assert found is not None
    return found


def without_denials(template: PolicyTemplate, principal: Principal, client_id: str | None = None) -> Policy:
    """A faulty compiler."""
    grants = [block for block in template.blocks if isinstance(block, Grant)]
    return compile_policy(PolicyTemplate.of(grants), principal, client_id)


@pytest.fixture
def policy(config: Path) -> Path:
    return config.with_name("policy.toml")


@pytest.fixture
def break_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_policies.proofs.prover.compile_policy", without_denials)


def test_the_hash_is_that_of_the_certificates_file_beside_the_directory(config: Path) -> None:
    found = proved(config)
    content = certificate_path(config.parent).read_bytes()
    assert (found.verdict, found.warning) == ("proved", None)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert certificate_path(config.parent) == config.parent.with_name("lambda.proof.json")


def test_the_topic_prefix_of_the_function_is_proved(config: Path) -> None:
    found = proved(config, AUTHORIZER__TOPIC_PREFIX="dev")
    assert found.verdict == "proved"
    assert json.loads(found.certificate.read_bytes())["template"]["topic_prefix"] == "dev"
    assert found.sha256 != proved(config).sha256


@pytest.mark.usefixtures("break_compiler")
def test_a_policy_that_differs_is_refused_with_its_principal_topic_and_entry(config: Path, policy: Path) -> None:
    policy.write_text(POLICY + DENIAL)
    with pytest.raises(InvalidSettings) as raised:
        proved(config)
    message = str(raised.value)
    assert message.startswith("policy.toml: the policy differs from the template: principal ")
    assert "the policy allows too much: iot:Publish users/eve/outbox" in message
    assert 'entry: deny[0], publish = "users/eve/outbox"' in message
    assert "`iot-authorizer prove policy.toml` shows it again" in message
    assert not certificate_path(config.parent).exists()


def test_an_unchanged_template_is_not_proved_again_and_a_changed_one_is(
    config: Path, policy: Path, request: pytest.FixtureRequest
) -> None:
    policy.write_text(POLICY + DENIAL)
    before = proved(config)
    request.getfixturevalue("break_compiler")
    assert proved(config) == before
    policy.write_text(POLICY + DENIAL + "# changed\n")
    with pytest.raises(InvalidSettings, match="differs from the template"):
        proved(config)


CHANGES: Mapping[str, Mapping[str, object]] = {
    "by another compiler": {"compiler": "0" * 64},
    "by another prover": {"prover": "0" * 64},
    "for another version of certificates": {"certificate": 0},
    "of a difference": {"verdict": "different"},
    "without a list": {"not_covered": "nothing"},
    "without texts": {"left_out": [1]},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_certificate_that_does_not_fit_is_not_used(config: Path, name: str) -> None:
    before = proved(config)
    found = json.loads(before.certificate.read_bytes())
    before.certificate.write_text(json.dumps({**found, **CHANGES[name]}))
    assert proved(config) == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"certificate": 1', b"\xff"])
def test_a_file_that_is_no_certificate_is_replaced(config: Path, content: bytes) -> None:
    certificate_path(config.parent).write_bytes(content)
    assert proved(config).verdict == "proved"
    assert json.loads(certificate_path(config.parent).read_bytes())["verdict"] == "proved"


def test_a_certificate_that_cannot_be_kept_is_no_error(config: Path) -> None:
    certificate_path(config.parent).mkdir()
    assert proved(config).verdict == "proved"


def test_what_is_not_covered_is_a_warning_that_names_some_entries(config: Path, policy: Path) -> None:
    policy.write_text(WIDENED)
    for found in (proved(config), proved(config)):  # Also if the certificate was kept.
        assert found.verdict == "not covered"
        assert found.warning is not None
        assert found.warning.count("`widen` allows more than the entry matches") == 8
        assert 'grant "wide 0", publish = "0/+/b/#"' in found.warning
        assert "and 4 more: `iot-authorizer prove policy.toml` shows all of it" in found.warning


def test_a_proof_that_takes_too_long_is_a_warning(config: Path) -> None:
    found = proved(config, seconds=0)
    assert found.verdict == "not covered"
    assert found.warning is not None
    assert "the entries and their pairs took longer than 0 seconds" in found.warning
    assert "left out, because it takes too long: the policies of example principals" in found.warning


def test_without_a_template_nothing_is_proved(config: Path) -> None:
    config.write_text('name = "own"\nhandler = "rules.lambda_handler"\n')
    config.with_name("rules.py").write_text("def lambda_handler(event, context): ...\n")
    kept = certificate_path(config.parent)
    assert prove_shipped(config.parent, check_configuration(config, {}), kept) is None
    assert not kept.exists()
