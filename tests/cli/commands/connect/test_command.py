"""`iot-authorizer connect`: endpoints, credentials and errors. tests/clients runs the programs that it prints."""

import ast
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
import trustme
from typer.testing import CliRunner, Result

from iot_authorizer_cli.app import app
from iot_authorizer_cli.commands.keys.changing import make_key
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer
from iot_core.edge.own_certificate import copy_path
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile
from tests.cdk.configurations import ANYBODY
from tests.cli.conftest import fill

AWS = "abc-ats.iot.us-east-1.amazonaws.com"
Connect = Callable[..., Result]
TOPIC = "rooms/lobby/say/ann"


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Runs the command in a user's folder."""
    monkeypatch.chdir(fill(tmp_path))
    return lambda client, *arguments: CliRunner().invoke(app, ["connect", "--for", client, *arguments])


def python_strings(program: str) -> set[object]:
    return {node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)}


AT_AWS = ("--endpoint", AWS, "--token", "t")
PROGRAMS = [
    ("mqtt.js", AT_AWS, f"wss://{AWS}/mqtt?x-amz-customauthorizer-name=chat&token=t"),
    ("awsiotsdk", AT_AWS, "port=443"),
    ("mosquitto", AT_AWS, f"-h {AWS} -p 443 -V 5 --tls-use-os-certs --tls-alpn mqtt"),
    ("curl", AT_AWS, f"https://{AWS}/topics/rooms%2Flobby%2Fsay%2Fann?qos=1"),
    ("paho", (*AT_AWS, "--transport", "mqtt"), 'client.tls_set(alpn_protocols=["mqtt"])'),
    ("paho", (*AT_AWS, "--transport", "mqtt"), f'client.connect("{AWS}", 443)'),
    ("mqtt.js", (), "ws://127.0.0.1:8080/mqtt?"),
    ("paho", (), 'client.connect("127.0.0.1", 8080)'),
    ("awsiotsdk", (), "port=8443"),
    ("mosquitto", (), "-h 127.0.0.1 -p 8443"),
    ("curl", (), "https://127.0.0.1:8443/topics/"),
    ("awsiotsdk", ("--ca", "own.pem"), 'ca_filepath="own.pem"'),
    ("mqtt.js", ("--config", "own.toml"), "/mqtt?x-amz-customauthorizer-name=own&access_token=ey"),
    ("curl", ("--config", "own.toml", "--token", "t"), "--header 'Authorization: Bearer t'"),
]


@pytest.mark.parametrize(
    ("client", "options", "part"), PROGRAMS, ids=[" ".join([client, *options]) for client, options, _ in PROGRAMS]
)
def test_a_program_has_its_endpoint_its_ca_and_its_token(
    connect: Connect, tmp_path: Path, client: str, options: tuple[str, ...], part: str
) -> None:
    (tmp_path / "own.toml").write_text('name = "own"\n')  # Without a token key name.
    program = connect(client, *options).stdout
    assert part in program
    assert ("ca.pem" in program, "access_token" in program) == (
        client in ("awsiotsdk", "mosquitto", "curl") and AWS not in options and "--ca" not in options,
        "own.toml" in options and client != "curl",
    )


@pytest.mark.parametrize("client", ["awsiotsdk", "mosquitto", "curl"])
def test_the_local_ca_has_an_absolute_path(connect: Connect, client: str, tmp_path: Path) -> None:
    assert str(tmp_path / ".iot-authorizer" / "ca.pem") in connect(client).stdout


