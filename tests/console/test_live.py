"""The feed as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator

from local.console.live import events
from local.gateway.feed import Feed


def records(event: str) -> list[object]:
    return [json.loads(line[6:])["name"] for line in event.splitlines() if line.startswith("data: {")]


def add(feed: Feed, *names: str) -> None:
    for name in names:
        feed.add("test", name=name)


async def closed(stream: AsyncIterator[str]) -> None:
    close = getattr(stream, "aclose")  # noqa: B009 (generators have it, iterators do not)
    await close()


def test_the_recent_records_come_first() -> None:
    async def first() -> str:
        feed = Feed()
        add(feed, "one", "two")
        stream = events(feed)
        found = await anext(stream)
        await closed(stream)
        return found

    found = asyncio.run(first())
    assert (records(found), found.endswith("event: live\ndata:\n\n")) == (["one", "two"], True)


def test_then_each_as_it_comes() -> None:
    async def second() -> list[object]:
        feed = Feed()
        stream = events(feed)
        await anext(stream)
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
        found = records(await anext(stream))
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
