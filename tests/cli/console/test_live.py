"""The feed as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator

from iot_authorizer_cli.console.live import events
from iot_core.feed import Feed

LIVE = "event: live\ndata:\n\n"


def records(event: str) -> list[object]:
    return [json.loads(line[6:])["name"] for line in event.splitlines() if line.startswith("data: {")]


def add(feed: Feed, *names: str) -> None:
    for name in names:
        feed.add("test", name=name)


async def burst(stream: AsyncIterator[str]) -> list[object]:
    """The recent records, which end with `live`."""
    found: list[object] = []
    async for event in stream:
        if event == LIVE:
            break
        found += records(event)
    return found


async def closed(stream: AsyncIterator[str]) -> None:
    close = getattr(stream, "aclose")  # noqa: B009 (generators have it, iterators do not)
    await close()


def test_the_recent_records_come_first() -> None:
    async def first() -> list[object]:
        feed = Feed()
        add(feed, "one", "two")
        stream = events(feed)
        found = await burst(stream)
        await closed(stream)
        return found

    assert asyncio.run(first()) == ["one", "two"]


def test_others_have_their_turn_while_the_recent_records_are_written() -> None:
    async def turns() -> int:
        feed = Feed()
        add(feed, *map(str, range(100)))
        stream = events(feed)
        await anext(stream)
        others = asyncio.create_task(counted())
        await burst(stream)
        others.cancel()
        await closed(stream)
        return len(taken)

    async def counted() -> None:
        while True:
            taken.append(None)
            await asyncio.sleep(0)

    taken: list[None] = []
    assert asyncio.run(turns()) >= 5


def test_then_each_as_it_comes() -> None:
    async def second() -> list[object]:
        feed = Feed()
        stream = events(feed)
        await burst(stream)
        add(feed, "one", "two")
        found = [*records(await anext(stream)), *records(await anext(stream))]
        await closed(stream)
        return found

    assert asyncio.run(second()) == ["one", "two"]


def test_what_is_added_while_the_recent_ones_are_read_comes_once() -> None:
    async def all_of_them() -> list[object]:
        feed = Feed()
        stream = events(feed)
        asyncio.get_running_loop().call_soon(add, feed, "early")
        found = await burst(stream)
        add(feed, "late")
        found += records(await anext(stream))
        await closed(stream)
        return found

    assert asyncio.run(all_of_them()) == ["early", "late"]


def test_who_goes_is_not_followed_any_more() -> None:
    async def followers() -> int:
        feed = Feed()
        stream = events(feed)
        await anext(stream)
        await closed(stream)
        await asyncio.sleep(0)
        return len(feed._followers)

    assert asyncio.run(followers()) == 0
