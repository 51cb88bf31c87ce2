"""What a client does, in the feed as a program reads it."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from iot_authorizer_cli.testing import IotCoreUnderTest
from iot_core.broker.limits import IOT_CORE
from iot_core.feed import Record
from tests.cli.conftest import fill

LOBBY = {"rooms": ["lobby"]}


def told(record: Record) -> tuple[str, ...]:
    event = record.get("event") or f"{record['action']} {'allowed' if record['allowed'] else 'denied'}"
    return (event, *record.get("topics", ()), record.get("disconnect_reason", ""))


def test_a_program_sees_what_a_client_does_in_its_order(tmp_path: Path) -> None:
    with IotCoreUnderTest(fill(tmp_path) / "authorizer.toml", limits=IOT_CORE.without_throttling()) as core:
        following = core.call(core.feed.follow)
        ann = core.client("ann", LOBBY)
        ann.subscribe("rooms/lobby/#")
        ann.publish("rooms/lobby/say/ann", "hello")
        ann.received()
        ann.close()

        async def until_the_end() -> list[Record]:
            found = []
            async with asyncio.timeout(10), aclosing(following):
                async for record in following:
                    found.append(record)
                    if record.get("event") == "disconnected":
                        break
            return found

        assert [told(record) for record in core.run(until_the_end)] == [
            ("connect allowed", ""),
            ("connected", ""),
            ("subscribe allowed", ""),
            ("subscribed", "rooms/lobby/#", ""),
            ("publish allowed", ""),
            ("receive allowed", ""),
            ("disconnected", "CLIENT_INITIATED_DISCONNECT"),
        ]
