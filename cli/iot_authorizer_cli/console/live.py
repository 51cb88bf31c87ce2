"""The feed as server-sent events (HTML standard, "Server-sent events")."""

import asyncio
from collections.abc import AsyncIterator

from iot_authorizer_cli.console.core import Feed, Record
from iot_policies.packing import compact

_LIVE = "event: live\ndata:\n\n"
"""Stands between what has been and what is."""
_AT_ONCE = 16
"""Records of what has been that are written before others have their turn."""


async def events(feed: Feed) -> AsyncIterator[str]:
    """The recent records, `live`, and then each as it comes. A client that comes again gets the recent ones again."""
    follower = feed.follow()
    following = asyncio.ensure_future(_next(follower))
    try:
        # One turn of the loop, so that the follower stands there before the recent ones are read: none gets lost.
        await asyncio.sleep(0)
        sent = set()
        for number, record in enumerate(feed.recent(), start=1):
            sent.add(record["id"])
            yield _event(record)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        yield _LIVE
        while True:
            record = await following
            following = asyncio.ensure_future(_next(follower))
            if record["id"] not in sent:
                yield _event(record)
    finally:
        following.cancel()


async def _next(follower: AsyncIterator[Record]) -> Record:
    return await anext(follower)


def _event(record: Record) -> str:
    return f"data: {compact(record)}\n\n"
