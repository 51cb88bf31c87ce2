"""Mosquitto with an ACL file, beside IoT Core on this machine with the template that `convert acl` made of it.

The same users publish the same messages to both. Who gets them must be the same, except for what the command says. On
mosquitto, it must also be what the tests' own reading of its rules says.
"""

import csv
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iot_authorizer_cli.commands.convert.acl_file import AclFile, read_acl
from iot_authorizer_cli.commands.convert.acl_meaning import AclClient
from iot_authorizer_cli.commands.convert.conversion import ANONYMOUS, AllowedClientIds, convert
from iot_authorizer_cli.commands.convert.differences import AclDifference, ClientComparison, ComparedClient
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core import mqtt
from iot_core.broker.limits import IOT_CORE
from iot_policies import PolicyTemplate, Principal
from iot_policies.proofs.meaning import meaning
from iot_policies.proofs.patterns import text_of
from tests.cli.commands.convert.mosquitto_rules import READ, WRITE, Mosquitto, matches
from tests.cli.commands.convert.random_acls import LEVELS, USERS, acls
from tests.cli.in_process import run_here
from tests.clients.mosquitto_broker import mosquitto, write_passwords
from tests.effort import EXAMPLES, examples
from tests.local.harness.channels import SocketChannel, connected_to
from tests.local.harness.client import Client

CLIENTS = (*USERS, None)
WORDS = (*LEVELS, "ann-s", "x-ann", "other")
MESSAGES = 200 if settings().max_examples >= EXAMPLES["long"] else 100
"""In each round: 500 in all with `make test`, 10,000 with `make test-long`."""
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A refused message ends a connection, so there are many sign-ins. What they cost is not tested here."""
NOWHERE = "no-client-subscribes-to-this"
CONFIGURATION = f"""\
name               = "fleet"
policy             = "policy.toml"
table              = "identities"
default_authorizer = true

[passwords]

[anonymous]
principal = "{ANONYMOUS}"
claims    = {{ {ANONYMOUS} = true }}
"""

Received = Mapping[int, set[str | None]]
"""The users that received each message, by its number."""


def password_of(user: str) -> str:
    return f"correct horse of {user}"


def client_id(user: str | None, role: str) -> str:
    return f"{user or 'none'}-{role}"


@contextmanager
def connected(port: int, user: str | None, role: str) -> Iterator[Client]:
    with Client(SocketChannel(connected_to(port))) as client:
        its, password = client_id(user, role), None if user is None else password_of(user).encode()
        assert client.connect(its, user_name=user, password=password, keep_alive=1200).reason_code == 0
        yield client


class Publishers:
    """Publishes as each user, and connects again where a refused message ended the connection."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self._port = port
        self._stack = stack
        self._clients: dict[str | None, Client] = {}

    def publish(self, user: str | None, topic: str, payload: bytes, *, retain: bool) -> None:
        client = self._clients.get(user)
        if client is None:
            client = self._clients[user] = self._stack.enter_context(connected(self._port, user, "p"))
        client.send(mqtt.Publish(topic, payload, 1, retain, False, 1, mqtt.NO_PROPERTIES))
        if client.next() is None:
            del self._clients[user]


def run(port: int, filters: Mapping[str | None, list[str]], messages: list[tuple[str | None, str, bool]]) -> Received:
    """Publishes messages, each with its sender, its topic and RETAIN, while every user subscribes to its filters."""
    with ExitStack() as stack:
        subscribers = {user: stack.enter_context(connected(port, user, "s")) for user in filters}
        for user, its in filters.items():
            for topic_filter in its:
                subscribers[user].subscribe(topic_filter)  # It may be refused, if a deny covers all of it.
        publishers = Publishers(port, stack)
        for number, (user, topic, retain) in enumerate(messages):
            publishers.publish(user, topic, str(number).encode(), retain=retain)
        received: dict[int, set[str | None]] = {number: set() for number in range(len(messages))}
        for user, subscriber in subscribers.items():
            subscriber.send(mqtt.Unsubscribe(9, (NOWHERE,), mqtt.NO_PROPERTIES))
            while isinstance(packet := subscriber.next(), mqtt.Publish):
                received[int(packet.payload)].add(user)
            assert isinstance(packet, mqtt.Unsuback)
        return received


