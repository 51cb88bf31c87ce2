"""Saving the configuration, the template or the handler takes effect at once; what is broken changes nothing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project import reloading
from iot_core.mqtt import Publish
from iot_identities.passwords import hash_password
from tests.local.harness.client import Client
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
    """A core with the authorizer itself, and a template."""
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


def test_a_topic_that_is_granted_now_works_on_a_live_connection(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", NEW)
        running.record("reload", ok=True)
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)


def test_a_topic_that_is_denied_now_ends_a_live_connection(running: Running, folder: Path) -> None:
    with connected(running) as client:
        client.publish("old/ann", qos=1)
        save(folder / "policy.toml", NEW)
        running.record("decision", action="refresh", allowed=True)
        client.send(Publish("old/ann", b""))
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="FORBIDDEN_ACCESS")


def test_who_may_not_connect_any_more_is_ended(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", TEMPLATE.replace('"{principal}"]', '"{principal}/x"]', 1))
        assert client.ends() == []
    running.record("presence", event="disconnected", disconnect_reason="AUTH_ERROR")


def test_a_file_that_is_written_in_place_is_read_again(running: Running, folder: Path) -> None:
    with connected(running) as client:
        (folder / "policy.toml").write_text(NEW)
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)


def test_the_configuration_is_read_again(running: Running, folder: Path) -> None:
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


def test_a_file_that_is_mended_takes_effect_and_the_problem_is_gone(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "policy.toml", "[[grant")
        running.record("reload", ok=False)
        save(folder / "policy.toml", NEW)
        running.record("reload", ok=True)
        assert running.core.configuration.problem is None
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)


def test_a_file_that_is_named_before_it_is_there_is_waited_for(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "authorizer.toml", ANONYMOUS.replace("policy.toml", "later.toml"))
        assert "later.toml" in running.record("reload", ok=False)["problem"]
        save(folder / "later.toml", NEW)
        running.record("reload", ok=True)
        running.record("decision", action="refresh", allowed=True)
        client.publish("new/ann", qos=1)


def test_a_file_that_is_gone_changes_nothing(running: Running, folder: Path) -> None:
    with connected(running) as client:
        (folder / "policy.toml").unlink()
        running.record("reload", ok=False)
        client.publish("old/ann", qos=1)


def test_files_that_have_nothing_to_do_with_it_are_not_looked_at(running: Running, folder: Path) -> None:
    (folder / "notes.toml").write_text("nothing")
    save(folder / "policy.toml", NEW)
    assert running.record("reload")["id"] == 1


def test_a_renamed_authorizer_is_the_only_one(running: Running, folder: Path) -> None:
    with connected(running) as client:
        save(folder / "authorizer.toml", ANONYMOUS.replace("chat", "talk"))
        running.record("reload", ok=True)
        assert client.ends() == []
        running.record("decision", action="refresh", allowed=False, reason="authorizer_missing")


def test_what_is_saved_while_it_starts_is_not_missed(folder: Path) -> None:
    for _ in range(3):
        with with_template(folder) as running:
            (folder / "policy.toml").write_text(NEW)
            running.record("reload", ok=True)


def test_a_signing_key_that_is_gone_changes_nothing(folder: Path) -> None:
    with started(folder) as running, running.connected() as client:
        save(folder / "authorizer.toml", CONFIGURATION + '[signing]\npublic_keys = { a = "key.pem" }\n')
        assert "key.pem" in running.record("reload", ok=False)["problem"]
        client.ping()
        running.connected("another").ping()


@pytest.mark.parametrize("error", [OSError("no space left on device"), RuntimeError("too many open files")], ids=str)
def test_where_no_folder_can_be_watched_files_are_looked_at(
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


def test_a_mistake_in_reading_again_does_not_stop_the_watch(
    running: Running, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(running.core.authorizers, "put_configured", lambda _: 1 // 0)
        save(folder / "policy.toml", NEW)
        running.wait_until(lambda: "ZeroDivisionError" in caplog.text)
    save(folder / "policy.toml", TEMPLATE)
    running.record("reload", ok=True)


@pytest.mark.parametrize("name", ["authorizer.toml", "policy.toml", "users.toml"])
def test_a_file_that_is_emptied_changes_nothing_as_its_next_save_may_be_under_way(folder: Path, name: str) -> None:
    (folder / "users.toml").write_text(f'[users.bob]\nhash = "{HASH}"\n')
    with (
        with_template(folder, ANONYMOUS + '[passwords]\nfile = "users.toml"\n') as running,
        connected(running) as client,
    ):
        (folder / name).write_text("")
        assert f"{name}: is empty" in running.record("reload", ok=False)["problem"]
        client.ping()
