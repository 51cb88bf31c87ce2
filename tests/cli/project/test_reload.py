"""A saved configuration or template takes effect at once; a broken one changes nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project import reloading
from iot_core.broker.message import Message
from iot_core.functions.lambda_function import BrokenHandler
from iot_core.mqtt import Publish
from iot_identities.passwords import hash_password
from iot_policies.account_region import EXAMPLE_PLACE
from tests.event_loop import in_event_loop
from tests.local.harness.channels import PATIENCE
from tests.local.harness.client import Client
from tests.local.harness.function import allow
from tests.local.harness.running import CONFIGURATION, UNLIMITED, Running, started
from tests.local.harness.saving import save

TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
publish   = ["old/{principal}"]
subscribe = ["#"]
"""
NEW = TEMPLATE.replace("old/", "new/")
ANONYMOUS = """\
name   = "chat"
policy = "policy.toml"

[anonymous]
principal = "ann"
"""
HASH = hash_password("secret")


@contextmanager
def with_template(folder: Path, configuration: str = ANONYMOUS) -> Iterator[Running]:
    """IoT Core with the authorizer of this package and a template."""
    (folder / "policy.toml").write_text(TEMPLATE)
    (folder / "authorizer.toml").write_text(configuration)
    with LocalIotCore(folder / "authorizer.toml", limits=UNLIMITED) as core, Running.around_core(core) as running:
        core.call(lambda: core.authorizers.set_default("chat"))
        yield running


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    with with_template(folder) as running:
        yield running


def connected(running: Running) -> Client:
    client = running.client()
    assert client.connect("ann", user_name=None).reason_code == 0
    return client


def test_a_template_takes_effect_on_a_live_connection_however_it_is_saved(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", NEW)
        running.record("reload", ok=True)
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)
        (folder / "policy.toml").write_text(TEMPLATE)  # In place.
        running.record("decision", action="refresh", allowed=True)
        client.publish("old/ann", qos=1)


def test_a_topic_that_is_denied_now_ends_a_live_connection(running: Running, folder: Path) -> None:
    with connected(running) as client:
        client.publish("old/ann", qos=1)
        save(folder / "policy.toml", NEW)
        running.record("decision", action="refresh", allowed=True)
        client.send(Publish("old/ann", b""))
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="FORBIDDEN_ACCESS")


def test_a_client_whose_client_id_is_denied_now_is_disconnected(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", TEMPLATE.replace('"{principal}"]', '"{principal}/x"]', 1))
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR")


def test_the_configuration_is_reloaded_with_the_files_that_it_names_now(running: Running, folder: Path) -> None:
    with connected(running) as client:
        (folder / "second.toml").write_text(NEW)
        save(folder / "authorizer.toml", ANONYMOUS.replace("policy.toml", "second.toml"))
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)
        save(folder / "second.toml", TEMPLATE)
        running.record("decision", action="refresh", allowed=True)
        client.publish("old/ann", qos=1)


@pytest.mark.parametrize("broken", ["[[grant]]\npublish = 3\n", "[[grant", "", "\0", "é" * 10], ids=repr)
def test_a_broken_file_changes_nothing_and_says_what_is_wrong(running: Running, folder: Path, broken: str) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", broken)
        problem = running.record("reload", ok=False)["problem"]
        assert "policy.toml" in problem
        assert "\n" not in problem
        assert running.core.configuration.problem == problem
        client.publish("old/ann", qos=1)
    connected(running).publish("old/ann", qos=1)


@pytest.mark.parametrize(
    ("broken", "repaired", "problem"),
    [
        (("policy.toml", "[[grant"), "policy.toml", "policy.toml:1"),
        (
            ("authorizer.toml", ANONYMOUS.replace("policy.toml", "later.toml")),
            "later.toml",
            "later.toml: file not found",
        ),
    ],
    ids=["a broken file", "a file that is named before it exists"],
)
def test_a_problem_is_over_when_its_file_is_saved(
    running: Running, folder: Path, broken: tuple[str, str], repaired: str, problem: str
) -> None:
    with connected(running) as client:
        save(folder / broken[0], broken[1])
        assert problem in running.record("reload", ok=False)["problem"]
        save(folder / repaired, NEW)
        running.record("reload", ok=True)
        assert running.core.configuration.problem is None
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)


