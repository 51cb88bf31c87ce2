"""mosquitto_pub and mosquitto_sub, with MQTT 3.1.1 over TCP and with MQTT 5 over TLS."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.presence import Watcher
from tests.clients.server import ROOM, Server

TOPIC = f"rooms/{ROOM}/say/ann"
VERSIONS = pytest.mark.parametrize("version", ["311", "5"])


def options(server: Server, version: str, token: str) -> list[str]:
    user_name = f"?x-amz-customauthorizer-name=chat&token={token}"
    plain = ["-h", server.host, "-p", str(server.port)]
    secure = ["-h", server.host, "-p", str(server.tls_port), "--cafile", str(server.ca), "--tls-alpn", "mqtt"]
    return [*(secure if version == "5" else plain), "-V", version, "-u", user_name]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [needs(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def subscribed(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run mosquitto_sub; the block begins after its SUBACK."""
    command = ["stdbuf", "-oL", needs("mosquitto_sub"), *arguments, "-d"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        try:
            assert any(line.startswith("Subscribed") for line in process.stdout)
            yield process
        finally:
            process.terminate()


@VERSIONS
def test_mosquitto_sub_receives_what_mosquitto_pub_publishes(server: Server, version: str) -> None:
    common = options(server, version, server.token("ann"))
    with subscribed(*common, "-i", f"ann/sub-{version}", "-t", TOPIC, "-q", "1", "-C", "1") as subscriber:
        done = run("mosquitto_pub", *common, "-i", f"ann/pub-{version}", "-t", TOPIC, "-q", "1", "-m", "to mosquitto")
        assert (done.returncode, done.stderr) == (0, "")
        assert "to mosquitto\n" in subscriber.communicate(timeout=PATIENCE)[0].splitlines(keepends=True)


@pytest.mark.parametrize(("version", "code"), [("311", 5), ("5", 135)])
def test_a_forged_token_is_refused(server: Server, version: str, code: int) -> None:
    common = options(server, version, server.forged_token("ann"))
    done = run("mosquitto_pub", *common, "-i", f"ann/forged-{version}", "-t", TOPIC, "-m", "never")
    assert done.returncode == code, done.stderr
    assert "not authori" in done.stderr.lower()


@VERSIONS
def test_a_forbidden_topic_filter_is_denied(server: Server, version: str) -> None:
    common = options(server, version, server.token("ann"))
    done = run("mosquitto_sub", *common, "-i", f"ann/denied-{version}", "-t", "rooms/attic/#", "-W", "15")
    assert "All subscription requests were denied." in done.stderr


@VERSIONS
def test_a_forbidden_publish_ends_the_connection(server: Server, watcher: Watcher, version: str) -> None:
    common, own = options(server, version, server.token("ann")), f"ann/forbidden-{version}"
    done = run("mosquitto_pub", *common, "-i", own, "-t", f"rooms/{ROOM}/say/bob", "-q", "1", "-m", "not me")
    assert done.returncode != 0
    assert watcher.disconnect_reason(own) == "FORBIDDEN_ACCESS"


@VERSIONS
def test_a_connection_ends_with_its_token(server: Server, watcher: Watcher, version: str) -> None:
    common, own = options(server, version, server.ending_token("ann")), f"ann/expiring-{version}"
    with subscribed(*common, "-i", own, "-t", TOPIC):
        assert watcher.disconnect_reason(own) == "CUSTOMAUTH_TTL_EXPIRATION"
