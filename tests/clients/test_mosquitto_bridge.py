"""A bridge of mosquitto to IoT Core, with the settings of the how-to page."""

import re
import subprocess
from pathlib import Path

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_identities.passwords import hash_password
from tests import ROOT
from tests.clients.connection import PATIENCE
from tests.clients.mosquitto_broker import mosquitto, write_passwords
from tests.clients.needs import needs

PASSWORD = "correct-horse"
TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
retain    = ["sites/berlin/sensors/#"]
subscribe = ["sites/berlin/commands/#"]

[[grant]]
when      = { role = "operator" }
subscribe = ["sites/#"]
retain    = ["sites/#"]
"""
CONFIGURATION = """\
name               = "sites"
policy             = "policy.toml"
default_authorizer = true

[passwords]
file = "passwords.toml"
"""


def settings_of_the_page(core: LocalIotCore) -> str:
    """The page's bridge, with the host, the CA and the password of this test."""
    page = (ROOT / "docs" / "how-to" / "migrate-from-mosquitto.md").read_text("utf-8")
    (found,) = re.findall(r"^connection iot-core\n.*?^(?=```)", page, re.MULTILINE | re.DOTALL)
    here = {
        "ENDPOINT:443": f"{core.host}:{core.tls_port}",
        "/etc/ssl/certs/ca-certificates.crt": str(core.ca_path),
        "…": PASSWORD,
    }
    return re.sub("|".join(here), lambda match: here[match[0]], found)


def test_a_bridge_carries_messages_both_ways(tmp_path: Path) -> None:
    encoded = hash_password(PASSWORD)
    users = {"site-berlin": "{}", "ops": '{ role = "operator" }'}
    (tmp_path / "passwords.toml").write_text(
        "".join(f'[users.{name}]\nhash = "{encoded}"\nclaims = {claims}\n' for name, claims in users.items())
    )
    (tmp_path / "policy.toml").write_text(TEMPLATE)
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "acl").write_text("topic readwrite #\n")
    write_passwords(tmp_path, {"any": "any"})
    with (
        LocalIotCore(tmp_path / "authorizer.toml", folder=tmp_path / "data") as core,
        mosquitto(tmp_path, settings_of_the_page(core)) as port,
    ):
        there = ["-h", "127.0.0.1", "-p", str(port)]
        here = ["-h", "127.0.0.1", "-p", str(core.port), "-u", "ops", "-P", PASSWORD]
        _carries([*there, "-i", "pump"], "sensors/pump-7", [*here, "-i", "ops"], "sites/berlin/sensors/pump-7")
        _carries([*here, "-i", "ops"], "sites/berlin/commands/stop", [*there, "-i", "pump"], "commands/stop")


def _carries(sender: list[str], topic: str, receiver: list[str], other_topic: str) -> None:
    """Publishes until it arrives: nothing tells when the bridge is connected."""
    command = [needs("mosquitto_sub"), *receiver, "-t", other_topic, "-C", "1", "-W", str(int(PATIENCE))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        while waiting.poll() is None:
            subprocess.run([needs("mosquitto_pub"), *sender, "-t", topic, "-m", "21", "-q", "1"], check=False)
            try:
                waiting.wait(1.1)
            except subprocess.TimeoutExpired:
                continue
        assert waiting.stdout
        assert waiting.stdout.read() == "21\n"
