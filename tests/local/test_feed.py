"""The event feed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from iot_core.feed import Feed, Record
from tests.event_loop import in_event_loop


async def take(records: AsyncIterator[Record], count: int) -> list[object]:
    return [(await anext(records))["count"] for _ in range(count)]


def test_a_record_has_a_number_its_time_and_the_fields_that_are_not_empty() -> None:
    feed = Feed(lambda: 1.5)
    feed.add("reload", ok=True)
    feed.add("decision", allowed=False, reason=None, detail="", topics=())
    assert list(feed.recent()) == [
        {"id": 1, "time": 1500, "kind": "reload", "ok": True},
        {"id": 2, "time": 1500, "kind": "decision", "allowed": False},
    ]


def test_the_last_500_records_are_kept() -> None:
    feed = Feed()
    for number in range(600):
        feed.add("x", count=number)
    assert [record["count"] for record in feed.recent()] == list(range(100, 600))


def test_a_record_is_explained_once_when_it_is_first_read() -> None:
    asked: list[int] = []

    def explain() -> list[str]:
        asked.append(1)
        return ["by grant 1"]

    feed = Feed()
    feed.add("decision", explain)
    assert asked == []
    assert [next(feed.recent())["explanation"] for _ in range(2)] == [["by grant 1"]] * 2
    assert asked == [1]


def test_only_the_records_that_a_reader_wants_explained_are_explained() -> None:
    feed = Feed()
    feed.add("decision", lambda: ["by grant 1"], count=1)
    feed.add("decision", lambda: ["by grant 2"], count=2)
    records = list(feed.recent(lambda record: record["count"] == 2))
    assert [record.get("explanation") for record in records] == [None, ["by grant 2"]]


def test_a_record_stays_if_its_explanation_fails(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed(lambda: 0)
    feed.add("decision", lambda: [str(1 // 0)])
    assert list(feed.recent()) == [{"id": 1, "time": 0, "kind": "decision"}]
    assert "ZeroDivisionError" in caplog.text


@in_event_loop
async def test_each_follower_gets_each_new_record() -> None:
    feed = Feed()
    feed.add("x", count=0)
    one, other = (asyncio.create_task(take(feed.follow(), 3)) for _ in range(2))
    for number in (1, 2, 3):
        feed.add("x", count=number)
    assert [await one, await other] == [[1, 2, 3], [1, 2, 3]]


@in_event_loop
async def test_a_follower_gets_the_records_since_its_call_also_those_before_it_is_read() -> None:
    feed = Feed()
    records = feed.follow()
    feed.add("x", count=1)
    assert await take(records, 1) == [1]


@in_event_loop
async def test_the_first_wanted_record_is_one_that_is_kept_or_one_to_come() -> None:
    feed = Feed()
    for number in range(4):
        feed.add("x", count=number)
    waiting = asyncio.create_task(feed.first(lambda record: record["count"] > 4))
    await asyncio.sleep(0)
    for number in (4, 5, 6):
        feed.add("x", count=number)
    assert [(await feed.first(lambda record: record["count"] > 1))["count"], (await waiting)["count"]] == [2, 5]


@in_event_loop
async def test_a_slow_follower_misses_the_oldest_records() -> None:
    feed = Feed()
    records = feed.follow()
    for number in range(1000):
        feed.add("x", count=number)
    assert await take(records, 500) == list(range(500, 1000))


@in_event_loop
async def test_a_follower_that_has_read_everything_waits_while_another_has_not() -> None:
    feed = Feed()
    slow = feed.follow()
    feed.add("x", count=1)
    quick = asyncio.create_task(take(feed.follow(), 1))
    await asyncio.sleep(0)
    feed.add("x", count=2)
    assert [await quick, await take(slow, 2)] == [[2], [1, 2]]
