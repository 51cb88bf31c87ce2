"""The defaults of `iot-authorizer connect`: what the template grants."""

import ast
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner, Result

from iot_authorizer_cli.app import app
from iot_authorizer_cli.examples.proposal import example, propose
from iot_authorizer_cli.examples.suggestions import presets
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer, principal_of
from iot_authorizer_cli.snippets.programs import CLIENTS, Client, client_ids
from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.explaining import Question, explain
from tests import READY, ROOT

Connect = Callable[..., Result]
PASSWORDS = """\
[users.pump-9]
hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A"
claims = { role = "device" }
"""


@pytest.fixture
def connect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Runs the command with a ready template."""
    monkeypatch.chdir(folder)

    def run(template: str, client: str, *arguments: str) -> Result:
        (folder / "passwords.toml").write_text(PASSWORDS)
        passwords = '[passwords]\nfile = "passwords.toml"\n'
        (folder / "authorizer.toml").write_text(f'name = "own"\npolicy = "policies/{template}.toml"\n{passwords}')
        return CliRunner().invoke(app, ["connect", "--for", client, *arguments], catch_exceptions=False)

    return run


def called(program: str, name: str) -> object:
    """A program's first argument of a call, or the argument of that name."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            return ast.literal_eval(node.args[0])
        if isinstance(node, ast.keyword) and node.arg == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"no {name} in {program}")


def conduct(program: str) -> tuple[object, object, object]:
    """The client ID, the topic and the topic filter of a program for Paho."""
    return called(program, "client_id"), called(program, "publish"), called(program, "subscribe")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_without_options_the_template_allows_all_of_it(connect: Connect, path: Path, client: Client) -> None:
    done = connect(path.stem, client)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_without_options_a_client_receives_its_own_message(connect: Connect, path: Path) -> None:
    _, topic, topic_filter = conduct(connect(path.stem, "paho").stdout)
    assert topic == topic_filter


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_a_proposal_is_allowed_for_each_kind_of_principal(path: Path) -> None:
    template = PolicyTemplate.load(path)
    for preset in presets(template)[:-1]:
        principal = principal_of(preset["principal"], preset["claims"])
        found = propose(template, principal)
        asked: list[tuple[Question, str]] = [("connect", found.client_ids[0]), ("subscribe", found.topic_filter)]
        for question, resource in asked:
            assert explain(template, principal, question, resource, found.client_ids[0]).allowed, (preset, resource)


def test_a_password_users_claims_are_those_of_the_password_file(connect: Connect) -> None:
    program = connect("fleet", "paho", "--user", "pump-9", "--password", "secret").stdout
    assert conduct(program) == ("pump-9", "devices/pump-9/telemetry/something", "devices/pump-9/commands/#")


def test_a_client_that_does_not_receive_its_own_messages_is_reported(connect: Connect) -> None:
    done = connect("fleet", "paho", "--user", "pump-9", "--password", "secret")
    assert done.stderr == (
        "iot-authorizer: messages to devices/pump-9/telemetry/something do not match "
        "devices/pump-9/commands/#: the program ends after the acknowledgment\n"
    )


def test_a_client_without_credentials_has_the_claims_of_the_configuration(connect: Connect, folder: Path) -> None:
    connect("broadcast", "paho")
    config = folder / "authorizer.toml"
    config.write_text(f'{config.read_text()}[anonymous]\nprincipal = "guest"\nclaims = {{ role = "listener" }}\n')
    options = ["connect", "--for", "paho", "--anonymous"]
    program = CliRunner().invoke(app, options, catch_exceptions=False).stdout
    assert called(program, "client_id") == "guest/example"
    assert called(program, "subscribe") == "channels/news/live"
    assert "token" not in program


def test_an_unknown_user_gives_no_warning(connect: Connect) -> None:
    assert connect("fleet", "paho", "--user", "pump-10", "--password", "secret").stderr == ""


def test_the_claims_are_those_of_the_token(connect: Connect, tmp_path: Path) -> None:
    token = DevelopmentIssuer(tmp_path / "keys").token("eve", {"role": "operator", "site": "rome"}, 60)
    program = connect("fleet", "paho", "--token", token).stdout
    assert conduct(program) == ("operators/eve/example", "sites/rome/announcements", "sites/rome/announcements")


def test_a_token_of_another_issuer_has_its_principal_in_the_claim_that_the_template_names(
    connect: Connect, folder: Path
) -> None:
    template = folder / "policies" / "named.toml"
    template.write_text(
        'principal = "username"\n\n[[grant]]\nconnect = ["{principal}"]\npublish = ["of/{principal}"]\n'
    )
    token = jwt.encode({"iss": "https://id.example.com/", "sub": "8f14e45f", "username": "eve"}, "k" * 32)
    assert conduct(connect("named", "paho", "--token", token).stdout)[:2] == ("eve", "of/eve")


def test_a_token_without_its_signature_is_read(connect: Connect, tmp_path: Path) -> None:
    token = DevelopmentIssuer(tmp_path / "keys").token("eve", {"role": "operator", "site": "rome"}, 60)
    program = connect("fleet", "paho", "--token", token.rpartition(".")[0]).stdout
    assert called(program, "publish") == "sites/rome/announcements"


