"""QoS 1 to persistent sessions under any sequence of events: messages arrive in their order or count as lost."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from iot_core.broker.storage import PLACE
from iot_core.mqtt import Publish, ReasonCode, Version
from iot_policies.topics import matches
from tests.effort import examples
from tests.local.broker.bench import MQTT_3_1_1, MQTT_5, Bench, limits
from tests.local.broker.peer import Peer

HOUR = 3600
IN_FLIGHT, QUEUED = 3, 6
names = st.sampled_from(("alice", "carol"))
filters = st.sampled_from(("a", "a/+", "a/#", "+", "b"))
topics = st.sampled_from(("a", "a/b", "b"))


class Subscriber:
    """What a client must get in the end, and what it got."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.peer: Peer | None = None
        self.left_at: float | None = None
        self.forget()

    def forget(self) -> None:
        """Its session ended."""
        self.has_session = False
        self.filters: set[str] = set()
        self.owed: list[bytes] = []
        """In the order in which they were published."""
        self.seen: list[bytes] = []
        """In the order of their first arrival."""
        self.acknowledged: set[bytes] = set()
        self.unacknowledged: list[Publish] = []

    def read(self) -> None:
        """Read what arrived."""
        for message in self.peer.received() if self.peer else ():
            assert message.payload in self.owed
            assert message.payload not in self.acknowledged
            assert message.duplicate or message.payload not in self.seen
            if message.payload not in self.seen:
                self.seen.append(message.payload)
            self.unacknowledged.append(message)
        if self.peer is not None and self.peer.closed:
            self.gone(self.left_at)

    def gone(self, now: float | None) -> None:
        """Its connection ended."""
        self.peer, self.left_at = None, now
        self.unacknowledged = []


class AnyOrder(RuleBasedStateMachine):
    """The broker, and a model of what it owes each client."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        few = limits(receive_maximum=IN_FLIGHT, queued_messages=QUEUED).without_throttling()
        self.broker = Bench(MQTT_5, self.folder / "iot-core.sqlite", few)
        self.publisher = self.broker.connect("bob")
        self.subscribers = {"alice": Subscriber(MQTT_5), "carol": Subscriber(MQTT_3_1_1)}
        self.published = 0

    @rule(name=names, clean=st.booleans())
    def connect(self, name: str, clean: bool) -> None:
        subscriber = self.subscribers[name]
        self.read_all()
        if clean or not subscriber.has_session:
            subscriber.forget()
        subscriber.gone(None)
        if clean:
            self.broker.connect(name, subscriber.version).lose()
        subscriber.peer = self.broker.persistent(name, subscriber.version)
        assert subscriber.peer.connack.session_present == subscriber.has_session
        subscriber.has_session = True

    @rule(name=names, topic_filter=filters)
    def subscribe(self, name: str, topic_filter: str) -> None:
        subscriber = self.subscribers[name]
        if subscriber.peer is not None:
            subscriber.peer.subscribe(topic_filter, qos=1)
            subscriber.filters.add(topic_filter)

    @rule(name=names, topic_filter=filters)
    def unsubscribe(self, name: str, topic_filter: str) -> None:
        subscriber = self.subscribers[name]
        if subscriber.peer is not None:
            subscriber.peer.unsubscribe(topic_filter)
            subscriber.filters.discard(topic_filter)

    @rule(topic=topics, times=st.integers(1, 5))
    def publish(self, topic: str, times: int) -> None:
        for _ in range(times):
            self.published += 1
            payload = b"%d" % self.published
            before = {name: self.dropped(name) for name in self.subscribers}
            self.publisher.publish(topic, payload, qos=1)
            assert self.publisher.pubacks() == [ReasonCode.SUCCESS]
            for name, subscriber in self.subscribers.items():
                counted = self.dropped(name) - before[name]
                if any(matches(topic_filter, topic) for topic_filter in subscriber.filters):
                    if not counted:
                        subscriber.owed.append(payload)
                else:
                    assert not counted
            self.read_all()

    @rule(name=names, number=st.integers(0, IN_FLIGHT))
    def acknowledge(self, name: str, number: int) -> None:
        """Acknowledge the messages from the one with this number on."""
        subscriber = self.subscribers[name]
        for message in subscriber.unacknowledged[number:]:
            assert subscriber.peer is not None
            subscriber.acknowledged.add(message.payload)
            subscriber.unacknowledged.remove(message)
            subscriber.peer.acknowledge(message)

    @rule(name=names, slow=st.booleans())
    def change_speed(self, name: str, slow: bool) -> None:
        peer = self.subscribers[name].peer
        if peer is not None:
            peer.wire.slow = slow
            if not slow:
                peer.drain()

    @rule(name=names)
    def lose(self, name: str) -> None:
        subscriber = self.subscribers[name]
        if subscriber.peer is not None:
            subscriber.peer.lose()

    @rule(seconds=st.sampled_from((1, 10, HOUR // 2, HOUR)))
    def wait(self, seconds: int) -> None:
        self.broker.wait(seconds)
        for subscriber in self.subscribers.values():
            if subscriber.left_at is not None and self.broker.clock.now >= subscriber.left_at + HOUR:
                subscriber.forget()
                subscriber.left_at = None

    @rule(killed=st.booleans())
    def end_process(self, killed: bool) -> None:
        self.read_all()
        if killed:
            self.broker.kill()
        else:
            self.broker.restart()
        for subscriber in self.subscribers.values():
            if subscriber.peer is not None:
                subscriber.gone(self.broker.clock.now)
        self.publisher = self.broker.connect("bob")

    @invariant()
    def read_all(self) -> None:
        for subscriber in self.subscribers.values():
            connected = subscriber.peer is not None
            subscriber.read()
            if connected and subscriber.peer is None:
                subscriber.left_at = self.broker.clock.now
            assert len(subscriber.unacknowledged) <= IN_FLIGHT

    @invariant()
    def messages_arrive_in_their_order(self) -> None:
        for subscriber in self.subscribers.values():
            assert subscriber.seen == [payload for payload in subscriber.owed if payload in set(subscriber.seen)]

    @precondition(lambda self: self.published)
    @invariant()
    def sessions_exist_as_expected(self) -> None:
        for name, subscriber in self.subscribers.items():
            assert (self.broker.broker.session(name) is not None) == subscriber.has_session

    @invariant()
    def queued_bytes_are_counted(self) -> None:
        """Each message counts once, and each of its places."""
        sessions = list(self.broker.broker.sessions())
        waiting = [
            each.message for session in sessions for each in (*session.inflight.values(), *session.queue.deliveries)
        ]
        size = sum(message.size for message in set(waiting)) + PLACE * len(waiting)
        assert self.broker.storage.waiting_bytes == size

    def teardown(self) -> None:
        """Everything that is owed arrives when the clients connect and acknowledge it."""
        for name, subscriber in self.subscribers.items():
            if subscriber.has_session:
                self.connect(name, clean=False)
                self.read_all()
                while subscriber.unacknowledged:
                    self.acknowledge(name, 0)
                    self.read_all()
                assert subscriber.seen == subscriber.owed
        self.broker.storage.commit()
        assert self.broker.storage.database.execute("SELECT COUNT(*) FROM message").fetchone() == (0,)
        self.broker.storage.close()
        shutil.rmtree(self.folder)

    def dropped(self, name: str) -> int:
        session = self.broker.broker.session(name)
        return session.dropped if session is not None else 0


AnyOrder.TestCase.settings = settings(examples(0.4), stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase
