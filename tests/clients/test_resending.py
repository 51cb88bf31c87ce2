"""MQTT.js with its own options resends a refused message for ever, and IoT Core on this machine says so."""

import subprocess
import threading
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.feed import Record
from tests import ROOT
from tests.cli.conftest import fill
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs

pytestmark = pytest.mark.slow

PROGRAM = """
import mqtt from "mqtt";
const client = mqtt.connect(process.argv[2], { clientId: "ann/1", protocolVersion: 5, reconnectPeriod: 50 });
client.publish("rooms/attic/say/ann", "hello", { qos: 1 });
"""


def test_the_feed_says_that_the_client_resends_a_refused_message(tmp_path: Path) -> None:
    node = needs("mqtt.js")
    (tmp_path / "client.mjs").write_text(PROGRAM)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    with LocalIotCore(fill(tmp_path) / "authorizer.toml", limits=IOT_CORE.without_throttling()) as core:
        url = f"ws://localhost:{core.port}/mqtt?x-amz-customauthorizer-name=chat&token={core.token('ann')}"
        found: list[Record] = []
        seen = threading.Event()

        async def follow() -> None:
            async for record in core.feed.follow():
                if "resends a refused message" in str(record.get("detail")):
                    found.append(record)
                    seen.set()
                    return

        following = threading.Thread(target=lambda: core.run(follow))
        following.start()
        with subprocess.Popen([node, "client.mjs", url], cwd=tmp_path) as process:
            assert seen.wait(PATIENCE)
            process.kill()
        following.join()
    assert found[0]["detail"] == (
        "the policy does not allow this publish; the client resends a refused message, sent 3 times: "
        "let it give up unacknowledged messages when IoT Core ends its connection"
    )
