"""Topic rules at work, in IoT Core without ports. Only the functions are not real."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from iot_core.broker.message import Message
from iot_core.core import IotCore
from iot_core.feed import Record
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.loaded_function import ThreadFunction
from iot_core.mqtt import Connect, Properties, Version, Will
from iot_core.rules.engine import MOST_EVENTS, MOST_HOPS
from tests.clock import Clock
from tests.event_loop import in_event_loop
from tests.local.broker.peer import Peer, Policy
from tests.local.harness.channels import PATIENCE

ARN = "arn:aws:lambda:us-east-1:123456789012:function:on-say"
INVOKE = {"lambda": {"functionArn": ARN}}
MISSING = {"lambda": {"functionArn": f"{ARN}-missing"}}
FROM_SAY = "FROM 'rooms/+/say/+'"


def republish(topic: str) -> dict[str, object]:
    return {"republish": {"roleArn": "arn:aws:iam::123456789012:role/r", "topic": topic}}


class Rules:
    """IoT Core with rules and one function."""

    def __init__(self, folder: Path, time_scale: float) -> None:
        self.clock = Clock(1000)
        self.core = IotCore(folder, persistent=False, time_scale=time_scale, clock=self.clock, wall_clock=self.clock)
        self.events: list[object] = []
        self.answer: Callable[[], Invocation] = lambda: Invocation({}, {}, "printed")
        self.environments = ExecutionEnvironments(lambda: ThreadFunction(Answering(self).invoke))
        self.core.rules_engine.functions = {ARN: self.environments}

    def create(self, name: str, sql: str, *actions: object, **members: object) -> None:
        payload = {"sql": sql, "actions": list(actions), "awsIotSqlVersion": "2016-03-23", **members}
        self.core.rules.create(name, payload)
        self.core.apply_rules()

    def connect(self, client_id: str, *topic_filters: str, will: Will | None = None) -> Peer:
        connect = Connect(Version.MQTT_5, client_id, True, 60, None, None, will, Properties())
        peer = Peer(self.core.broker, connect, Policy(), client_id)
        for topic_filter in topic_filters:
            peer.subscribe(topic_filter)
        return peer

    async def records(self, count: int) -> list[Record]:
        """Waits until so many records of rules are in the feed."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [each for each in self.core.feed.recent() if each["kind"] == "rule"]) < count:
                await asyncio.sleep(0)
        assert len(found) == count
        return found


