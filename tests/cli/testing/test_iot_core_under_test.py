"""What a user's test asks: who may do what, by the authorizer that runs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_authorizer_cli.testing import ClientRefused, IotCoreUnderTest, MqttTestClient
from iot_core.broker.limits import IOT_CORE
from iot_core.broker.message import Message
from iot_policies.explaining import Question
from tests.cli.conftest import fill

ANN = {"rooms": ["lobby"]}
SAY = "rooms/lobby/say/ann"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IotCoreUnderTest]:
    config = fill(tmp_path_factory.mktemp("project")) / "authorizer.toml"
    config.write_text(config.read_text() + '\n[anonymous]\nprincipal = "guest"\n')
    with IotCoreUnderTest(config, limits=IOT_CORE.without_throttling()) as core:
        yield core


@pytest.mark.parametrize(
    ("action", "topic", "allowed"),
    [
        ("connect", "ann/phone", True),
        ("connect", "bob", False),
        ("publish", SAY, True),
        ("publish", "rooms/attic/say/ann", False),
        ("retain", "rooms/lobby/topic", True),
        ("retain", SAY, False),
        ("subscribe", "rooms/lobby/#", True),
        ("subscribe", "rooms/#", False),
        ("receive", "rooms/lobby/say/bob", True),
        ("receive", "rooms/attic/say/bob", False),
    ],
)
def test_allows_says_what_the_policy_of_the_running_authorizer_says(
    core: IotCoreUnderTest, action: Question, topic: str, allowed: bool
) -> None:
    assert core.allows("ann", ANN, action, topic) is allowed


def test_allows_asks_the_authorizer_and_not_only_the_template(core: IotCoreUnderTest) -> None:
    with pytest.raises(ClientRefused) as caught:
        core.allows("ann", {"rooms": "a/b"}, "publish", SAY)
    assert caught.value.reason == "unsafe_value"


def test_who_is_granted_nothing_may_not_publish(tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    config.write_text(config.read_text().replace("chat.toml", "fleet.toml"))
    with IotCoreUnderTest(config) as core:
        assert not core.allows("mallory", {}, "publish", SAY)


def test_a_client_id_that_is_not_granted_is_no_answer_about_a_topic(core: IotCoreUnderTest) -> None:
    with pytest.raises(ClientRefused, match="connect as bob: client_id_not_granted"):
        core.allows("ann", ANN, "publish", SAY, client_id="bob")


@pytest.mark.parametrize(
    ("action", "topic", "problem"),
    [
        ("publish", "rooms/+/say/ann", "wildcard"),
        ("publish", "$aws/events/presence/connected/ann", "only IoT Core publishes events"),
        ("retain", "$aws/rules/r/x", "reserved"),
        ("connect", f"ann/{'x' * 200}", "a client ID has at most 128 bytes"),
    ],
)
def test_what_iot_core_refuses_whatever_the_policy_allows_is_an_error(
    core: IotCoreUnderTest, action: Question, topic: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        core.allows("ann", ANN, action, topic)


def test_an_empty_client_id_is_not_one_that_the_template_grants(core: IotCoreUnderTest) -> None:
    """IoT Core assigns another one to such a client."""
    assert not core.allows("eve", ANN, "connect", "")
    assert "refused: eve connect" in core.described_decisions()


def test_a_misspelled_action_is_an_error(core: IotCoreUnderTest) -> None:
    misspelled: Question = "pubish"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="pubish: expected one of connect, publish"):
        core.allows("ann", ANN, misspelled, SAY)


def test_a_principal_that_is_none_has_no_credentials(core: IotCoreUnderTest) -> None:
    assert core.allows(None, {}, "publish", "users/guest/outbox", client_id="guest")
    with pytest.raises(ValueError, match="client_id"):
        core.client(None)


def test_the_client_id_is_one_that_the_template_grants(tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    config.write_text(config.read_text().replace("chat.toml", "broadcast.toml"))
    with IotCoreUnderTest(config) as core:
        assert core.client("ann", {"role": "listener"}).client_id.startswith("ann/")


def test_decisions_have_what_was_asked_with_the_entry_that_decided(core: IotCoreUnderTest) -> None:
    core.allows("ann", ANN, "publish", "rooms/attic/say/ann")
    decision = core.decisions[-1]
    assert (decision["action"], decision["allowed"]) == ("publish", False)
    assert "claims.rooms is" in core.described_decisions().splitlines()[-1]


def test_clients_exchange_messages(core: IotCoreUnderTest) -> None:
    ann, bob = core.client("ann", ANN), core.client("bob", ANN)
    ann.subscribe("rooms/lobby/#")
    bob.publish("rooms/lobby/say/bob", "hello")
    assert ann.received() == [("rooms/lobby/say/bob", b"hello")]
    assert ann.received() == []


def test_what_was_published_for_the_owner_has_arrived(core: IotCoreUnderTest) -> None:
    ann = core.client("ann", ANN)
    ann.subscribe("users/ann/inbox/#")
    core.call(lambda: core.broker.publish(Message("users/ann/inbox/a", b"x")))
    core.call(core.iot_core.commit)
    assert ann.received() == [("users/ann/inbox/a", b"x")]


def test_a_refused_client_raises_the_reason_of_the_authorizer(core: IotCoreUnderTest) -> None:
    with pytest.raises(ClientRefused, match="connect as bob: client_id_not_granted"):
        core.client("ann", ANN, client_id="bob")


def test_a_denied_subscription_raises_and_the_client_stays_connected(core: IotCoreUnderTest) -> None:
    ann = core.client("ann", ANN)
    with pytest.raises(ClientRefused, match='not_allowed_by_policy: grant "rooms"'):
        ann.subscribe("rooms/attic/#")
    ann.publish(SAY)


def test_after_a_denied_message_every_call_raises(core: IotCoreUnderTest) -> None:
    """IoT Core ends the connection of a client that publishes what it may not."""
    with core.client("ann", ANN) as ann:
        for call in (lambda: ann.publish("rooms/attic/say/ann"), lambda: ann.publish(SAY), ann.received):
            with pytest.raises(ClientRefused, match="not_allowed_by_policy"):
                call()


def test_a_client_whose_connection_another_client_took_says_so(core: IotCoreUnderTest) -> None:
    """The decisions that `allows` made meanwhile, and those of the other client, are not the reason."""
    first = core.client("dora", ANN)
    assert not core.allows("dora", ANN, "publish", "rooms/attic/say/dora")
    second = core.client("dora", ANN)
    for _ in range(2):
        with pytest.raises(ClientRefused, match=r"publish rooms/attic/say/dora: DUPLICATE_CLIENTID$") as caught:
            first.publish("rooms/attic/say/dora")
        assert caught.value.record["kind"] == "presence"
    with pytest.raises(ClientRefused, match="not_allowed_by_policy: grant"):
        second.publish("rooms/attic/say/dora")
    with pytest.raises(ClientRefused, match="receive: DUPLICATE_CLIENTID"):
        first.received()


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (f"rooms/lobby/say/ann/{'x' * 256}", b"", "CLIENT_ERROR: a topic has at most 256 bytes of UTF-8"),
        (SAY, bytes(140_000), "CLIENT_ERROR: a payload has at most 131072 bytes"),
        (SAY, bytes(200_000), "CLIENT_ERROR: a packet of 200027 bytes: at most 149504 are accepted"),
        ("$aws/events/presence/connected/ann", b"", "FORBIDDEN_ACCESS: only IoT Core publishes events"),
    ],
    ids=["topic", "payload", "packet", "event"],
)
def test_a_message_that_breaks_a_limit_raises_the_limit_and_no_earlier_decision(
    core: IotCoreUnderTest, topic: str, payload: bytes, reason: str
) -> None:
    ann = core.client("ann", ANN)
    ann.publish(SAY)
    with pytest.raises(ClientRefused, match="not_allowed_by_policy"):
        ann.subscribe("rooms/attic/#")
    core.allows("ann", ANN, "publish", "rooms/attic/say/ann")
    with pytest.raises(ClientRefused, match=f": {reason}$"):
        ann.publish(topic, payload)


@pytest.mark.parametrize(
    ("topic_filter", "reason"),
    [
        ("rooms/lobby/1/2/3/4/5/6/7/8", "invalid_topic_filter: a topic has at most 7 slashes"),
        ("rooms/attic/#", "not_allowed_by_policy: grant"),
    ],
)
def test_a_refused_subscription_raises_its_own_reason(core: IotCoreUnderTest, topic_filter: str, reason: str) -> None:
    ann = core.client("ann", ANN)
    for earlier in ("rooms/attic/1", "rooms/1/2/3/4/5/6/7/8"):
        with pytest.raises(ClientRefused, match=f"subscribe {earlier}"):
            ann.subscribe(earlier)
    with pytest.raises(ClientRefused, match=reason):
        ann.subscribe(topic_filter)


def test_an_empty_client_id_raises_the_reason_of_the_policy(core: IotCoreUnderTest) -> None:
    with pytest.raises(ClientRefused, match="granted client IDs") as refused:
        core.client("ann", client_id="")
    assert refused.value.reason == "connect_not_allowed"


def test_a_client_id_that_is_too_long_raises_the_limit(core: IotCoreUnderTest) -> None:
    core.client("ann", ANN)
    with pytest.raises(ClientRefused, match="invalid_connect: a client ID has at most 128 bytes"):
        core.client("ann", ANN, client_id=f"ann/{'x' * 300}")


def receive_for_long(client: MqttTestClient) -> None:
    """A refresh is due within a fourth of a second."""
    for _ in range(100_000):
        client.received()


def test_a_refused_refresh_is_the_reason_of_the_end(tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    with IotCoreUnderTest(config) as core:
        ann = core.client("ann", ANN)
        policy = tmp_path / "policies/chat.toml"
        policy.write_text(policy.read_text().replace('"{principal}"', '"x/{principal}"'))
        core.run(core.configuration.reload)
        core.call(core.apply_configuration)
        with pytest.raises(ClientRefused, match="client_id_not_granted") as caught:
            receive_for_long(ann)
        assert caught.value.record["action"] == "refresh"


def test_the_reason_is_found_after_many_records(core: IotCoreUnderTest) -> None:
    first = core.client("dora", ANN)
    for _ in range(600):
        core.call(lambda: core.feed.add("x"))
    core.client("dora", ANN)
    with pytest.raises(ClientRefused, match="DUPLICATE_CLIENTID"):
        first.publish(SAY)


def test_a_closed_client_says_that_it_is_closed(core: IotCoreUnderTest) -> None:
    ann = core.client("ann", ANN)
    ann.close()
    with pytest.raises(ClientRefused, match="CLIENT_INITIATED_DISCONNECT"):
        ann.publish(SAY)


def test_with_signing_tokens_are_signed_with_the_private_key_on_this_machine(tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    make_key(config, "key", 2048)
    with IotCoreUnderTest(config) as core:
        core.client("ann", ANN).publish(SAY)


def test_clients_are_disconnected_at_the_end(tmp_path: Path) -> None:
    def of_clients() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("paho")}

    before = of_clients()  # Of other tests in this process.
    with IotCoreUnderTest(fill(tmp_path) / "authorizer.toml") as core:
        core.client("ann", ANN)
        assert of_clients() - before
    assert not of_clients() - before


RULES = """\
from iot_authorizer import Authorizer, Grant, LambdaHandler, Principal, Refusal


def verify(credentials):
    if credentials.token != "session-of-ann":
        raise Refusal("unknown_session")
    return Principal("ann")


lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=lambda principal: Grant(connect=["ann"], publish=["a"])))
"""


def test_rules_of_your_own_get_the_token_that_the_test_gives(tmp_path: Path) -> None:
    """They find it under the token key name of the configuration, which the code does not repeat."""
    (tmp_path / "token_rules.py").write_text(RULES)
    text = 'name = "own"\ntoken_key_name = "session"\nhandler = "token_rules.lambda_handler"\n'
    (tmp_path / "authorizer.toml").write_text(text)
    with IotCoreUnderTest(tmp_path / "authorizer.toml") as core:
        assert core.allows("ann", {}, "publish", "a", token="session-of-ann")
        core.client("ann", token="session-of-ann").publish("a", "hello")
        with pytest.raises(ClientRefused, match="unknown_session"):
            core.client("ann", token="stolen")
