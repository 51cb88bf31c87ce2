"""Execution environments: one event each at a time, a bounded number, and one that hangs stops nobody else."""

import asyncio
from concurrent.futures import Future

import pytest

from iot_core.functions import environments
from iot_core.functions.environments import Environments, FunctionTimeout
from iot_core.functions.lambda_function import BrokenHandler, LambdaFunction
from tests.local.functions.pool import OK, Loads, at_work, hang, run, settled
from tests.local.harness.channels import PATIENCE


@pytest.fixture
def release() -> Future[None]:
    """Whoever waits for it hangs until it is done."""
    return Future()


@pytest.fixture(autouse=True)
def nobody_at_work() -> None:
    """Threads of tests before end a moment later than their cores."""
    asyncio.run(settled(0))


def test_events_one_after_the_other_need_one_environment() -> None:
    async def main() -> None:
        loads = Loads()
        pool = Environments(loads)
        for _ in range(5):
            assert await run(pool, lambda: OK) == OK
        pool.close()
        assert loads.count == 1

    asyncio.run(main())


def test_events_at_once_get_environments_of_their_own_up_to_a_bound(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_PATIENCE", 0)

    async def main() -> None:
        before, loads = at_work(), Loads()
        pool = Environments(loads)
        tasks = [run(pool, hang(release)) for _ in range(40)]
        await settled(before + 16)
        release.set_result(None)
        assert await asyncio.gather(*tasks) == 40 * [OK]
        assert loads.count == 16
        pool.close()
        await settled(before)

    asyncio.run(main())


def test_an_event_past_the_time_limit_fails_and_the_next_has_another_environment(release: Future[None]) -> None:
    async def main() -> None:
        before = at_work()
        pool = Environments(Loads(), timeout=0.05)
        with pytest.raises(FunctionTimeout, match="did not answer"):
            await run(pool, hang(release))
        pool._timeout = PATIENCE
        assert await run(pool, lambda: OK) == OK
        release.set_result(None)
        pool.close()
        await settled(before)

    asyncio.run(main())


def test_threads_that_hang_are_bounded_and_make_room_once_they_end(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_MOST", 2)
    monkeypatch.setattr(environments, "_MOST_HANGING", 3)
    monkeypatch.setattr(environments, "_PATIENCE", 0)

    async def main() -> None:
        before = at_work()
        pool = Environments(Loads(), timeout=0.05)
        for _ in range(4):
            found = await asyncio.gather(*(run(pool, hang(release)) for _ in range(3)), return_exceptions=True)
            assert {type(one) for one in found} == {FunctionTimeout}
        assert at_work() - before <= 5
        with pytest.raises(FunctionTimeout, match="no execution environment was free"):
            await run(pool, lambda: OK)
        release.set_result(None)
        await settled(before)
        pool._timeout = PATIENCE
        assert await run(pool, lambda: OK) == OK
        pool.close()
        await settled(before)

    asyncio.run(main())


def test_whoever_stops_waiting_takes_no_environment_from_others(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_MOST", 1)

    async def main() -> None:
        before = at_work()
        pool = Environments(Loads())
        first, waiting = run(pool, hang(release)), run(pool, lambda: OK)
        await asyncio.sleep(0)
        first.cancel()
        assert await waiting == OK
        release.set_result(None)
        pool.close()
        await settled(before)

    asyncio.run(main())


def test_what_is_under_way_when_a_new_version_comes_is_answered(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_MOST", 1)

    async def main() -> None:
        before = at_work()
        pool = Environments(Loads())
        tasks = [run(pool, hang(release)) for _ in range(5)]
        await asyncio.sleep(0)
        pool.close()
        release.set_result(None)
        assert await asyncio.gather(*tasks) == 5 * [OK]
        await settled(before)

    asyncio.run(main())


def test_a_function_that_does_not_load_again_is_told_to_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_PATIENCE", 0)
    release: Future[None] = Future()
    loads = Loads()

    def load() -> LambdaFunction:
        if loads.count:
            raise OSError("gone")
        return loads()

    async def main() -> None:
        pool = Environments(load)
        first, second = run(pool, hang(release)), run(pool, lambda: OK)
        with pytest.raises(BrokenHandler, match="OSError: gone"):
            await second
        release.set_result(None)
        assert await first == OK
        pool.close()

    asyncio.run(main())


def test_no_thread_left_is_told_to_who_waits(release: Future[None], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: str) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        pool = Environments(Loads())
        monkeypatch.setattr(environments, "_PATIENCE", 0)
        monkeypatch.setattr(environments, "Worker", no_thread)
        first = run(pool, hang(release))
        await asyncio.sleep(0)
        with pytest.raises(BrokenHandler, match="can't start new thread"):
            await run(pool, lambda: OK)
        release.set_result(None)
        assert await first == OK
        pool.close()

    asyncio.run(main())


def test_while_the_files_are_others_no_environment_is_added(release: Future[None]) -> None:
    async def main() -> None:
        loads = Loads()
        pool = Environments(loads, unchanged=lambda: False)
        hanging = run(pool, hang(release))
        another = run(pool, lambda: OK)
        await asyncio.sleep(0.1)
        assert (loads.count, another.done()) == (1, False)
        release.set_result(None)
        assert [await hanging, await another] == [OK, OK]
        pool.close()

    asyncio.run(main())


@pytest.mark.parametrize("problem", [None, BrokenHandler("half saved")])
def test_what_is_loaded_while_the_files_change_is_not_used(
    release: Future[None], problem: BrokenHandler | None
) -> None:
    class Changes(Loads):
        def __call__(self) -> LambdaFunction:
            loaded = super().__call__()
            if self.count == 2 and problem is not None:
                raise problem
            return loaded

    async def main() -> None:
        loads = Changes()
        pool = Environments(loads, unchanged=lambda: loads.count < 2)
        hanging = run(pool, hang(release))
        another = run(pool, lambda: OK)
        while loads.count < 2:
            await asyncio.sleep(0.005)
        assert not another.done()
        release.set_result(None)
        assert [await hanging, await another] == [OK, OK]
        pool.close()

    asyncio.run(main())
