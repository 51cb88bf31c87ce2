"""A saved handler of your own takes effect at once; a broken one changes nothing."""

import threading
from pathlib import Path

import pytest

from iot_core.mqtt import Connack, Connect, Version
from tests.local.harness.channels import PATIENCE
from tests.local.harness.function import Function, allow
from tests.local.harness.running import started
from tests.local.harness.saving import save

pytestmark = pytest.mark.slow

HANDLER = """\
from tests.local.harness.function import FUNCTIONS


def lambda_handler(event, context):
    return {body}
"""


def test_a_handler_of_your_own_is_reloaded(folder: Path) -> None:
    with started(folder) as running, running.connected() as client:
        running.function.answer = lambda _: allow(isAuthenticated=False)
        other = Function()
        (folder / "recording.py").write_text(HANDLER.format(body=f"FUNCTIONS[{other.name!r}].handle(event)"))
        running.record("reload", ok=True)
        other.events.get(timeout=PATIENCE)
        client.ping()


def test_of_two_saves_within_a_moment_the_later_one_takes_effect(folder: Path) -> None:
    with started(folder) as running, running.connected():
        for name in "ab":
            text = HANDLER.format(body=f"FUNCTIONS[{running.function.name!r}].handle({{'{name}': 1}})")
            (folder / "recording.py").write_text(text)
        running.function.events.get(timeout=PATIENCE)
        while running.function.events.get(timeout=PATIENCE) != {"b": 1}:
            pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def lambda_handler(", "SyntaxError"),
        ("import nowhere", "no module named nowhere"),
        ("raise SystemExit(1)", "SystemExit"),
        ("lambda_handler = 7", "no function lambda_handler"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_handler_changes_nothing_and_says_what_is_wrong(folder: Path, text: str, words: str) -> None:
    with started(folder) as running, running.connected() as client:
        save(folder / "recording.py", text)
        assert words in running.record("reload", ok=False)["problem"]
        client.ping()
        running.connected("another").ping()


def test_a_handler_that_hangs_while_it_loads_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_authorizer_cli.project.reloading.LOADING_TIME", 0.3)
    with started(folder) as running, running.connected() as client:
        Function.gate = threading.Event()
        text = "from tests.local.harness.function import Function\nFunction.gate.wait()\n"
        save(folder / "recording.py", text)
        assert "did not load within" in running.record("reload", ok=False)["problem"]
        client.ping()
        Function.gate.set()


def test_a_repaired_handler_is_loaded_when_the_one_that_hangs_has_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot_authorizer_cli.project.reloading.LOADING_TIME", 0.6)
    monkeypatch.setattr("iot_core.functions.lambda_function.LOADING_TIME", 0.6)
    with started(folder) as running, running.connected() as client:
        good = (folder / "recording.py").read_text()
        Function.gate = threading.Event()
        save(folder / "recording.py", "from tests.local.harness.function import Function\nFunction.gate.wait()\n")
        running.record("reload", ok=False)
        save(folder / "recording.py", good)
        assert "an earlier version" in running.record("reload", ok=False)["problem"]
        Function.gate.set()
        running.record("reload", ok=True)
        client.ping()


def test_while_the_saved_handler_is_broken_all_clients_get_the_version_in_force(folder: Path) -> None:
    with started(folder) as running, running.client() as waiting, running.client() as other:
        save(folder / "recording.py", "1 / 0\n")
        running.record("reload", ok=False)
        reached, gate = running.function.hold()
        waiting.send(Connect(Version.MQTT_3_1_1, "ann", user_name="ann"))
        assert reached.wait(PATIENCE)
        other.send(Connect(Version.MQTT_3_1_1, "bob", user_name="bob"))
        running.wait_until(lambda: running.core.configuration.environments.waiting == 1)
        gate.set()
        assert [client.expect(Connack).reason_code for client in (waiting, other)] == [0, 0]


def test_a_running_invocation_is_answered_by_the_version_that_it_called(folder: Path) -> None:
    with started(folder) as running, running.client() as waiting:
        reached, gate = running.function.hold()
        waiting.channel.send(bytes.fromhex("100f00044d5154540402003c0003616e6e"))
        assert reached.wait(PATIENCE)
        (folder / "recording.py").write_text((folder / "recording.py").read_text() + "\n# saved\n")
        running.record("reload", ok=True)
        running.function.answer = lambda _: allow()
        gate.set()
        assert waiting.next() is not None
        running.record("decision", action="refresh", allowed=True)
        waiting.ping()
