"""Topic names and filters (developer guide, "MQTT topics", "Reserved topics", and the quotas)."""

import pytest

from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import InvalidTopic, check_topic_name
from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench

SEVEN_SLASHES = "1/2/3/4/5/6/7/8"


def delivered(broker: Bench, topic_filter: str, topic: str) -> bool:
    alice, bob = broker.subscriber(topic_filter), broker.connect("bob")
    bob.publish(topic)
    assert not bob.closed
    return alice.topics() == [topic]


@pytest.mark.parametrize(
    ("topic_filter", "topic", "matches"),
    [
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        pytest.param("a/#", "a/", True, id="the level below may be empty"),
        pytest.param("a/#", "a", False, id="IoT Core's hash does not match the level above"),
        pytest.param("$aws/things/#", "$aws/things/lamp/shadow/get", True, id="a hash behind a level with a dollar"),
    ],
)
def test_a_filter_matches_a_topic(broker: Bench, topic_filter: str, topic: str, matches: bool) -> None:
    """Only the wiring: `test_router` compares all filters with the matcher of policies."""
    assert delivered(broker, topic_filter, topic) is matches


@pytest.mark.parametrize("topic_filter", ["#", "+/events/presence/connected/bob", "+/#"])
def test_a_leading_wildcard_does_not_reach_topics_that_start_with_a_dollar(broker: Bench, topic_filter: str) -> None:
    alice = broker.subscriber(topic_filter)
    broker.connect("bob")
    assert alice.topics() == []


@pytest.mark.parametrize("topic", ["$SYS/broker", "$other", "$", "$AWS/rules/r/a"])
def test_a_publish_to_another_topic_with_a_dollar_ends_the_connection(broker: Bench, topic: str) -> None:
    bob = broker.connect()
    bob.publish(topic)
    assert bob.ended_with(ReasonCode.TOPIC_NAME_INVALID)


def test_a_retained_publish_to_a_reserved_topic_ends_the_connection(broker: Bench) -> None:
    bob = broker.connect()
    bob.publish("$aws/things/lamp", b"on", retain=True)
    assert bob.ended_with(ReasonCode.RETAIN_NOT_SUPPORTED)


@pytest.mark.parametrize("topic", ["$aws/events/presence/connected/bob", "$aws/events/x"])
def test_only_iot_core_publishes_events(broker: Bench, topic: str) -> None:
    bob = broker.connect("bob")
    alice = broker.subscriber(topic)
    bob.publish(topic, b"{}")
    assert bob.ended_with(ReasonCode.NOT_AUTHORIZED)
    assert alice.topics() == []


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param("x" * 256, id="256 bytes"),
        pytest.param("ä" * 128, id="256 bytes of UTF-8"),
        pytest.param(SEVEN_SLASHES, id="7 slashes"),
    ],
)
def test_a_topic_may_be_as_long_as_the_quota(broker: Bench, topic: str) -> None:
    assert delivered(broker, topic, topic)


@pytest.mark.parametrize("topic", [f"$aws/rules/{'r' * 100}/{'x' * 256}", f"$aws/rules/r/{SEVEN_SLASHES}"])
def test_the_prefix_of_basic_ingest_counts_for_no_quota(broker: Bench, topic: str) -> None:
    bob = broker.connect()
    bob.publish(topic)
    assert not bob.closed


def test_a_message_of_basic_ingest_reaches_no_subscriber(broker: Bench) -> None:
    assert not delivered(broker, "$aws/rules/r/a", "$aws/rules/r/a")


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param("x" * 257, id="257 bytes"),
        pytest.param("ä" * 128 + "x", id="257 bytes of UTF-8"),
        pytest.param(f"{SEVEN_SLASHES}/", id="8 slashes"),
        pytest.param(f"$aws/rules/r/{'x' * 257}", id="257 bytes behind a rule's prefix"),
        pytest.param(f"$aws/rules/{'r' * 129}/x", id="a rule's name with 129 letters"),
        pytest.param("$aws/rules/r", id="basic ingest without a topic"),
        pytest.param("$aws/rules//x", id="basic ingest without a rule"),
        pytest.param(f"$aws/rules/r/{SEVEN_SLASHES}/", id="8 slashes behind a rule's prefix"),
    ],
)
def test_a_topic_over_the_quota_ends_its_publisher(broker: Bench, topic: str) -> None:
    bob = broker.connect()
    bob.publish(topic)
    assert bob.closed


@pytest.mark.parametrize(
    "topic_filter",
    [
        pytest.param("x" * 257, id="257 bytes"),
        pytest.param(f"{SEVEN_SLASHES}/#", id="8 slashes"),
        pytest.param(f"$share/g/{SEVEN_SLASHES}/#", id="8 slashes behind a share"),
        pytest.param(f"$share/{'g' * 129}/a", id="a share name of 129 bytes"),
        pytest.param("$share//a", id="a share without a name"),
        pytest.param("$share/g", id="a share without a filter"),
        pytest.param("$share/g/", id="a share with an empty filter"),
        pytest.param("$share/g+/a", id="a plus in a share's name"),
        pytest.param("$share/#", id="a hash as a share's name"),
        pytest.param("$share/g/$share/h/a", id="a share in a share"),
        pytest.param("$share", id="only $share"),
        pytest.param("$SYS/#", id="a dollar that is not AWS's"),
        pytest.param("a/#/b", id="a hash that is not last"),
        pytest.param("a/b#", id="a hash beside text"),
        pytest.param("a/b+/c", id="a plus beside text"),
        pytest.param("##", id="two hashes"),
    ],
)
def test_a_wrong_filter_is_refused_in_the_suback(broker: Bench, topic_filter: str) -> None:
    alice = broker.connect()
    codes = alice.subscribe("good", topic_filter)
    assert codes == (0, ReasonCode.TOPIC_FILTER_INVALID if broker.version == 5 else 0x80)
    assert not alice.closed


@pytest.mark.parametrize(
    "topic_filter",
    [
        pytest.param("x" * 256, id="256 bytes"),
        pytest.param("1/2/3/4/5/6/7/#", id="7 slashes"),
        pytest.param("$share/g/1/2/3/4/5/6/7/#", id="7 slashes behind a share"),
        pytest.param(f"$share/{'g' * 128}/{'x' * 256}", id="a share is not counted in bytes"),
        pytest.param("$share/g/$aws/events/#", id="a shared reserved topic"),
        pytest.param("$aws/rules/r/1/2/3/4/5/6/7/8", id="7 slashes behind a rule's prefix"),
        pytest.param("/", id="only a slash"),
        pytest.param("+/+", id="only pluses"),
    ],
)
def test_a_good_filter_is_granted(broker: Bench, topic_filter: str) -> None:
    assert broker.connect().subscribe(topic_filter) == (0,)


@pytest.mark.parametrize("topic", ["", "a\0", "a/+", "#"])
def test_a_topic_name_that_the_decoder_refuses_is_invalid_for_other_callers_too(topic: str) -> None:
    with pytest.raises(InvalidTopic):
        check_topic_name(topic, IOT_CORE)
