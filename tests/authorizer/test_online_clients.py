"""Which clients are online, after presence events in any order, several times, or not at all."""

import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer.online_clients import (
    FAR_APART,
    LONGEST_CONNECTION,
    ClientState,
    InvalidEvent,
    OnlineClients,
    read_event,
)
from iot_identities.sqlite_table import SqliteTable
from tests.clock import Clock
from tests.identities.conftest import _environment, aws, dynamodb_name, patient  # noqa: F401 (fixtures)

NOW = 1_800_000_000
HOUR = 3600
Event = dict[str, object]


def event(kind: str, at: float, version: int = 0, client_id: str = "ann", **changes: object) -> Event:
    """What a function gets for a presence event as IoT Core sends it; `at` is in seconds since 1970."""
    payload = {
        "clientId": client_id,
        "timestamp": round(at * 1000),
        "eventType": kind,
        "sessionIdentifier": "a-session",
        "principalIdentifier": "ann",
        "versionNumber": version,
        **changes,
    }
    topic = f"$aws/events/presence/{kind}/{client_id}"
    return {"topic": topic, "client_id": None, "principal": None, "timestamp": 1, "payload": payload}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(params=["sqlite", "dynamodb"])
def clients(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> OnlineClients:
    """On the development table, and on one in DynamoDB."""
    if request.param == "sqlite":
        return OnlineClients(SqliteTable(tmp_path / "online.sqlite", clock), clock=clock)
    clock.now = round(time.time())
    return OnlineClients(request.getfixturevalue("dynamodb_name"), clock=clock)


@pytest.fixture
def local(tmp_path: Path, clock: Clock) -> OnlineClients:
    return OnlineClients(SqliteTable(tmp_path / "online.sqlite", clock), clock=clock)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """What one client did within a day: the kind of each event, when it happened in seconds, and its version.

    IoT Core sets the version back to 0 after an hour without a connection.
    """
    found: list[tuple[str, int, int]] = []
    at = version = 0
    for number in range(draw(st.integers(1, 5))):
        pause = draw(st.one_of(st.integers(0, 10), st.integers(0, 900), st.integers(3700, 9000)))
        at += pause
        version = 0 if pause > HOUR or number == 0 else version + draw(st.integers(1, 3))
        found.append(("connected", at, version))
        at += draw(st.one_of(st.integers(0, 10), st.integers(0, 5000)))
        found.append(("disconnected", at, version))
    return found if draw(st.booleans()) else found[:-1]


def after(events: list[Event]) -> ClientState | None:
    """The state after some events, as the table has it, without the table."""
    state: ClientState | None = None
    for each in events:
        found = read_event(each)
        if found is not None and (state is None or found.is_later_than(state)):
            state = found
    return state


@given(histories(), st.data())
def test_in_any_order_and_with_duplicates_the_state_is_that_after_the_latest_event(
    history: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    wrong = st.integers(-FAR_APART * 499, FAR_APART * 499)
    events = [
        event(kind, NOW + at, version, timestamp=(NOW + at) * 1000 + data.draw(wrong)) for kind, at, version in history
    ]
    again = data.draw(st.lists(st.sampled_from(events), max_size=3))
    state = after(data.draw(st.permutations([*events, *again])))
    assert state is not None
    assert state == read_event(events[-1])


@given(histories(), st.data())
def test_after_any_lost_events_the_next_one_corrects_the_state(
    history: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    events = [event(kind, NOW + at, version) for kind, at, version in history]
    arrived = [each for each in events[:-1] if data.draw(st.booleans())]
    state = after(data.draw(st.permutations([*arrived, events[-1]])))
    assert state is not None
    assert state.connected is (history[-1][0] == "connected")


def test_a_client_is_online_between_its_events(clients: OnlineClients, clock: Clock) -> None:
    assert clients.state("ann") is None
    clients.record(event("connected", clock.now, 1))
    clients.record(event("connected", clock.now, 1, client_id="ann/phone"))
    clients.record(event("connected", clock.now, 1, client_id="bob"))
    clients.record(event("disconnected", clock.now + 1, 1))
    assert [clients.is_online(each) for each in ("ann", "ann/phone", "bob", "eve")] == [False, True, True, False]
    assert sorted(each.client_id for each in clients.online()) == ["ann/phone", "bob"]
    assert [each.client_id for each in clients.online("ann/")] == ["ann/phone"]


def test_functions_that_run_at_the_same_time_store_the_latest_event(clients: OnlineClients, clock: Clock) -> None:
    kinds = ("connected", "disconnected")
    events = [event(kind, clock.now + version, version) for version in range(4) for kind in kinds]
    events.append(event("connected", clock.now + 4, 4))
    with ThreadPoolExecutor(len(events)) as pool:
        list(pool.map(clients.record, reversed(events)))
    assert clients.state("ann") == ClientState("ann", True, round((clock.now + 4) * 1000), 4, "ann")


def test_a_lost_disconnection_is_forgotten_when_the_connection_must_have_ended(
    local: OnlineClients, clock: Clock
) -> None:
    local.record(event("connected", NOW))
    clock.now = NOW + LONGEST_CONNECTION
    assert local.is_online("ann")
    clock.now += FAR_APART
    assert not local.is_online("ann")
    assert list(local.online()) == []


def test_the_longest_connection_of_the_template_shortens_that(tmp_path: Path, clock: Clock) -> None:
    clients = OnlineClients(SqliteTable(tmp_path / "online.sqlite", clock), longest=HOUR, clock=clock)
    clients.record(event("connected", NOW))
    clock.now = NOW + HOUR + FAR_APART
    assert not clients.is_online("ann")


def test_an_event_that_comes_after_its_connection_must_have_ended_changes_nothing(
    local: OnlineClients, clock: Clock
) -> None:
    clock.now = NOW + LONGEST_CONNECTION + FAR_APART
    local.record(event("connected", NOW))
    assert local.state("ann") is None


@pytest.mark.parametrize("kind", ["connect_failed", "subscribed"])
def test_other_events_of_a_client_change_nothing(local: OnlineClients, kind: str) -> None:
    local.record(event(kind, NOW))
    assert local.state("ann") is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"eventType": None}, "eventType"),
        ({"clientId": 7}, "clientId"),
        ({"versionNumber": "0"}, "versionNumber"),
        ({"timestamp": True}, "timestamp"),
        ({"principalIdentifier": None}, "principalIdentifier"),
    ],
)
def test_what_is_no_presence_event_is_an_error(local: OnlineClients, changes: Mapping[str, Any], expected: str) -> None:
    with pytest.raises(InvalidEvent, match=f"expected a presence event of IoT Core: {expected} is missing"):
        local.record(event("connected", NOW, **changes))