def differences(
    acl: AclFile, template: PolicyTemplate, user: str | None, principal: Principal, role: str
) -> list[AclDifference]:
    its = client_id(user, role)
    compared = ComparedClient(AclClient.of(acl, user, its), principal, its)
    return [*ClientComparison(template, compared).differences()]


def is_told(found: list[AclDifference], use: str, topic: str) -> bool:
    return any(each.use == use and (each.rule is None or matches(each.rule.topic_filter, topic)) for each in found)


def drawn_topic(drawn: random.Random, filters: list[str]) -> str:
    """A topic; mostly one that a filter of the ACL file matches."""
    if not filters or drawn.random() < 0.3:
        return "/".join(drawn.choices(WORDS, k=drawn.randint(1, 4))) or "a"
    levels = drawn.choice(filters).split("/")
    if levels[-1] == "#":
        levels[-1:] = drawn.choices(WORDS, k=drawn.randint(0, 2))
    words = [drawn.choice(WORDS) if level == "+" else level for level in levels]
    user = drawn.choice(USERS)
    named = [re.sub("%[uc]", lambda match: user if match[0] == "%u" else f"{user}-s", word) for word in words]
    return "/".join(named) or "a"


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The password file of mosquitto."""
    folder = tmp_path_factory.mktemp("passwords")
    write_passwords(folder, {user: password_of(user) for user in USERS})
    return folder / "passwd"


def import_users(folder: Path) -> None:
    """Adds the users with their claims, and with their passwords."""
    with (folder / "claims.csv").open(newline="") as file:
        rows = [(row["name"], row["claims"], CHEAP.hash(password_of(row["name"]))) for row in csv.DictReader(file)]
    with (folder / "users.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "claims", "hash"), *rows])
    done = run_here(folder, "users", "import", "users.csv", "--data", "data")
    assert done.returncode == 0, done.stderr


@settings(examples(1 / 60), phases=[Phase.generate])  # No shrinking: it takes hours.
@given(acls(), st.integers())
def test_the_same_messages_reach_the_same_users(
    tmp_path_factory: pytest.TempPathFactory, passwords: Path, text: str, seed: int
) -> None:
    drawn = random.Random(seed)
    folder = tmp_path_factory.mktemp("beside")
    (folder / "acl").write_text(text)
    shutil.copy(passwords, folder)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    options = ("--passwords", "passwd", "--client-ids", "any", "--anonymous")
    done = run_here(
        folder, "convert", "acl", "acl", *options, "--output", "policy.toml", "--users-output", "claims.csv"
    )
    assert done.returncode in (0, 1), done.stderr
    import_users(folder)

    acl, _ = read_acl(text.encode())
    claims = convert(acl, USERS, AllowedClientIds.ANY, anonymous=True).claims
    everybody: dict[str | None, Principal] = {None: Principal(ANONYMOUS, {ANONYMOUS: True})}
    everybody |= {user: Principal(user, claims[user]) for user in USERS}
    template = PolicyTemplate.load(folder / "policy.toml")
    filters = [rule.topic_filter for rules in (*acl.topics.values(), acl.patterns) for rule in rules]
    topics = [drawn_topic(drawn, filters) for _ in range(MESSAGES)]
    messages = [(drawn.choice(CLIENTS), topic, drawn.random() < 0.5) for topic in topics]

    with mosquitto(folder) as port:
        there = run(port, {user: ["#", "$x/#"] for user in CLIENTS}, messages)
    allowed = {
        user: [
            text_of(each.levels)
            for each in meaning(template, principal, client_id(user, "s")).allowed
            if each.action == "iot:Subscribe"
        ]
        for user, principal in everybody.items()
    }
    with LocalIotCore(folder / "authorizer.toml", folder=folder / "data", limits=IOT_CORE.without_throttling()) as core:
        here = run(core.port, allowed, messages)

    expected = Mosquitto(text)
    told = {
        (user, role): differences(acl, template, user, everybody[user], role) for user in CLIENTS for role in ("p", "s")
    }
    for number, (sender, topic, _) in enumerate(messages):
        is_published = expected.allows(sender, client_id(sender, "p"), WRITE, topic)
        assert there[number] == {
            user for user in CLIENTS if is_published and expected.allows(user, client_id(user, "s"), READ, topic)
        }, (sender, topic)
        if not is_told(told[sender, "p"], "write", topic):
            for user in here[number] ^ there[number]:
                assert is_told(told[user, "s"], "read", topic), (sender, user, topic)
