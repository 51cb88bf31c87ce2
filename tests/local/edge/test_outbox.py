"""Nothing is acknowledged before it is committed; and who can't be sent to costs the others nothing."""

import asyncio
from pathlib import Path

import pytest

from iot_core.broker.storage import Storage, StorageError
from iot_core.edge.outbox import Outbox
from iot_core.mqtt import Publish
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running, started


class Sender:
    """Notes what becomes of it."""

    def __init__(self, notes: list[str], name: str, *, broken: bool = False) -> None:
        self._notes = notes
        self._name = name
        self._broken = broken

    def flush(self) -> None:
        if self._broken:
            raise RuntimeError("closed")
        self._notes.append(f"{self._name} sent")

    def abort(self) -> None:
        self._notes.append(f"{self._name} aborted")


class Notebook(Storage):
    """Notes when something is committed, or can't be."""

    def __init__(self, notes: list[str], *, full: bool = False) -> None:
        super().__init__(":memory:")
        self._notes = notes
        self._full = full

    def commit(self) -> None:
        if self._full:
            super().commit()
            raise StorageError("disk full")
        self._notes.append("committed")
        super().commit()


def changed(storage: Storage) -> None:
    storage.forget_retained("a")


def test_what_changed_is_committed_before_anything_is_sent() -> None:
    async def main() -> None:
        notes: list[str] = []
        storage = Notebook(notes)
        outbox = Outbox(storage, lambda _: None)
        changed(storage)
        outbox.add(Sender(notes, "one"))
        outbox.add(Sender(notes, "two"))
        assert notes == []
        outbox.flush()
        assert notes == ["committed", "one sent", "two sent"]
        await asyncio.sleep(0)
        assert len(notes) == 3
        storage.close()

    asyncio.run(main())


def test_what_nobody_flushes_is_sent_in_the_next_turn() -> None:
    async def main() -> None:
        notes: list[str] = []
        storage = Notebook(notes)
        outbox = Outbox(storage, lambda _: None)
        outbox.add(Sender(notes, "one"))
        await asyncio.sleep(0)
        assert notes == ["one sent"]
        storage.close()

    asyncio.run(main())


def test_where_nothing_can_be_stored_those_who_wait_are_ended_unanswered() -> None:
    async def main() -> None:
        notes: list[str] = []
        failures: list[StorageError] = []
        storage = Notebook(notes, full=True)
        outbox = Outbox(storage, failures.append)
        changed(storage)
        outbox.add(Sender(notes, "one"))
        with pytest.raises(StorageError):
            outbox.commit()
        assert notes == ["one aborted"]
        assert [str(error) for error in failures] == ["disk full"]
        outbox.flush()

    asyncio.run(main())


def test_one_that_can_not_be_sent_to_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        notes: list[str] = []
        storage = Notebook(notes)
        outbox = Outbox(storage, lambda _: None)
        outbox.add(Sender(notes, "broken", broken=True))
        outbox.add(Sender(notes, "two"))
        outbox.flush()
        assert notes == ["broken aborted", "two sent"]
        storage.close()

    asyncio.run(main())
    assert "a connection cannot be sent to" in caplog.text


@both_loops
def test_a_publish_that_can_not_be_stored_is_not_acknowledged(running: Running) -> None:
    """The disk is full: QoS 1 for a persistent session ends its publisher; QoS 0 between others goes on."""
    storage = running.core.broker.storage
    with running.client() as away, running.connected("publisher") as publisher, running.connected("other") as other:
        away.connect("away", clean_start=False)
        away.subscribe("a", 1)
        away.disconnect()
        away.ends()
        running.core.call(lambda: storage.database.execute("DROP TABLE queued"))
        publisher.send(Publish("a", b"1", 1, packet_id=1))
        assert publisher.ends() == []
        running.record("storage")
        other.ping()


def test_a_core_that_can_not_store_stops_all_the_same(folder: Path) -> None:
    with started(folder, data=folder / "data") as running:
        with running.client() as client:
            client.connect(clean_start=False)
        running.core.call(lambda: running.core.broker.storage.database.execute("DROP TABLE session"))