FORGED: dict[str, Event] = {
    "another client's topic": {"topic": "$aws/events/presence/connected/bob"},
    "another event's topic": {"topic": "$aws/events/presence/disconnected/ann"},
    "a topic of the rule that is not for presence": {"topic": "rooms/lobby"},
    "a client published it by basic ingest": {"client_id": "eve", "principal": "eve"},
    "an HTTPS client published it by basic ingest": {"principal": "eve"},
    "a client with the ID n/a published it": {"principal": "eve", "client_id": None},
    "a payload that is not JSON": {"payload": None, "payload_base64": "AA=="},
    "a payload that is not an object": {"payload": ["connected"]},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_an_event_that_iot_core_has_not_sent_for_this_client_is_an_error(local: OnlineClients, changes: Event) -> None:
    with pytest.raises(InvalidEvent, match="expected a presence event of IoT Core"):
        local.record({**event("connected", NOW), **changes})
    assert local.state("ann") is None


class NotConnected(Exception):
    """What boto3 raises for a client that IoT Core does not know."""


def iot_core(answer: Mapping[str, object] | None) -> Any:  # noqa: ANN401
    """A client of boto3 that knows one answer of GetConnection."""

    def get_connection(**_: object) -> Mapping[str, object]:
        if answer is None:
            raise NotConnected
        return answer

    exceptions = SimpleNamespace(ResourceNotFoundException=NotConnected)
    return SimpleNamespace(get_connection=get_connection, exceptions=exceptions)


@pytest.mark.parametrize("known", [None, "connected", "disconnected"])
@pytest.mark.parametrize(
    ("answer", "connected"),
    [
        (None, False),
        ({"connected": False, "disconnectedSince": NOW * 1000}, False),
        ({"connected": True, "connectedSince": (NOW + 9) * 1000}, True),
    ],
)
def test_a_confirmed_state_is_what_iot_core_says(
    local: OnlineClients, known: str | None, answer: Mapping[str, object] | None, connected: bool
) -> None:
    if known is not None:
        local.record(event(known, NOW, 3))
    assert local.confirm("ann", iot_core(answer)) is connected
    assert local.is_online("ann") is connected


def test_events_after_a_confirmation_count(local: OnlineClients, clock: Clock) -> None:
    local.record(event("connected", NOW, 3))
    clock.now = NOW + 10
    assert local.confirm("ann", iot_core(None)) is False
    local.record(event("connected", NOW, 3))
    assert not local.is_online("ann")
    local.record(event("connected", NOW + 11, 4))
    assert local.is_online("ann")


@st.composite
def confirmed_histories(draw: st.DrawFn) -> tuple[list[Event], list[Event], float, Mapping[str, object] | None]:
    """What a client did before and after a time between two events, this time, and what IoT Core says then."""
    history = draw(histories().filter(lambda found: len({at for _, at, _ in found}) == len(found)))
    events = [event(kind, NOW + at, version) for kind, at, version in history]
    before = draw(st.integers(1, len(history)))
    kind, at, _ = history[before - 1]
    most = 5000 if before == len(history) else history[before][1] - at - 1
    now = NOW + at + draw(st.one_of(st.integers(0, most), st.integers(max(0, most - 100), most))) + 0.5
    answer: Mapping[str, object] | None = {"connected": True, "connectedSince": (NOW + at) * 1000}
    if kind == "disconnected":
        is_known = draw(st.booleans())  # For half an hour.
        answer = {"connected": False, "disconnectedSince": (NOW + at) * 1000} if is_known else None
    return events[:before], events[before:], now, answer


@given(confirmed_histories(), st.data())
def test_a_confirmed_state_stands_against_late_events_and_for_the_next_ones(
    given_: tuple[list[Event], list[Event], float, Mapping[str, object] | None], data: st.DataObject
) -> None:
    before, later, now, answer = given_
    late = data.draw(st.lists(st.sampled_from(before), unique_by=id))
    early = [each for each in before if each not in late]
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(now)
        clients = OnlineClients(SqliteTable(Path(folder) / "online.sqlite", clock), clock=clock)
        for each in data.draw(st.permutations(early)):
            clients.record(each)
        clients.confirm("ann", iot_core(answer))
        for each in data.draw(st.permutations([*late, *later])):
            clients.record(each)
        last = read_event([*before, *later][-1])
        assert last is not None
        assert clients.is_online("ann") is last.connected


def test_a_connection_whose_version_begins_again_counts_soon_after_a_confirmation(
    local: OnlineClients, clock: Clock
) -> None:
    local.record(event("connected", NOW, 5))
    clock.now = NOW + 2 * HOUR
    assert local.confirm("ann", iot_core(None)) is False
    assert local.state("ann") == ClientState("ann", False, clock.now * 1000, None, "ann")
    local.record(event("connected", clock.now + 10, 0))
    assert local.is_online("ann")


def test_the_end_of_a_confirmed_connection_counts_whatever_its_version_is(local: OnlineClients, clock: Clock) -> None:
    local.record(event("connected", NOW, 5))
    clock.now = NOW + 2 * HOUR
    assert local.confirm("ann", iot_core({"connected": True, "connectedSince": clock.now * 1000})) is True
    assert local.state("ann") == ClientState("ann", True, clock.now * 1000, None, None)
    local.record(event("disconnected", clock.now + 60, 0))
    assert not local.is_online("ann")


def test_a_confirmed_connection_of_which_no_event_has_come_lasts_as_long_as_others(
    local: OnlineClients, clock: Clock
) -> None:
    local.record(event("connected", NOW))
    clock.now = NOW + HOUR
    local.confirm("ann", iot_core({"connected": True, "connectedSince": (NOW + HOUR) * 1000}))
    clock.now = NOW + LONGEST_CONNECTION + FAR_APART
    assert local.is_online("ann")
