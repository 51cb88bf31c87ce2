"""`iot-authorizer invoke` and `token`: the Lambda handler on an event as IoT Core builds it."""

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.conftest import Run


def test_the_development_key_is_made_once_and_only_its_owner_can_read_it(run: Run, folder: Path) -> None:
    key = folder / ".iot-authorizer/development-key.pem"
    run("token", "--principal", "ann")
    first = key.read_bytes()
    run("token", "--principal", "ann")
    assert (key.read_bytes(), stat.S_IMODE(key.stat().st_mode)) == (first, 0o600)


def test_a_key_file_that_holds_no_key_is_named(run: Run, folder: Path) -> None:
    (folder / ".iot-authorizer").mkdir()
    (folder / ".iot-authorizer/development-key.pem").write_text("no key")
    done = run("token", "--principal", "ann")
    assert (done.returncode, "development-key.pem" in done.stderr) == (2, True), done.stderr


def test_a_development_token_is_accepted(run: Run) -> None:
    token = run("token", "--principal", "ann").stdout.strip()
    done = run("invoke", "--token", token, "--mqtt-context", '{"clientId": "ann"}')
    assert (done.returncode, json.loads(done.stdout)["principalId"]) == (0, "ann")


def test_a_refused_client_gives_exit_code_1_and_the_reason(run: Run) -> None:
    done = run("invoke", "--token", "nonsense")
    assert (done.returncode, json.loads(done.stdout)["isAuthenticated"]) == (1, False)
    assert done.stderr.startswith("refused: reason=malformed_token")


def test_the_token_is_found_under_the_token_key_name_as_iot_core_finds_it(run: Run) -> None:
    token = run("token", "--principal", "ann").stdout.strip()
    done = run("invoke", "--http-context", json.dumps({"queryString": f"?token={token}"}))
    assert "source=token" in done.stderr


def test_claims_of_a_token_reach_the_policy(run: Run) -> None:
    token = run("token", "--principal", "ann", "--claims", '{"rooms": ["lobby"]}').stdout.strip()
    assert "topic/rooms/lobby/say/ann" in run("invoke", "--token", token).stdout


@pytest.mark.parametrize(
    ("options", "decision"),
    [
        (["--claims", '{"nbf": 99999999999}'], "reason=not_yet_valid"),
        (["--expires", "-1h"], "reason=expired"),
        (["--claims", '{"sub": "bob", "iss": "https://x"}'], "principal=ann"),
    ],
    ids=["not yet valid", "expired", "standard claims are not replaced"],
)
def test_the_lambda_decides_by_the_claims_of_a_development_token(run: Run, options: list[str], decision: str) -> None:
    token = run("token", "--principal", "ann", *options).stdout.strip()
    assert decision in run("invoke", "--token", token).stderr


@pytest.fixture
def signing(folder: Path) -> tuple[str, str]:
    """Turns signing on; a token and its signature."""
    key = generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "signing.pem").write_bytes(public)
    with (folder / "authorizer.toml").open("a") as file:
        file.write('\n[signed_tokens]\nissuer = "me"\n\n[signing]\npublic_keys = { one = "signing.pem" }\n')
    parts = [{"alg": "RS256"}, {"iss": "me", "sub": "ann", "exp": 4102444800}]
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    signature = key.sign(token.encode(), PKCS1v15(), SHA256())
    return token, base64.b64encode(signature).decode()


def test_a_signed_token_is_verified_as_iot_core_does(run: Run, signing: tuple[str, str]) -> None:
    token, signature = signing
    done = run("invoke", "--token", token, "--token-signature", signature)
    assert (done.returncode, "principal=ann" in done.stderr) == (0, True), done.stderr


def test_a_signature_without_padding_is_accepted_with_a_warning(run: Run, signing: tuple[str, str]) -> None:
    token, signature = signing
    done = run("invoke", "--token", token, "--token-signature", signature.rstrip("="))
    assert (done.returncode, "lacks its base64 padding" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("given", [["--token-signature", "AAAA"], []], ids=["wrong", "missing"])
def test_a_wrong_signature_never_reaches_the_lambda(run: Run, signing: tuple[str, str], given: list[str]) -> None:
    done = run("invoke", "--token", signing[0], *given)
    assert (done.returncode, "IoT Core refuses" in done.stderr) == (2, True)
