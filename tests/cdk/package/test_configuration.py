"""Configurations that do not start in Lambda, or do not do what they say, are refused before the deployment."""

import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.package.configuration import (
    CheckedConfiguration,
    check_configuration,
    deployment_problems,
    named_files,
)
from iot_authorizer_cli.commands.keys.changing import make_key, retire_key
from iot_policies import InvalidFile
from tests.cdk.configurations import POLICY, append, with_signing, write_key

JWKS = r"authorizer\.toml:\d+: jwt\[0\]\.jwks: .*keys\.json: "


def check(config: Path, **environment: str) -> CheckedConfiguration:
    return check_configuration(config, environment)


def test_signing_needs_clients_that_send_tokens(config: Path) -> None:
    """With signing, IoT Core would refuse every client."""
    config.write_text(f"{config.read_text().partition('[[jwt]]')[0]}[passwords]\n")
    with_signing(config)
    with pytest.raises(InvalidSettings, match=r"\[signing\] also needs \[\[jwt\]\] or \[signed_tokens\]: with signing"):
        check(config, AUTHORIZER__TABLE="identities")


def test_signing_needs_a_token_key_name(config: Path) -> None:
    config.write_text(config.read_text().replace('token_key_name = "token"\n', ""))
    with_signing(config)
    with pytest.raises(InvalidSettings, match=r"authorizer\.toml: \[signing\] also needs token_key_name"):
        check(config)


@pytest.mark.parametrize(
    ("public_keys", "message"),
    [
        ("{}", "signing"),
        ('{ "november 2026" = "signing.pem" }', r"signing\.public_keys\.november 2026: expected 1 to 128 letters"),
    ],
)
def test_signing_keys_that_iot_core_does_not_accept(config: Path, public_keys: str, message: str) -> None:
    with_signing(config)
    config.write_text(config.read_text().replace('{ "2026-11" = "signing.pem" }', public_keys))
    with pytest.raises(InvalidFile, match=message):
        check(config)


def test_a_key_must_be_rsa_in_pem_with_at_least_2048_bits(config: Path) -> None:
    with_signing(config, bits=1024)
    with pytest.raises(InvalidFile, match=r"signing\.pem: expected an RSA key of 2048 bits or more"):
        check(config)
    write_key(config.with_name("signing.pem"), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InvalidFile, match="expected an RSA key"):
        check(config)
    config.with_name("signing.pem").write_text("ssh-rsa AAAA")
    with pytest.raises(InvalidFile, match=r"signing\.pem: expected a public key in PEM"):
        check(config)


def test_text_around_a_pem_is_ignored(config: Path) -> None:
    pem = with_signing(config)
    config.with_name("signing.pem").write_text(f"Schlüssel\n{pem}", "utf-8")
    assert check(config).public_keys == {"2026-11": pem}


def test_keys_of_the_keys_command_are_read_and_their_private_halves_are_not_packaged(config: Path) -> None:
    make_key(config, "old", 2048)
    make_key(config, "new", 4096)
    halves = {name: (config.parent / f"keys/{name}.pem").read_text() for name in ("old", "new")}
    assert check(config).public_keys == halves
    retire_key(config, "old")
    assert check(config).public_keys == {"new": halves["new"]}
    assert [*config.parent.rglob("private/*.pem")]
    packaged = named_files(config, load_configuration(config, {}))
    assert [path for path in packaged if path.suffix == ".pem"] == [Path("keys/new.pem")]


@pytest.mark.parametrize("key", ["disconnect_after", "refresh_after"])
@pytest.mark.parametrize("time", ["1m", "25h"])
def test_times_that_iot_core_does_not_accept(config: Path, key: str, time: str) -> None:
    config.with_name("policy.toml").write_text(f'[session]\n{key} = "{time}"\n{POLICY}')
    with pytest.raises(InvalidFile, match=rf"policy\.toml:2: session\.{key}: expected a time from 5m to 24h"):
        check(config)


