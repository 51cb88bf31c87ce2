"""The outbox: nothing is acknowledged before it is committed."""

import asyncio
from pathlib import Path

import pytest

from iot_core.broker.storage import Storage, StorageError
from iot_core.edge.outbox import Outbox
from iot_core.mqtt import Publish
from tests.local.harness.fixtures import both_loops
from tests.local.harness.running import Running, started


class Sender:
    """Writes down what happens to it."""

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


class NotedStorage(Storage):
    """Writes down when something is committed, and raises if the disk is full."""

    def __init__(self, notes: list[str], *, full: bool = False) -> None:
        super().__init__(":memory:")
        self._notes = notes
        self._full = full

    def commit(self) -> None:
        super().commit()
        if self._full:
            raise StorageError("disk full")
        self._notes.append("committed")


def test_a_turn_of_the_loop_ends_with_one_flush_which_commits_before_it_sends() -> None:
    async def main() -> None:
        notes: list[str] = []
        storage = NotedStorage(notes)
        outbox = Outbox(storage, lambda _: None)
        storage.forget_retained("a")
        outbox.add(Sender(notes, "one"))
        outbox.add(Sender(notes, "two"))
        assert notes == []
        await asyncio.sleep(0)
        assert notes == ["committed", "one sent", "two sent"]
        outbox.add(Sender(notes, "three"))
        outbox.flush()
        assert notes[3:] == ["three sent"]
        await asyncio.sleep(0)
        assert len(notes) == 4
        storage.close()

    asyncio.run(main())


def test_if_the_commit_fails_senders_are_aborted_without_an_answer() -> None:
    async def main() -> None:
        notes: list[str] = []
        failures: list[StorageError] = []
        storage = NotedStorage(notes, full=True)
        outbox = Outbox(storage, failures.append)
        storage.forget_retained("a")
        outbox.add(Sender(notes, "one"))
        with pytest.raises(StorageError):
            outbox.commit()
        assert notes == ["one aborted"]
        assert [str(error) for error in failures] == ["disk full"]
        outbox.flush()
        storage.database.close()

    asyncio.run(main())


def test_a_sender_that_fails_is_aborted_and_the_others_are_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        notes: list[str] = []
        storage = NotedStorage(notes)
        outbox = Outbox(storage, lambda _: None)
        outbox.add(Sender(notes, "broken", broken=True))
        outbox.add(Sender(notes, "two"))
        outbox.flush()
        assert notes == ["broken aborted", "two sent"]
        storage.close()

    asyncio.run(main())
    assert "bytes could not be sent to a client" in caplog.text


@both_loops
def test_a_publish_that_cannot_be_stored_is_not_acknowledged(running: Running) -> None:
    """QoS 1 for a persistent session ends its publisher; a client with nothing to store goes on."""
    with running.client() as away, running.connected("publisher") as publisher, running.connected("other") as other:
        away.connect("away", clean_start=False)
        away.subscribe("a", 1)
        away.disconnect()
        away.ends()
        running.core.call(lambda: running.core.broker.storage.database.execute("DROP TABLE queued"))
        publisher.send(Publish("a", b"1", 1, packet_id=1))
        assert publisher.ends() == []
        running.record("storage")
        other.ping()


def test_a_server_that_cannot_store_can_stop(folder: Path) -> None:
    with started(folder, data=folder / "data") as running:
        with running.client() as client:
            client.connect(clean_start=False)
        running.core.call(lambda: running.core.broker.storage.database.execute("DROP TABLE session"))
