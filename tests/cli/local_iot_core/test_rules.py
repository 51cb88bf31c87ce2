"""`[[rule]]` on this machine: a function of the user's is called for each message, and reloaded when it is saved."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from iot_authorizer_cli.testing.iot_core_under_test import IotCoreUnderTest
from iot_authorizer_cli.testing.mqtt_test_client import ClientRefused
from iot_core.functions.lambda_function import BrokenHandler
from tests import ROOT
from tests.local.harness.channels import PATIENCE
from tests.local.harness.function import Function

SAY = "rooms/lobby/say/ann"
ANN = {"rooms": ["lobby"]}
CONFIGURATION = """\
name = "chat"
policy = "chat.toml"

[[rule]]
name = "on_say"
topics = ["rooms/+/say/+"]
function = "my_rules.on_message"

[[rule]]
name = "online"
topics = ["$aws/events/presence/connected/#"]
function = "my_rules.on_connected"
"""
MODULE = """\
from tests.local.harness.function import FUNCTIONS


def on_message(event, context):
    FUNCTIONS[{name!r}].handle(event)


def on_connected(event, context):
    FUNCTIONS[{name!r}].handle(event["payload"]["clientId"])
"""


@pytest.fixture
def function() -> Function:
    """What the user's functions lead to."""
    return Function()


@pytest.fixture
def project(tmp_path: Path, function: Function, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with two rules. Other tests of this process may have loaded a module of the same name."""
    monkeypatch.delitem(sys.modules, "my_rules", raising=False)
    (tmp_path / "chat.toml").write_bytes((ROOT / "policies/chat.toml").read_bytes())
    (tmp_path / "my_rules.py").write_text(MODULE.format(name=function.name))
    path = tmp_path / "authorizer.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def core(project: Path) -> Iterator[IotCoreUnderTest]:
    with IotCoreUnderTest(project) as core:
        yield core


def called(function: Function) -> Mapping[str, object] | str:
    """What a function was called with next."""
    found: Mapping[str, object] | str = function.events.get(timeout=PATIENCE)
    return found


def test_a_function_is_called_for_each_message_and_event(core: IotCoreUnderTest, function: Function) -> None:
    ann = core.client("ann", ANN)
    client_id = called(function)
    ann.publish(SAY, '{"text": "hi"}')
    found = called(function)
    assert isinstance(found, Mapping)
    assert isinstance(found["timestamp"], int)
    assert found == {
        "topic": SAY,
        "payload": {"text": "hi"},
        "client_id": client_id,
        "principal": "ann",
        "timestamp": found["timestamp"],
    }


def test_basic_ingest_needs_a_grant_and_reaches_only_the_function(project: Path, function: Function) -> None:
    granted = '[[grant]]\nconnect = ["{principal}"]\npublish = ["$aws/rules/chat_on_say/rooms/a/say/{principal}"]\n'
    (project.parent / "chat.toml").write_text(granted)
    with IotCoreUnderTest(project) as core:
        ann = core.client("ann")
        called(function)
        ann.publish("$aws/rules/chat_on_say/rooms/a/say/ann", "1")
        found = called(function)
        assert isinstance(found, Mapping)
        assert (found["topic"], found["payload"]) == ("rooms/a/say/ann", 1)
        with pytest.raises(ClientRefused):
            ann.publish("$aws/rules/chat_online/rooms/a/say/ann", "1")


def test_a_saved_function_is_used_for_the_next_message(
    core: IotCoreUnderTest, project: Path, function: Function
) -> None:
    ann = core.client("ann", ANN)
    called(function)
    (project.parent / "my_rules.py").write_text(MODULE.format(name=function.name).replace("(event)", "('new')"))
    await_reload(core)
    ann.publish(SAY)
    assert called(function) == "new"


def test_a_broken_function_keeps_the_previous_one(core: IotCoreUnderTest, project: Path, function: Function) -> None:
    ann = core.client("ann", ANN)
    called(function)
    (project.parent / "my_rules.py").write_text("def on_massage(): ...\n")
    assert "there is no function on_message" in str(await_reload(core)["problem"])
    ann.publish(SAY)
    assert isinstance(called(function), Mapping)


def test_only_messages_that_meet_the_condition_call_the_function(
    core: IotCoreUnderTest, project: Path, function: Function
) -> None:
    text = CONFIGURATION.partition('[[rule]]\nname = "online"')[0]
    project.write_text(f"{text}where = \"kind = 'alarm' AND topic(2) <> 'attic'\"\n")
    await_reload(core)
    ann = core.client("ann", ANN)
    for payload in ('{"kind": "hello"}', "\\xff", '{"kind": "alarm"}'):
        ann.publish(SAY, payload)
    found = called(function)
    assert isinstance(found, Mapping)
    assert found["payload"] == {"kind": "alarm"}


def test_a_condition_that_is_no_sql_of_iot_core_keeps_the_previous_rules(
    core: IotCoreUnderTest, project: Path, function: Function
) -> None:
    ann = core.client("ann", ANN)
    called(function)
    project.write_text(CONFIGURATION.replace('[[rule]]\nname = "online', 'where = "n > 1"\n\n[[rule]]\nname = "on'))
    assert "authorizer.toml:9: rule[0].where: sql: > in '> 1' is not supported" in str(await_reload(core)["problem"])
    ann.publish(SAY)
    assert isinstance(called(function), Mapping)


def test_a_rule_that_is_removed_gets_nothing_more(core: IotCoreUnderTest, project: Path) -> None:
    project.write_text(CONFIGURATION.partition("[[rule]]")[0])
    await_reload(core)
    assert core.call(lambda: list(core.iot_core.rules)) == []


def test_a_function_that_is_missing_stops_the_start(project: Path) -> None:
    (project.parent / "my_rules.py").unlink()
    with pytest.raises(BrokenHandler, match=r"\[\[rule\]\] on_say: my_rules\.on_message: no module named my_rules"):
        IotCoreUnderTest(project).__enter__()


def await_reload(core: IotCoreUnderTest) -> Mapping[str, object]:
    """Waits for the first record of a reload."""
    return core.run(lambda: core.feed.first(lambda record: record["kind"] == "reload"))