def test_an_opaque_token_gives_no_warning(connect: Connect) -> None:
    done = connect("fleet", "mosquitto", "--token", "opaque", "--topic", "of/ann")
    assert (done.exit_code, done.stderr) == (0, "")


def test_without_a_template_the_principal_is_a_chat_member(connect: Connect, folder: Path) -> None:
    (folder / "code.toml").write_text('name = "code"\n')
    program = connect("fleet", "paho", "--config", "code.toml", "--subscribe", "rooms/lobby/#").stdout
    assert conduct(program) == ("ann", "rooms/lobby/say/ann", "rooms/lobby/#")


def test_another_principal_gets_the_claims_of_an_example(connect: Connect) -> None:
    program = connect("broadcast", "paho", "--principal", "eve").stdout
    assert conduct(program) == ("eve/example", "channels/news/live", "channels/news/live")


def test_what_is_given_stays_as_it_is(connect: Connect) -> None:
    options = ["--client-id", "me", "--topic", "a/b", "--subscribe", "c/#"]
    assert conduct(connect("fleet", "paho", *options).stdout) == ("me", "a/b", "c/#")


def test_a_topic_that_is_given_is_heard_where_that_is_granted(connect: Connect) -> None:
    claims = '{"role": "operator", "site": "rome", "devices": ["pump-1"]}'
    options = ["--claims", claims, "--topic", "devices/pump-1/commands/ann"]
    assert conduct(connect("fleet", "paho", *options).stdout)[2] == "devices/pump-1/commands/ann"


def test_a_filter_that_is_given_hears_a_topic_where_one_fits(connect: Connect) -> None:
    assert conduct(connect("chat", "paho", "--subscribe", "users/+/outbox").stdout)[1] == "users/ann/outbox"


def test_mosquittos_client_ids_are_such_as_are_granted(connect: Connect) -> None:
    words = shlex.split(connect("fleet", "mosquitto").stdout, comments=True)
    assert [words[index + 1] for index, word in enumerate(words) if word == "-i"] == [
        "operators/ann/sub",
        "operators/ann/pub",
    ]


@pytest.mark.parametrize("own", [[], ["--client-id", "pump-9"]], ids=["proposed", "given"])
def test_mosquitto_publishes_with_the_only_client_id_that_is_granted(connect: Connect, own: list[str]) -> None:
    done = connect("fleet", "mosquitto", "--user", "pump-9", "--password", "secret", *own)
    words = shlex.split(done.stdout, comments=True)
    assert [words[index + 1] for index, word in enumerate(words) if word == "-i"] == ["pump-9"]
    assert ("mosquitto_pub" in words, "mosquitto_sub" in words, "denies" in done.stderr) == (True, False, False)


def test_denied_client_ids_are_reported(connect: Connect) -> None:
    done = connect("fleet", "mosquitto", "--user", "pump-9", "--password", "secret", "--client-id", "pump-8")
    assert re.findall(r"denies pump-9 to connect (\S+):", done.stderr) == ["pump-8/sub", "pump-8/pub"]


def test_two_client_ids_that_are_granted_by_name_are_enough() -> None:
    template = PolicyTemplate.of([Grant(connect=["{principal}-a", "{principal}-b"], publish=["x"], subscribe=["x"])])
    found = propose(template, Principal("ann"), lambda name: client_ids("mosquitto", name))
    assert found == (("ann-a", "ann-b"), "x", "x")


def test_a_client_id_that_is_denied_is_not_proposed() -> None:
    template = PolicyTemplate.of([Grant(connect=["{principal}", "{principal}/*"]), Deny(connect=["{principal}"])])
    assert propose(template, Principal("ann")).client_ids == ("ann/example",)


def test_a_topic_with_the_client_id_in_it_is_that_of_its_own_connection() -> None:
    template = PolicyTemplate.of(
        [Grant(connect=["me-1", "me-2"], publish=["from/{client_id}"], subscribe=["for/{client_id}/#"])]
    )
    found = propose(template, Principal("ann"), lambda name: client_ids("mosquitto", name))
    assert found == (("me-1", "me-2"), "from/me-2", "for/me-1/#")


def test_a_principal_without_grants_gets_what_others_may() -> None:
    template = PolicyTemplate.load(ROOT / "policies/broadcast.toml")
    assert propose(template, Principal("ann")) == (("ann",), "channels/news/live", "channels/news/live")


def test_the_example_receives_its_own_messages() -> None:
    template = PolicyTemplate.of(
        [
            Grant(when={"role": "deaf"}, connect=["{principal}"], publish=["a"], subscribe=["b"]),
            Grant(when={"role": "hearing"}, connect=["{principal}"], publish=["a"], subscribe=["a"]),
        ]
    )
    found = example(template)
    assert found
    assert found.principal.claims == {"role": "hearing"}


def test_without_a_suitable_principal_there_is_no_example() -> None:
    assert example(PolicyTemplate.of([Grant(publish=["a"])])) is None