def test_a_program_for_a_certificate_of_the_user_s_own_has_no_local_ca(connect: Connect, tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("iot.example.com").cert_chain_pems[0].bytes()
    write_whole(copy_path(tmp_path / ".iot-authorizer"), certificate)
    assert "ca.pem" not in connect("curl").stdout
    assert "'token: ey" in connect("curl", "--endpoint", "https://iot.example.com").stdout
    assert "is at AWS" in connect("curl", "--endpoint", "https://iot.example.org").stderr


def test_on_this_machine_a_token_is_made(connect: Connect) -> None:
    program = connect("awsiotsdk", "--principal", "bea", "--claims", '{"rooms": ["attic"]}').stdout
    token = next(text for text in python_strings(program) if str(text).startswith("ey"))
    claims = jwt.decode(str(token), options={"verify_signature": False})
    assert (claims["sub"], claims["rooms"]) == ("bea", ["attic"])


def test_a_token_names_the_principal(connect: Connect, tmp_path: Path) -> None:
    token = DevelopmentIssuer(tmp_path).token("bea", {"rooms": ["lobby"]}, 60)
    strings = python_strings(connect("paho", "--token", token).stdout)
    assert {"bea", "rooms/lobby/say/bea"} <= strings


def test_a_user_name_names_the_principal(connect: Connect) -> None:
    strings = python_strings(connect("paho", "--user", "bob", "--password", "secret").stdout)
    assert {"bob", "secret", "rooms/lobby/say/bob"} <= strings


def test_the_topic_filter_can_differ_from_the_topic(connect: Connect) -> None:
    program = connect("paho", "--topic", "users/ann/outbox", "--subscribe", "users/ann/inbox/#").stdout
    assert {"users/ann/outbox", "users/ann/inbox/#"} <= python_strings(program)


def test_the_authorizer_can_be_the_accounts_default(connect: Connect) -> None:
    assert "customauthorizer-name" not in connect("mqtt.js", "--authorizer", "").stdout


def test_without_a_configuration_the_authorizer_has_its_default_name(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "authorizer.toml").unlink()
    assert "/mqtt?x-amz-customauthorizer-name=authorizer&access_token=ey" in connect("mqtt.js").stdout


def test_without_a_configuration_a_new_key_is_reported_as_untrusted(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "authorizer.toml").unlink()
    told = "authorizer.toml does not exist here; the key in .iot-authorizer was just created"
    assert [told in connect("paho").stderr for _ in range(2)] == [True, False]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://127.0.0.1:8443 for awsiotsdk, mosquitto, curl"])
def test_help_names_the_default_endpoints(connect: Connect, url: str) -> None:
    assert url in " ".join(connect("paho", "--help").stdout.split())


def test_without_a_configuration_the_default_authorizer_is_used_at_aws(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "authorizer.toml").unlink()
    url = "/mqtt?access_token=me"
    assert url in connect("mqtt.js", "--endpoint", "abc-ats.iot.eu-west-1.amazonaws.com", "--token", "me").stdout


@pytest.mark.parametrize("endpoint", ["http://vm:18301", "https://vm:8443", "http://192.168.1.5:8080"])
def test_dev_on_another_machine_gets_a_development_token(connect: Connect, tmp_path: Path, endpoint: str) -> None:
    done = connect("paho", "--endpoint", endpoint)
    assert (done.exit_code, done.stderr) == (0, "")
    assert ("x-amz-customauthorizer-name=chat&token=ey" in done.stdout) is True
    assert (str(tmp_path / ".iot-authorizer/ca.pem") in done.stdout) is endpoint.startswith("https:")


@pytest.mark.parametrize(
    ("stages", "signing", "name"),
    [
        (None, False, "chat"),
        (None, True, "chat-signed"),
        ("{}", True, "chat-signed"),
        ('{"context": {"stages": {"dev": {"suffix": "-dev"}}}}', False, "chat-dev"),
        ('{"context": {"stages": {"dev": {"suffix": "-dev"}}}}', True, "chat-dev-signed"),
        ('{"context": {"stages": {"prod": {}}}}', True, "chat-signed"),
    ],
)
def test_at_aws_the_authorizer_has_the_name_that_a_deployment_gives_it(
    connect: Connect, tmp_path: Path, stages: str | None, signing: bool, name: str
) -> None:
    if stages is not None:
        (tmp_path / "cdk.json").write_text(stages)
    if signing:
        make_key(tmp_path / "authorizer.toml", "one", 2048)
    done = connect("curl", *AT_AWS)
    assert f"x-amz-customauthorizer-name: {name}'" in done.stdout
    assert done.stderr == ""


def test_at_aws_the_names_of_other_stages_are_listed(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"stages": {"dev": {"suffix": "-dev"}, "prod": {}}}}')
    done = connect("curl", *AT_AWS)
    assert "x-amz-customauthorizer-name: chat-dev'" in done.stdout
    assert "authorizer chat-dev of stage dev; --authorizer can name chat (stage prod)" in done.stderr
    assert connect("curl", *AT_AWS, "--authorizer", "chat").stderr == ""