class Answering:
    """A function that keeps its events."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        self.rules.events.append(event)
        return self.rules.answer()


@asynccontextmanager
async def running(folder: Path, *, time_scale: float = 1) -> AsyncIterator[Rules]:
    rules = Rules(folder, time_scale)
    try:
        yield rules
    finally:
        rules.environments.close()
        rules.core.close()


async def one_turn() -> None:
    await asyncio.sleep(0)


@in_event_loop
async def test_a_function_gets_the_selection_of_a_published_message(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("on_say", f"SELECT *, clientid() AS c, principal() AS p {FROM_SAY}", INVOKE)
        rules.connect("ann").publish("rooms/lobby/say/ann", b'{"text": "hi"}')
        (record,) = await rules.records(1)
        assert rules.events == [{"text": "hi", "c": "ann", "p": "principalann"}]
        assert (record["rule"], record["resource"], record["output"]) == ("on_say", "on-say", "printed")


@in_event_loop
async def test_a_subscriber_gets_a_message_that_a_rule_takes_too(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("on_say", f"SELECT * {FROM_SAY}", INVOKE)
        bob = rules.connect("bob", "rooms/#")
        rules.connect("ann").publish("rooms/lobby/say/ann", b"{}")
        assert bob.topics() == ["rooms/lobby/say/ann"]


@in_event_loop
async def test_a_will_reaches_rules_as_a_message_of_its_client(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("gone", "SELECT clientid() AS c FROM 'gone/+'", INVOKE)
        rules.connect("ann", will=Will("gone/ann", b"", 0, False)).lose()
        await rules.records(1)
        assert rules.events == [{"c": "ann"}]


@in_event_loop
async def test_a_will_can_be_basic_ingest(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("gone", "SELECT topic() AS t, clientid() AS c", INVOKE)
        rules.connect("ann", will=Will("$aws/rules/gone/ann", b"", 0, False)).lose()
        await rules.records(1)
        assert rules.events == [{"t": "ann", "c": "ann"}]


@in_event_loop
async def test_a_presence_event_reaches_rules_without_a_client(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        sql = "SELECT eventType, clientId, clientid() AS c, principal() AS p FROM '$aws/events/presence/connected/#'"
        rules.create("online", sql, INVOKE)
        rules.connect("ann/phone")
        await rules.records(1)
        assert rules.events == [{"eventType": "connected", "clientId": "ann/phone", "c": "n/a"}]


@in_event_loop
async def test_a_wildcard_does_not_reach_events(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("all", "SELECT topic() AS t FROM '#'", INVOKE)
        rules.connect("ann").publish("a")
        await rules.records(1)
        assert rules.events == [{"t": "a"}]


@in_event_loop
async def test_basic_ingest_reaches_only_the_named_rule_whatever_its_filter_is(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("one", "SELECT topic() AS t FROM 'x'", INVOKE)
        rules.create("all", "SELECT topic() AS t FROM '#'", INVOKE)
        rules.connect("ann").publish("$aws/rules/one/a/b")
        await rules.records(1)
        assert rules.events == [{"t": "a/b"}]


@pytest.mark.parametrize("disabled", [True, False])
def test_basic_ingest_to_a_disabled_or_missing_rule_is_reported(tmp_path: Path, disabled: bool) -> None:
    @in_event_loop
    async def publish() -> None:
        async with running(tmp_path) as rules:
            if disabled:
                rules.create("one", "SELECT *", INVOKE, ruleDisabled=True)
            rules.connect("ann").publish("$aws/rules/one/a", qos=1)
            (record,) = await rules.records(1)
            assert "RuleNotFound" in str(record["problem"])

    publish()


@in_event_loop
async def test_a_republish_reaches_subscribers_and_other_rules(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("copy", f"SELECT text, topic(2) AS room {FROM_SAY}", republish("copies/${topic(2)}"))
        rules.create("copied", "SELECT *, clientid() AS c FROM 'copies/#'", INVOKE)
        bob = rules.connect("bob", "copies/#")
        rules.connect("ann").publish("rooms/lobby/say/ann", b'{"text": "hi"}')
        await rules.records(2)
        assert [(each.topic, json.loads(each.payload)) for each in bob.received()] == [
            ("copies/lobby", {"text": "hi", "room": "lobby"})
        ]
        assert rules.events == [{"text": "hi", "room": "lobby", "c": "n/a"}]


@in_event_loop
async def test_a_republish_to_a_reserved_topic_begins_with_two_dollars(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("first", "SELECT * FROM 'a'", republish("$$aws/rules/second/b"))
        rules.create("second", "SELECT topic() AS t", INVOKE)
        rules.connect("ann").publish("a", b"{}")
        await rules.records(2)
        assert rules.events == [{"t": "b"}]


@pytest.mark.parametrize(
    ("sql", "action", "failed", "message"),
    [
        ("SELECT * FROM 'a'", MISSING, "LambdaAction", "no function"),
        ("SELECT * FROM 'a'", INVOKE, "LambdaAction", "not JSON"),
        ("SELECT * FROM 'a'", republish("x/${missing}"), "RepublishAction", "Undefined"),
        ("SELECT * FROM 'a'", republish("${clientid()}/+"), "RepublishAction", "wildcard"),
        ("SELECT *, topic() AS t FROM 'a'", INVOKE, "SQL", "JSON object"),
    ],
)
def test_a_rule_that_fails_starts_its_error_action_once(
    tmp_path: Path, sql: str, action: object, failed: str, message: str
) -> None:
    @in_event_loop
    async def publish() -> None:
        async with running(tmp_path) as rules:
            rules.create("bad", sql, action, errorAction=republish("failed"))
            bob = rules.connect("bob", "failed")
            rules.connect("ann").publish("a", b"\xff")
            await rules.records(2)
            (error,) = bob.events()
            assert (error["ruleName"], error["topic"], error["clientId"]) == ("bad", "a", "ann")
            assert base64.b64decode(str(error["base64OriginalPayload"])) == b"\xff"
            (failure,) = cast("list[dict[str, str]]", error["failures"])
            assert failure["failedAction"] == failed
            assert message in failure["errorMessage"]

    publish()


@pytest.mark.parametrize(("time_scale", "shown"), [(1, ["60", "120"]), (60, ["1", "2"]), (7, ["8.57", "17.1"])])
@in_event_loop
async def test_a_function_that_raises_is_tried_again_after_one_and_two_minutes(
    tmp_path: Path, time_scale: float, shown: list[str]
) -> None:
    def fail() -> Invocation:
        raise BrokenHandler("the handler raised RuntimeError: no")

    async with running(tmp_path, time_scale=time_scale) as rules:
        rules.create("bad", "SELECT topic() AS t FROM 'a'", INVOKE, errorAction=republish("failed"))
        bob = rules.connect("bob", "failed")
        rules.answer = fail
        rules.connect("ann").publish("a")
        await rules.records(1)
        for seconds, count in ((59, 1), (1.1, 2), (119, 2), (1.1, 3)):
            rules.clock.now += seconds / time_scale
            rules.core.check_time()
            problems = [each["problem"] for each in await rules.records(count)]
        assert [str(problem).rpartition("; ")[2] for problem in problems] == [
            *(f"next attempt in {seconds} s" for seconds in shown),
            "given up after 3 attempts",
        ]
        assert bob.topics() == []  # Lambda has the event by then: the rule did not fail.


@in_event_loop
async def test_a_function_that_takes_too_long_is_tried_again(tmp_path: Path) -> None:
    def hang() -> Invocation:
        ended.wait(PATIENCE)
        return Invocation({}, {})

    ended = threading.Event()
    async with running(tmp_path) as rules:
        hanging = ExecutionEnvironments(lambda: ThreadFunction(Answering(rules).invoke), timeout=0.01)
        rules.core.rules_engine.functions = {ARN: hanging}
        rules.create("slow", "SELECT topic() AS t FROM 'a'", INVOKE)
        rules.answer = hang
        rules.connect("ann").publish("a")
        (record,) = await rules.records(1)
        assert str(record["problem"]).endswith("next attempt in 60 s")
        ended.set()
        hanging.close()


@pytest.mark.parametrize(
    "payload",
    [
        b'{"text": "\\ud800"}',  # Half of a surrogate pair: no UTF-8 has it.
        b'{"text": 1e999}',
        b'{"text": NaN}',
    ],
)
@pytest.mark.parametrize(
    ("items", "action"), [("*, topic() AS t", INVOKE), ("*", INVOKE), ("text", republish("b/${text}"))]
)
def test_json_that_cannot_be_written_again_fails_one_rule_and_no_other(
    tmp_path: Path, payload: bytes, items: str, action: object
) -> None:
    @in_event_loop
    async def publish() -> None:
        async with running(tmp_path) as rules:
            rules.create("bad", f"SELECT {items} FROM 'a'", action)
            rules.create("good", "SELECT topic() AS t FROM 'a'", INVOKE)
            rules.connect("ann").publish("a", payload)
            records = await rules.records(2)
            assert {str(each["rule"]): "problem" in each for each in records} == {"bad": True, "good": False}
            assert rules.events == [{"t": "a"}]

    publish()


def test_json_that_is_nested_very_deeply_fails_no_other_rule(tmp_path: Path) -> None:
    """It depends on Python's version whether the other rule can read it."""

    @in_event_loop
    async def publish() -> None:
        async with running(tmp_path) as rules:
            rules.create("deep", "SELECT *, topic() AS t FROM 'a'", INVOKE)
            rules.create("good", "SELECT topic() AS t FROM 'a'", INVOKE)
            rules.connect("ann").publish("a", b'{"text": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")
            records = await rules.records(2)
            assert ["problem" in each for each in records if each["rule"] == "good"] == [False]
            assert {"t": "a"} in rules.events

    publish()


@pytest.mark.parametrize("topic", ["$aws/rules/second/b", "$aws/things/x/shadow/update"])
def test_a_payload_cannot_choose_a_reserved_topic(tmp_path: Path, topic: str) -> None:
    @in_event_loop
    async def publish() -> None:
        async with running(tmp_path) as rules:
            rules.create("first", "SELECT * FROM 'a'", republish("${to}"))
            rules.create("second", "SELECT topic() AS t", INVOKE)
            rules.connect("ann").publish("a", json.dumps({"to": topic}).encode())
            (record,) = await rules.records(1)
            assert "begins its topic with $$" in str(record["problem"])

    publish()


@in_event_loop
async def test_a_loop_of_republishes_ends_and_is_reported(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("ping", "SELECT * FROM 'ping'", republish("pong"))
        rules.create("pong", "SELECT * FROM 'pong'", republish("ping"))
        rules.connect("ann").publish("ping")
        *_, last = await rules.records(MOST_HOPS + 1)
        assert "a loop" in str(last["problem"])


@pytest.mark.slow
@in_event_loop
async def test_rules_that_multiply_a_message_leave_room_for_others(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("flood", "SELECT * FROM 'flood'", *[republish("flood")] * 10)
        rules.create("on_say", f"SELECT topic() AS t {FROM_SAY}", INVOKE)
        ann = rules.connect("ann")
        ann.publish("flood")
        for _ in range(2 * MOST_HOPS):  # Ten more messages of each, if nothing stopped them.
            await one_turn()
        assert rules.core.feed.last_id < 200_000
        ann.publish("rooms/lobby/say/ann")
        async with asyncio.timeout(PATIENCE):
            while not rules.events:
                await one_turn()


@in_event_loop
async def test_more_events_of_a_function_than_can_wait_fail_and_those_of_others_do_not(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("on_say", f"SELECT topic() AS t {FROM_SAY}", INVOKE)
        other = f"{ARN}-other"
        rules.core.rules_engine.functions = {ARN: rules.environments, other: rules.environments}
        rules.create("other", "SELECT topic() AS t FROM 'other'", {"lambda": {"functionArn": other}})
        for _ in range(MOST_EVENTS + 1):
            rules.core.broker.publish(Message("rooms/lobby/say/ann", b""))
        rules.core.broker.publish(Message("other", b""))
        (record,) = await rules.records(1)
        assert (record["rule"], "events wait" in str(record["problem"])) == ("on_say", True)


@in_event_loop
async def test_after_the_end_no_rule_runs_and_unfinished_events_are_counted(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("on_say", f"SELECT topic() AS t {FROM_SAY}", INVOKE)
        ann = rules.connect("ann")
        ann.publish("rooms/lobby/say/ann")
        await one_turn()
        ann.publish("rooms/lobby/say/ann")
        rules.core.close()
        await one_turn()
        assert rules.core.rules_engine.unfinished == 1


@in_event_loop
async def test_configured_rules_replace_those_of_the_configuration_before(tmp_path: Path) -> None:
    async with running(tmp_path) as rules:
        rules.create("stored", "SELECT topic() AS t FROM 'a'", INVOKE)
        stored = rules.core.rules.describe("stored")
        rules.core.configure_rules([stored])
        rules.core.rules.delete("stored")
        assert rules.core.rules.get("stored") is not None  # The API's own one.
        rules.core.configure_rules([])
        rules.core.rules.delete("stored")
        rules.core.apply_rules()
        rules.connect("ann").publish("a")
        await one_turn()
        assert rules.events == []