@pytest.mark.parametrize(
    ("file", "content", "error", "message"),
    [
        (
            "policy.toml",
            POLICY + '\n[[grant]]\npublish = ["users/all/outbox"]\n',
            InvalidSettings,
            r"policy\.toml:6: grant\[1\]\.publish\[0\]: ",
        ),
        ("policy.toml", "[[grant]]\npublish = 3\n", InvalidFile, r"policy\.toml:2: grant\[0\]\.publish"),
        ("keys.json", "not JSON", InvalidFile, JWKS),
        ("keys.json", "[]", InvalidFile, JWKS),
        ("keys.json", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', InvalidFile, JWKS),
        (
            "users.toml",
            '[users.ann]\nhash = "secret"\n',
            InvalidFile,
            r"users\.toml:2: users\.ann\.hash: expected",
        ),
    ],
)
def test_a_file_that_the_lambda_could_not_use_is_one_line(
    config: Path, file: str, content: str, error: type[ValueError], message: str
) -> None:
    config.with_name(file).write_text(content)
    if file == "users.toml":
        append(config, '[passwords]\nfile = "users.toml"')
    with pytest.raises(error, match=message) as raised:
        check(config)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "AUTHORIZER__POLICY",
            "other.file",
            r"policy: other\.file: file not found: correct its name, or create it \(the Lambda has only",
        ),
        ("AUTHORIZER__JWT__0__JWKS", "other.file", r"jwt\[0\]\.jwks: other\.file: file not found"),
        ("AUTHORIZER__POLICY", "/etc/policy.toml", "policy: found /etc/policy.toml, expected a file in the folder"),
        ("AUTHORIZER__POLICY", "../policy.toml", "policy: found ../policy.toml, expected a file in the folder"),
        ("AUTHORIZER_DEVELOPMENT_JWKS", "keys.json", "AUTHORIZER_DEVELOPMENT_JWKS: .* never for Lambda"),
    ],
)
def test_a_variable_that_the_function_could_not_use(config: Path, variable: str, value: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        check(config, **{variable: value})


def test_a_topic_prefix_of_a_stage_that_a_handler_of_your_own_does_not_read_is_named_as_the_stages(
    config: Path,
) -> None:
    config.write_text('name = "chat"\nhandler = "own.handler"\n')
    message = r"^topic_prefix: found 'dev', but own\.handler, a handler of your own, does not read it: remove it here"
    with pytest.raises(InvalidSettings, match=message):
        check(config, AUTHORIZER__TOPIC_PREFIX="dev")


def test_a_check_fetches_nothing(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"https://127.0.0.1:{server.getsockname()[1]}/keys.json"
        config.write_text(config.read_text().replace("keys.json", url))
        check(config)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_keys_that_only_this_machine_can_fetch_stop_a_deployment(config: Path) -> None:
    config.write_text(config.read_text().replace("keys.json", "http://localhost:9000/keys"))
    place = r"authorizer\.toml:\d+: jwt\[0\]\.jwks: found http://localhost:9000/keys"
    with pytest.raises(InvalidFile, match=f"{place}, which only this machine can fetch: use an https:// URL or a file"):
        check(config)


ANONYMOUS = '[anonymous]\nprincipal = "public"'


def test_all_problems_that_stop_a_deployment_are_lines(config: Path) -> None:
    assert deployment_problems(config) == ()
    config.with_name("policy.toml").write_text('[[grant]]\nconnect = ["{client_id}"]\npublish = ["#"]\n')
    places = [problem.partition(": ")[0].rpartition("/")[2] for problem in deployment_problems(config)]
    assert places == ["policy.toml:3", "policy.toml:2", "policy.toml:2"]
    config.with_name("policy.toml").write_text("[[grant]]\npublish = 3\n")
    assert [": grant[0].publish: expected a list" in problem for problem in deployment_problems(config)] == [True]


def test_what_a_template_means_for_clients_without_credentials_stops_a_deployment(config: Path) -> None:
    append(config, ANONYMOUS)
    (*_, problem) = deployment_problems(config)
    assert "is for clients without credentials, too, which are all public" in problem
    with pytest.raises(InvalidSettings, match="take over the persistent session of another one"):
        check(config)


def test_any_client_id_for_clients_without_credentials_can_be_deployed_on_purpose(config: Path) -> None:
    append(config, ANONYMOUS)
    grant = '[[grant]]\nconnect = ["{client_id}"]\nconnect_with = []\npublish = ["client"]\nsubscribe = ["server"]\n'
    config.with_name("policy.toml").write_text(grant)
    assert [" allows any client ID" in problem for problem in deployment_problems(config)] == [True]
    config.with_name("policy.toml").write_text(f'{grant}acknowledge = ["any_client_id"]\n')
    assert check(config).name == "chat"