def test_a_deleted_file_changes_nothing(running: Running, folder: Path) -> None:
    with connected(running) as client:
        (folder / "policy.toml").unlink()
        running.record("reload", ok=False)
        client.publish("old/ann", qos=1)


def test_other_files_of_the_folder_cause_no_reload(running: Running, folder: Path) -> None:
    (folder / "notes.toml").write_text("nothing")
    save(folder / "policy.toml", NEW)
    assert running.record("reload")["id"] == 1


def test_a_renamed_authorizer_is_the_only_one(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "authorizer.toml", ANONYMOUS.replace("chat", "talk"))
        running.record("reload", ok=True)
        assert client.ends() == []
        running.record("decision", action="refresh", allowed=False, reason="authorizer_missing")


def test_a_save_during_the_start_is_not_missed(folder: Path) -> None:
    for _ in range(3):
        with with_template(folder) as running:
            (folder / "policy.toml").write_text(NEW)
            running.record("reload", ok=True)


WITH_RULE = """\
name    = "chat"
handler = "mine.handle"

[[rule]]
name     = "r"
topics   = ["x"]
function = "saves.on_message"
"""
RULE = """
[[rule]]
name     = "r"
topics   = ["x"]
function = "mine.on_message"
"""
SAVES_ANOTHER = """\
from pathlib import Path

file = Path(__file__).with_name("mine.py")
if "#" not in file.read_text():
    file.write_text(f"{file.read_text()}# saved")

def on_message(event, context):
    pass
"""


def test_a_save_of_the_handler_while_a_later_function_loads_is_not_missed(folder: Path) -> None:
    (folder / "mine.py").write_text(f"def handle(event, context):\n    return {allow()!r}\n")
    (folder / "saves.py").write_text(SAVES_ANOTHER)
    (folder / "authorizer.toml").write_text(WITH_RULE)
    with LocalIotCore(folder / "authorizer.toml") as core, Running.around_core(core) as running:
        running.record("reload", ok=True)


@pytest.mark.slow
def test_a_function_of_a_rule_that_hangs_while_it_loads_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "LOADING_TIME", 3)
    (folder / "hangs.py").write_text("import time\ntime.sleep(20)\n")
    (folder / "mine.py").write_text("handle = print\n")
    (folder / "authorizer.toml").write_text(WITH_RULE.replace("saves.", "hangs."))
    core = LocalIotCore(folder / "authorizer.toml", in_process=False)
    with pytest.raises(BrokenHandler, match=r"^hangs\.on_message did not load within 3 seconds$"), core:
        pass


RAISES = "mine.on_message: mine could not be loaded: ZeroDivisionError: division by zero at .*/mine.py:1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "problem", "in_process"),
    [
        ("import os\nos._exit(3)\n", "mine.on_message: the process of the handler exited with 3", False),
        ("1 / 0\n", RAISES, False),
        ("1 / 0\n", RAISES, True),
        ("import nowhere\n", "mine.on_message: mine could not be loaded: no module named nowhere: install .*", False),
        (None, "mine.on_message: no module named mine", False),
    ],
)
def test_an_error_names_the_function_of_a_rule_and_no_handler_of_ours(
    folder: Path, source: str | None, problem: str, *, in_process: bool
) -> None:
    if source is not None:
        (folder / "mine.py").write_text(source)
    (folder / "authorizer.toml").write_text(ANONYMOUS + RULE)
    (folder / "policy.toml").write_text(TEMPLATE)
    core = LocalIotCore(folder / "authorizer.toml", in_process=in_process)
    with pytest.raises(BrokenHandler, match=rf"^\[\[rule\]\] r: {problem}$"), core:
        pass


