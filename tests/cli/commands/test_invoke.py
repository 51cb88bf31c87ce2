"""`iot-authorizer invoke` and `token`: the Lambda handler on an event as IoT Core builds it."""

import base64
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.conftest import Run, refused
from tests.cli.in_process import run_here
from tests.local.harness.function import allow


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


def test_a_refusal_shows_what_the_token_says_and_what_the_template_grants(run: Run) -> None:
    token = run("token", "--principal", "ann").stdout.strip()
    done = run("invoke", "--token", token, "--mqtt-context", '{"clientId": "bob"}')
    assert done.stderr.splitlines()[1:] == ['  granted client IDs: "ann" or "ann/*"']


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


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "exp"])
def test_a_development_token_says_which_claim_is_the_issuers(run: Run, name: str) -> None:
    done = run("token", "--principal", "ann", "--claims", json.dumps({name: 5}))
    assert f"--claims: {name} ignored: the development issuer sets such claims itself" in done.stderr


def test_a_table_without_a_region_is_explained(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "missing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    text = 'name = "fleet"\npolicy = "policies/fleet.toml"\ntable = "identities"\n[passwords]\n'
    (folder / "devices.toml").write_text(text)
    done = run("invoke", "--config", "devices.toml", "--table", "identities")
    expected = "iot-authorizer: DynamoDB: NoRegionError: set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_an_answer_that_comes_too_late_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_authorizer_cli.commands.invoke.TIMEOUT", 0)
    done = run("invoke", "--token", run("token", "--principal", "ann").stdout.strip())
    assert (done.returncode, "function_timeout: the function answered after" in done.stderr) == (1, True), done.stderr


def test_a_text_that_is_not_a_jwt_is_explained(run: Run) -> None:
    done = run("invoke", "--token", "secret")
    assert done.stderr.splitlines()[1:] == ["  expected a JWT, HEADER.CLAIMS.SIGNATURE, found a text with 0 dots"]


def test_a_token_of_another_data_folder_is_explained(run: Run) -> None:
    token = run("token", "--principal", "ann", "--data", "elsewhere").stdout.strip()
    done = run("invoke", "--token", token)
    assert "reason=bad_signature" in done.stderr
    assert done.stderr.splitlines()[1:] == [
        "  another data folder's development issuer signed the token: make it with the same --data"
    ]


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
    assert (done.returncode, done.stdout, "IoT Core refuses this client" in done.stderr) == (1, "", True)


OWN = """\
import json

def lambda_handler(event, context):
    return json.loads(event["token"])
"""


@pytest.fixture
def own(run: Run, folder: Path) -> Callable[[object], subprocess.CompletedProcess[str]]:
    """Invokes a handler without this package, which answers with its token."""
    (folder / "own_answers.py").write_text(OWN)
    (folder / "own.toml").write_text('name = "own"\n')

    def invoke(answer: object) -> subprocess.CompletedProcess[str]:
        options = ("--config", "own.toml", "--handler", "own_answers.lambda_handler")
        return run("invoke", *options, "--token", json.dumps(answer))

    return invoke


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"principalId": "user-1"},
            'principalId: expected 1 to 128 letters and digits of ASCII, found "user-1"',
        ),
        (
            {"refreshAfterInSeconds": "300"},
            'refreshAfterInSeconds: expected a whole number, 300 to 86400, found "300"',
        ),
        ({"policyDocuments": {}}, "policyDocuments: expected a list of at most 10 policy documents, found {}"),
        ({"isAuthenticated": "true"}, 'isAuthenticated: expected true or false, found "true"'),
    ],
)
def test_an_answer_that_iot_core_refuses_gives_exit_code_1_and_names_the_field(
    own: Callable[[object], subprocess.CompletedProcess[str]], changed: dict[str, object], told: str
) -> None:
    done = own({**allow(), **changed})
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        f"iot-authorizer: IoT Core refuses this client: invalid_answer: {told}",
    )


def test_an_answer_that_iot_core_accepts_gives_exit_code_0(
    own: Callable[[object], subprocess.CompletedProcess[str]],
) -> None:
    assert own(allow()).returncode == 0


@pytest.mark.parametrize("answer", [[], None, 7], ids=repr)
def test_an_answer_that_is_not_an_object_gives_exit_code_1(
    own: Callable[[object], subprocess.CompletedProcess[str]], answer: object
) -> None:
    done = own(answer)
    assert (done.returncode, "refuses this client: function_error: " in done.stderr) == (1, True), done.stderr


def test_a_handler_that_raises_an_exception_gives_exit_code_1(run: Run, folder: Path) -> None:
    (folder / "raising.py").write_text("import json\nlambda_handler = json.dumps\n")
    done = run("invoke", "--handler", "raising.lambda_handler")
    assert (done.returncode, "function_error: the handler raised TypeError" in done.stderr) == (1, True), done.stderr


def test_a_breakpoint_in_a_handler_opens_pdb_on_standard_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "breakpointhook", sys.breakpointhook)  # The command replaces it.
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)
    (folder / "stops.py").write_text("def lambda_handler(event, context):\n    breakpoint()\n    return {}\n")
    done = run_here(
        folder, "invoke", "--handler", "stops.lambda_handler", "--token", "a", typed=b"p event['token']\nc\n"
    )
    stopped = "stops.py(" in done.stderr and "-> " in done.stderr  # Since 3.13, at the call itself.
    assert (stopped, "'a'" in done.stderr, done.stdout) == (True, True, "{}\n"), done.stderr


def test_a_token_that_iot_core_does_not_take_is_called_too_long(run: Run) -> None:
    assert refused(run, "invoke", "--token", "a" * 6145).endswith(
        "--token: has 6,145 characters, but IoT Core takes at most 6,144"
    )
