"""`make demo`: the commands that it prints work as they are printed."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_core.whole_file import write_whole
from tests import ROOT
from tests.cli.conftest import fill
from tests.cli.dev import PROGRAM, Dev
from tests.clients.needs import needs

pytestmark = pytest.mark.slow

ANONYMOUS = '[anonymous]\nprincipal = "anonymous"\n'
"""The configuration must accept other clients than those of the development issuer."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """`dev` in a user's folder, on free ports."""
    with Dev(fill(tmp_path_factory.mktemp("demo"))) as dev:
        yield dev


def commands_of(greeting: str) -> list[str]:
    return [line for line in re.findall(r"^  (.*)$", greeting.partition("Try it")[2], re.MULTILINE) if line[0] != "#"]


def paste(command: str, folder: Path) -> str:
    """Runs a command without the environment of this process."""
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_prints_a_page_to_open_and_the_ports_and_the_ca(demo: Dev) -> None:
    url = re.search(r"open +(http:\S+)", demo.greeting)
    assert url is not None
    with build_opener(HTTPCookieProcessor()).open(url[1]) as answer:
        assert answer.url == f"http://localhost:{demo.port}/"
        assert b"<title>iot-authorizer</title>" in answer.read()
    parts = [
        f"page      http://localhost:{demo.port}/web/  from web/index.html;",
        f"wss://localhost:{demo.tls_port}",
        "mqtts://localhost:",
        ".iot-authorizer/ca.pem",
    ]
    assert [part for part in parts if part not in demo.greeting] == []


def test_the_first_client_receives_its_own_message(demo: Dev) -> None:
    assert paste(commands_of(demo.greeting)[0], demo.folder) == "rooms/lobby/say/ann: Hello from Paho\n"


def test_the_printed_commands_fit_another_configuration(folder: Path) -> None:
    (folder / "own.toml").write_text(f'name = "own"\npolicy = "policies/fleet.toml"\n{ANONYMOUS}')
    with Dev(folder, "--config", "own.toml") as dev:
        client, _, aws = commands_of(dev.greeting)
        assert paste(client, folder).endswith(": Hello from Paho\n")
        assert '"isAuthenticated": true' in paste(aws, folder)


@pytest.mark.parametrize("number", range(3), ids=["paho", "curl", "aws"])
def test_with_signing_the_printed_commands_sign_their_tokens(folder: Path, number: int) -> None:
    needs("curl")
    make_key(folder / "authorizer.toml", "one", 2048)
    with Dev(folder) as dev:
        told = paste(commands_of(dev.greeting)[number], folder)
    assert ("Hello from Paho", '"message":"OK"', '"isAuthenticated": true')[number] in told


def test_with_signing_and_no_private_key_it_says_what_to_give(folder: Path) -> None:
    make_key(folder / "authorizer.toml", "one", 2048).private_path.unlink()
    with Dev(folder) as dev:
        assert "no private key is in keys/private" in dev.greeting


def test_without_other_clients_the_printed_commands_are_of_a_client_without_credentials(folder: Path) -> None:
    (folder / "own.toml").write_text(f'name = "own"\npolicy = "policies/public.toml"\n{ANONYMOUS}')
    with Dev(folder, "--config", "own.toml") as dev:
        client, https, aws = commands_of(dev.greeting)
        assert [command for command in (client, https, aws) if "token" in command] == []
        assert paste(client, folder) == "public/guestbook: Hello from Paho\n"
        assert '"message":"OK"' in paste(https, folder)
        assert '"principalId": "anonymous"' in paste(aws, folder)


def test_it_says_what_build_will_refuse_when_it_starts_and_after_each_save(folder: Path) -> None:
    template = folder / "policies/own.toml"
    template.write_text('[[grant]]\nconnect = ["{client_id}"]\npublish = ["#"]\n')
    (folder / "own.toml").write_text(f'name = "own"\npolicy = "policies/own.toml"\n{ANONYMOUS}')
    with Dev(folder, "--config", "own.toml") as dev:
        lines = dev.wait_for(3)
        refused = "`iot-authorizer build` will refuse this: policies/own.toml"
        assert [line.startswith(refused) for line in lines] == [True] * 3, lines
        template.write_text('[[grant]]\nconnect = ["{principal}/*"]\nconnect_with = []\npublish = ["#"]\n')
        reloaded, problem = dev.wait_for(5)[3:5]
    assert reloaded.startswith("reloaded own.toml")
    assert f"{refused}:4: grant[0].publish[0]: " in problem


@pytest.mark.parametrize("option", [(), ("--quiet",)])
def test_it_says_what_each_save_opens_and_closes(folder: Path, option: tuple[str, ...]) -> None:
    template = folder / "policies/chat.toml"
    good = template.read_text()
    with Dev(folder, *option) as dev:
        write_whole(template, f'{good}\n[[grant]]\npublish = ["more"]\n'.encode())
        assert dev.wait_for(5) == [
            "reloaded authorizer.toml and the files that it names",
            'opens  publish: grant[3], publish = "more", added',
            "         for every principal",
            "         example: ann: publish more",
            "compared with the template when dev started: everything else is the same for every principal",
        ]
        write_whole(template, good.encode())
        assert dev.wait_for(7)[5:] == [
            "reloaded authorizer.toml and the files that it names",
            "compared with the template when dev started: both allow the same for every principal",
        ]


def test_the_second_client_publishes_over_https(demo: Dev) -> None:
    needs("curl")
    assert '"message":"OK"' in paste(commands_of(demo.greeting)[1], demo.folder)


def test_the_aws_cli_shows_the_lambdas_answer(demo: Dev) -> None:
    assert '"principalId": "ann"' in paste(commands_of(demo.greeting)[2], demo.folder)


@pytest.mark.parametrize(("option", "line"), [("--default-authorizer", ""), ("--quiet", "default_authorizer = true\n")])
def test_a_client_that_names_no_authorizer_is_authorized_by_the_default_one(
    tmp_path: Path, option: str, line: str
) -> None:
    folder = fill(tmp_path)
    config = folder / "authorizer.toml"
    config.write_text(line + config.read_text())
    with Dev(folder, option) as dev:
        token = paste(f"""{PROGRAM} token --principal ann --claims '{{"rooms": ["lobby"]}}'""", folder).strip()
        url = f"mqtt://ann:{token}@localhost:{dev.port}/rooms/lobby/say/ann"
        publish = f"{needs('mosquitto_pub')} -L {url} -i ann -q 1 -m Hello"
        assert paste(f"{publish} && echo published", folder) == "published\n"


def test_the_makefile_starts_it() -> None:
    make = ["make", "--no-print-directory", "-n", "demo"]
    done = subprocess.run(make, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ".venv/bin/iot-authorizer dev"