@pytest.mark.slow
def test_a_process_that_ends_while_it_runs_a_function_of_a_rule_names_the_function(folder: Path) -> None:
    (folder / "mine.py").write_text("import os\n\n\ndef on_message(event, context):\n    os._exit(3)\n")
    (folder / "authorizer.toml").write_text(ANONYMOUS + RULE)
    (folder / "policy.toml").write_text(TEMPLATE)
    core = LocalIotCore(folder / "authorizer.toml", in_process=False)
    with core, Running.around_core(core) as running:
        core.call(lambda: core.broker.publish(Message("x", b"{}")))
        problem = running.record("rule")["problem"]
    assert problem.startswith("mine.on_message: the process of the handler exited with 3; next attempt")


@pytest.mark.parametrize("given_up", ["by its time-out", "by the end"])
@in_event_loop
async def test_what_is_loaded_after_it_was_given_up_is_closed(given_up: str, monkeypatch: pytest.MonkeyPatch) -> None:
    began, gate, closed = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def load(_: object) -> object:
        loop.call_soon_threadsafe(began.set)
        gate.wait()
        return SimpleNamespace(close=closed.set)

    monkeypatch.setattr(reloading.ReloadedConfiguration, "_load", load)
    monkeypatch.setattr(reloading, "LOADING_TIME", 0.05 if given_up == "by its time-out" else PATIENCE)
    path = Path("authorizer.toml")
    loaded = reloading.ReloadedConfiguration(path=path, given_handler=None, place=EXAMPLE_PLACE, environment={})
    starting = asyncio.ensure_future(loaded.start())
    await began.wait()
    if given_up == "by the end":
        starting.cancel()
    with pytest.raises((BrokenHandler, asyncio.CancelledError)):
        await starting
    gate.set()
    await asyncio.wait_for(closed.wait(), PATIENCE)


def test_a_missing_signing_key_changes_nothing(folder: Path) -> None:
    with started(folder) as running, running.connected() as client:
        save(folder / "authorizer.toml", CONFIGURATION + '[signing]\npublic_keys = { a = "key.pem" }\n')
        assert "key.pem" in running.record("reload", ok=False)["problem"]
        client.ping()
        running.connected("another").ping()


@pytest.mark.parametrize("error", [OSError("no space left on device"), RuntimeError("too many open files")], ids=str)
def test_if_no_folder_can_be_watched_the_files_are_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def no_watch(*_: object, **__: object) -> AsyncIterator[object]:
        raise error
        yield

    monkeypatch.setattr(reloading, "awatch", no_watch)
    monkeypatch.setattr(reloading, "CHECK_INTERVAL", 0.02)
    with with_template(folder) as running:
        save(folder / "policy.toml", NEW)
        running.record("reload", ok=True)


@pytest.mark.slow
def test_an_exception_in_a_reload_does_not_end_the_watch(
    running: Running, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(running.core.authorizers, "put_configured", lambda _, **__: 1 // 0)
        save(folder / "policy.toml", NEW)
        running.wait_until(lambda: "ZeroDivisionError" in caplog.text)
    save(folder / "policy.toml", TEMPLATE)
    running.record("reload", ok=True)


@pytest.mark.parametrize("name", ["authorizer.toml", "policy.toml", "users.toml"])
def test_an_emptied_file_changes_nothing_since_an_editor_can_be_about_to_write_it(folder: Path, name: str) -> None:
    (folder / "users.toml").write_text(f'[users.bob]\nhash = "{HASH}"\n')
    with (
        with_template(folder, ANONYMOUS + '[passwords]\nfile = "users.toml"\n') as running,
        connected(running) as client,
    ):
        (folder / name).write_text("")
        assert f"{name}: is empty" in running.record("reload", ok=False)["problem"]
        client.ping()


@pytest.mark.slow
def test_a_handler_in_processes_is_reloaded_and_one_that_exits_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    own = folder / "isolated.py"
    own.write_text(f"def handle(event, context):\n    return {allow()!r}\n")
    core = LocalIotCore(handler="isolated.handle", in_process=False, default_authorizer=True, limits=UNLIMITED)
    with core, Running.around_core(core) as running, connected(running) as client:
        save(own, "import os\nos._exit(3)\n")
        assert "exited with 3" in running.record("reload", ok=False)["problem"]
        client.ping()
        save(own, "def handle(event, context):\n    return {'isAuthenticated': False}\n")
        running.record("reload", ok=True)
        assert client.ends() == []
