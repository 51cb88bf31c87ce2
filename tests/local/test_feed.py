"""What happens, for those who watch."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from iot_core.feed import Feed, Record


async def take(records: AsyncIterator[Record], count: int) -> list[object]:
    return [(await anext(records))["n"] for _ in range(count)]


def test_records_are_numbered_and_have_their_time() -> None:
    feed = Feed(lambda: 1.5)
    feed.add("reload", ok=True)
    feed.add("presence", client_id="ann")
    assert list(feed.recent()) == [
        {"id": 1, "time": 1500, "kind": "reload", "ok": True},
        {"id": 2, "time": 1500, "kind": "presence", "client_id": "ann"},
    ]


def test_what_does_not_apply_is_left_out() -> None:
    feed = Feed(lambda: 0)
    feed.add("decision", allowed=False, reason=None, detail="", topics=())
    assert list(feed.recent()) == [{"id": 1, "time": 0, "kind": "decision", "allowed": False}]


def test_the_last_five_hundred_are_kept() -> None:
    feed = Feed()
    for number in range(600):
        feed.add("x", n=number)
    assert [record["n"] for record in feed.recent()] == list(range(100, 600))


def test_an_explanation_is_asked_for_once_and_only_by_who_reads() -> None:
    asked: list[int] = []

    def explain() -> list[str]:
        asked.append(1)
        return ["by grant 1"]

    feed = Feed()
    feed.add("decision", explain)
    assert asked == []
    assert [next(feed.recent())["explanation"] for _ in range(2)] == [["by grant 1"]] * 2
    assert asked == [1]


def test_an_explanation_that_fails_leaves_the_record(caplog: pytest.LogCaptureFixture) -> None:
    feed = Feed(lambda: 0)
    feed.add("decision", lambda: [str(1 // 0)])
    assert list(feed.recent()) == [{"id": 1, "time": 0, "kind": "decision"}]
    assert "ZeroDivisionError" in caplog.text


def test_each_follower_gets_each_record_from_now_on() -> None:
    async def main() -> None:
        feed = Feed()
        feed.add("x", n=0)
        one, other = (asyncio.create_task(take(feed.follow(), 3)) for _ in range(2))
        await asyncio.sleep(0)
        for number in (1, 2, 3):
            feed.add("x", n=number)
        assert [await one, await other] == [[1, 2, 3], [1, 2, 3]]

    asyncio.run(main())


def test_a_follower_that_is_slow_misses_the_oldest() -> None:
    async def main() -> None:
        feed = Feed()
        records = feed.follow()
        first = asyncio.create_task(take(records, 1))
        await asyncio.sleep(0)
        feed.add("x", n=-1)
        assert await first == [-1]
        for number in range(1000):
            feed.add("x", n=number)
        assert await take(records, 500) == list(range(500, 1000))

    asyncio.run(main())


def test_a_follower_that_leaves_is_forgotten() -> None:
    async def main() -> None:
        feed = Feed()
        following = asyncio.create_task(take(feed.follow(), 1))
        await asyncio.sleep(0)
        assert len(feed._followers) == 1
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert not feed._followers

    asyncio.run(main())