def test_a_given_configuration_must_exist(connect: Connect) -> None:
    assert isinstance(connect("mqtt.js", "--config", "missing.toml").exception, InvalidFile)


def test_what_the_template_denies_is_reported(connect: Connect) -> None:
    topic = "rooms/attic/say/ann"
    done = connect("paho", "--topic", topic, "--subscribe", topic)
    assert done.exit_code == 0
    assert "policies/chat.toml denies ann to publish rooms/attic/say/ann: " in done.stderr
    assert "policies/chat.toml denies ann to subscribe rooms/attic/say/ann: " in done.stderr


@pytest.mark.parametrize("arguments", [("--principal", "a" * 129), ("--client-id", "a" * 127)], ids=["name", "option"])
def test_a_client_id_that_iot_core_refuses_is_reported(connect: Connect, arguments: tuple[str, str]) -> None:
    done = connect("mosquitto", *arguments)
    assert done.exit_code == 0
    assert "IoT Core lets no client connect aaaa" in done.stderr
    assert "a client ID has at most 128 bytes of UTF-8" in done.stderr


@pytest.mark.parametrize("client", ["mqtt.js", "paho", "awsiotsdk", "mosquitto", "curl"])
def test_what_the_template_allows_gives_no_warning(connect: Connect, client: str) -> None:
    assert connect(client).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ftp",), "'ftp' is not one of"),
        (("paho", "--endpoint", AWS), f"{AWS} is at AWS, which trusts no development token"),
        (("paho", "--endpoint", "http://"), "expected HOST, http://HOST:PORT or https://HOST:PORT"),
        (("paho", "--endpoint", "ftp://127.0.0.1"), "expected HOST, http://HOST:PORT or https://HOST:PORT"),
        (("paho", "--endpoint", "127.0.0.1:port"), "expected HOST, http://HOST:PORT or https://HOST:PORT"),
        (("paho", "--user", "bob"), "give both or neither"),
        (("paho", "--token", "t", "--user", "bob", "--password", "p"), "give a token, or a user name"),
        (("paho", "--signature", "c2ln"), "give the token that it signs with --token"),
        (("paho", "--anonymous"), "authorizer.toml has no [anonymous]: the authorizer refuses clients without"),
        (
            ("paho", "--anonymous", "--token", "t"),
            "--anonymous, --token: a client without credentials is the",
        ),
        (("paho", "--anonymous", "--user", "bob", "--password", "p"), "--anonymous, --user: a client without"),
        (("paho", "--anonymous", "--principal", "ann"), "--anonymous, --principal: a client without"),
        (("paho", "--anonymous", "--claims", "{}"), "--anonymous, --claims: a client without"),
        (("paho", "--topic", "a\nb"), "the topic contains a control character"),
        (("paho", "--client-id", "a\nb"), "the client id contains a control character"),
        (("paho", "--client-id", "a" * 129), "--client-id: a client ID has at most 128 bytes of UTF-8"),
        (("paho", "--topic", "$aws/events/x"), "--topic: only IoT Core publishes events"),
        (("paho", "--topic", "x/+"), "--topic: a topic name must not contain a wildcard"),
        (("paho", "--topic", "x/#"), "--topic: a topic name must not contain a wildcard"),
        (("paho", "--topic", ""), "--topic: a topic must not be empty"),
        (("paho", "--subscribe", "a/#/b"), "--subscribe: # must be the last level"),
        (("paho", "--subscribe", "a/b+"), "--subscribe: + and # must be the only character of their level"),
        (("paho", "--principal", ""), "--principal: expected a name"),
        (("paho", "--claims", "[]"), "expected a JSON object"),
        (("paho", "--user", "a?b", "--password", "p"), "a user name cannot contain ?"),
        (("browser", "--token", "t"), "--for browser, --token: a page holds no secret"),
        (("browser", "--user", "ann", "--password", "p"), "--for browser, --password: a page holds no secret"),
        (("browser", "--transport", "mqtt"), "--for browser, --transport: a page holds no secret"),
        (("browser", "--anonymous"), "authorizer.toml has no [anonymous]: the authorizer refuses clients without"),
        (("browser", "--topic", "a\nb"), "a topic contains a control character"),
        (("mqtt.js", "--transport", "mqtt"), "mqtt.js does not support the transport mqtt here: it uses ws"),
        (("curl", "--transport", "ws"), "curl does not support the transport ws here: it uses only HTTPS"),
        (("curl", "--user", "bob", "--password", "p"), "publishing over HTTPS needs a token"),
        (("awsiotsdk", "--endpoint", "http://127.0.0.1:8080"), "awsiotsdk supports only TLS"),
    ],
)
def test_an_error_names_its_option(connect: Connect, arguments: tuple[str, ...], words: str) -> None:
    done = connect(*arguments)
    assert (done.exit_code, words in " ".join(done.stderr.split())) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ((), "clientId: `${user}/${tab}`"),
        ((), 'client.subscribe("rooms/lobby/#"'),
        ((), 'get("user") ?? "ann"'),
        (("--principal", "bea", "--claims", '{"rooms": ["attic"]}'), 'claims: {"rooms": ["attic"]}'),
        (("--principal", "bea", "--client-id", "bea/phone"), "clientId: `${user}/phone/${tab}`"),
        (("--endpoint", "https://vm:8443"), "open https://vm:8443/web/"),
        (("--endpoint", AWS), f'mqtt.connect("wss://{AWS}/mqtt"'),
        (("--endpoint", AWS, "--user", "ann"), 'name="password"'),
        (("--authorizer", ""), "new URLSearchParams({ ...query })"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_page_connects_as_the_template_grants(connect: Connect, options: tuple[str, ...], part: str) -> None:
    done = connect("browser", *options)
    assert (part in done.stdout, done.stderr, done.exit_code) == (True, "", 0)


def test_a_page_has_a_client_id_of_its_own_if_any_client_id_is_granted(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "policies/any.toml").write_text(ANYBODY)
    (tmp_path / "any.toml").write_text('name = "a"\npolicy = "policies/any.toml"\n[anonymous]\nprincipal = "all"\n')
    page = connect("browser", "--config", "any.toml", "--anonymous").stdout
    assert "clientId: `all-${tab}`" in page
    assert ('publishAsync("client", ' in page, 'client.subscribe("server", ' in page) == (True, True)


def test_a_page_holds_no_token_and_makes_no_key(connect: Connect, tmp_path: Path) -> None:
    assert "eyJ" not in connect("browser").stdout
    assert not (tmp_path / ".iot-authorizer").exists()


def test_at_aws_a_page_finds_its_user_in_the_claim_of_the_template(connect: Connect, tmp_path: Path) -> None:
    template = tmp_path / "policies/chat.toml"
    template.write_text(template.read_text().replace('principal = "sub"', 'principal = "username"'))
    assert "no claim username" in connect("browser", "--endpoint", AWS).stdout
    assert "no claim sub" in connect("browser").stdout


def test_a_client_id_without_a_free_end_is_that_of_each_tab(connect: Connect, tmp_path: Path) -> None:
    template = tmp_path / "policies/chat.toml"
    template.write_text(template.read_text().replace(', "{principal}/*"', ""))
    assert "clientId: `${user}` }" in connect("browser").stdout


def test_with_signing_the_token_is_signed_with_the_key_on_this_machine(connect: Connect, tmp_path: Path) -> None:
    pair = make_key(tmp_path / "authorizer.toml", "one", 2048)
    program = connect("curl", "--token", "abc").stdout
    assert pair.sign(b"abc") in program


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        (("--token", "abc"), "no private key is in keys/private: IoT Core refuses"),
        (("--user", "ann", "--password", "x"), "IoT Core refuses clients without a signed token"),
    ],
    ids=["token", "password"],
)
def test_with_signing_a_client_that_cannot_be_signed_gives_a_warning(
    connect: Connect, tmp_path: Path, options: tuple[str, ...], warning: str
) -> None:
    make_key(tmp_path / "authorizer.toml", "one", 2048).private_path.unlink()
    assert warning in connect("paho", *options).stderr
