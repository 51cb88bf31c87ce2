"""Execution environments: one event each at a time, a limited number, and one that hangs stops no other event."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from iot_core.functions import execution_environments
from iot_core.functions.execution_environments import EnvironmentsBusy, ExecutionEnvironments, FunctionTimeout
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.loaded_function import ThreadFunction
from tests.event_loop import in_event_loop
from tests.local.functions.scripted import OK, Loads, at_work, hang, noted, run, scripted, settled
from tests.local.harness.channels import PATIENCE


@pytest.fixture
def release() -> Future[None]:
    """A function that waits for it hangs until it is done."""
    return Future()


@pytest.fixture(autouse=True)
def no_thread_at_work() -> None:
    """Threads of earlier tests may take a moment to end."""
    asyncio.run(settled(0))


@in_event_loop
async def test_events_one_after_the_other_need_one_environment() -> None:
    loads = Loads()
    pool = ExecutionEnvironments(loads)
    for _ in range(5):
        assert await run(pool, lambda: OK) == OK
    pool.close()
    assert loads.count == 1


@in_event_loop
async def test_events_at_the_same_time_get_environments_of_their_own_up_to_the_limit(release: Future[None]) -> None:
    before, loads = at_work(), Loads()
    pool = ExecutionEnvironments(loads, patience=0)
    tasks = [run(pool, hang(release)) for _ in range(120)]
    await settled(before + 100)
    release.set_result(None)
    assert await asyncio.gather(*tasks) == 120 * [OK]
    assert loads.count == 100
    pool.close()
    await settled(before)


@in_event_loop
async def test_an_event_whose_caller_has_left_before_it_began_is_not_run(release: Future[None]) -> None:
    ran = threading.Event()
    pool = ExecutionEnvironments(Loads(), limit=1)
    first, waiting = run(pool, hang(release)), run(pool, noted(ran))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    release.set_result(None)
    assert await first == await run(pool, lambda: OK) == OK
    assert not ran.is_set()
    pool.close()


@in_event_loop
async def test_an_event_past_the_time_limit_fails_and_the_next_has_another_environment(release: Future[None]) -> None:
    before = at_work()
    pool = ExecutionEnvironments(Loads(), timeout=0.05)
    with pytest.raises(FunctionTimeout, match=r"did not answer .*; 1 cannot be ended"):
        await run(pool, hang(release))
    pool.timeout = PATIENCE
    assert await run(pool, lambda: OK) == OK
    release.set_result(None)
    pool.close()
    await settled(before)


@in_event_loop
async def test_hanging_environments_count_until_they_end_and_an_event_that_waits_is_not_blamed(
    release: Future[None],
) -> None:
    before = at_work()
    pool = ExecutionEnvironments(Loads(), timeout=0.05, patience=0, limit=5)
    found = await asyncio.gather(*(run(pool, hang(release)) for _ in range(9)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == 4 * ["EnvironmentsBusy"] + 5 * ["FunctionTimeout"]
    assert at_work() - before <= 5
    busy = "no execution environment was free .*: 5 of at most 5 are busy; 5 cannot be ended.* 0 s: without"
    with pytest.raises(EnvironmentsBusy, match=busy):
        await run(pool, lambda: OK)
    release.set_result(None)
    await settled(before)
    pool.timeout = PATIENCE
    assert await run(pool, lambda: OK) == OK
    pool.close()
    await settled(before)


class SlowLoads(Loads):
    """Loads at once the first time; later loads wait for a release."""

    def __init__(self, release: Future[None]) -> None:
        super().__init__()
        self._release = release

    def __call__(self) -> ThreadFunction:
        loaded = super().__call__()
        if self.count > 1:
            self._release.result()
        return loaded


@in_event_loop
async def test_an_event_gets_the_first_free_environment_while_another_one_loads(release: Future[None]) -> None:
    loads, first = SlowLoads(release), Future[None]()
    pool = ExecutionEnvironments(loads, patience=0)
    tasks = [run(pool, hang(first)), run(pool, lambda: OK)]
    while loads.count < 2:
        await asyncio.sleep(0.005)
    first.set_result(None)
    assert await asyncio.gather(*tasks) == [OK, OK]
    release.set_result(None)
    pool.close()


@in_event_loop
async def test_environments_that_load_too_late_for_their_events_are_kept_and_few_load_at_once(
    release: Future[None],
) -> None:
    before, loads, first = at_work(), SlowLoads(release), Future[None]()
    pool = ExecutionEnvironments(loads, patience=0, timeout=0.1)
    hanging = run(pool, hang(first))
    late = await asyncio.gather(*(run(pool, lambda: OK) for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in late} == {EnvironmentsBusy}
    count = loads.count
    assert 2 <= count < 50
    pool.timeout = PATIENCE
    release.set_result(None)
    assert await run(pool, lambda: OK) == OK
    assert loads.count == count
    first.set_result(None)
    await asyncio.gather(hanging, return_exceptions=True)
    pool.close()
    await settled(before)


@in_event_loop
async def test_a_handler_that_got_little_time_after_a_wait_is_not_blamed_and_may_finish(release: Future[None]) -> None:
    loads, first = Loads(), Future[None]()
    pool = ExecutionEnvironments(loads, limit=1, timeout=1)
    begins, waits = run(pool, hang(first)), run(pool, hang(release))
    await asyncio.sleep(0.7)
    first.set_result(None)
    assert await begins == OK
    with pytest.raises(EnvironmentsBusy, match=r"free for 0\.[789] of 1 seconds: 1 of at most 1 are busy$"):
        await waits
    pool.timeout = PATIENCE
    another = run(pool, lambda: OK)
    release.set_result(None)
    assert await another == OK
    assert loads.count == 1
    pool.close()


@in_event_loop
async def test_an_environment_that_answers_in_the_turn_of_the_loop_in_which_its_time_ends_is_kept(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, loads, answered = asyncio.get_running_loop(), Loads(), threading.Event()
    soon = loop.call_soon_threadsafe

    def tell(call: Callable[[], None]) -> None:
        soon(call)
        answered.set()

    pool = ExecutionEnvironments(loads, timeout=0.05, limit=1)
    late = run(pool, hang(release))
    await asyncio.sleep(0)  # From here on it runs, and the loop does nothing until its time has ended.
    ends = loop.time() + pool.timeout
    monkeypatch.setattr(loop, "call_soon_threadsafe", tell)
    release.set_result(None)
    assert answered.wait(PATIENCE)
    while loop.time() <= ends:
        pass
    with pytest.raises(FunctionTimeout):
        await late
    pool.timeout = PATIENCE
    assert await run(pool, lambda: OK) == OK
    assert loads.count == 1
    pool.close()


@in_event_loop
async def test_a_caller_that_stops_waiting_takes_no_environment_from_others(release: Future[None]) -> None:
    before = at_work()
    pool = ExecutionEnvironments(Loads(), limit=2)
    first, waiting = run(pool, hang(release)), run(pool, lambda: OK)
    await asyncio.sleep(0)
    first.cancel()
    assert await waiting == OK
    release.set_result(None)
    pool.close()
    await settled(before)


@pytest.mark.parametrize("loads", [False, True])
def test_a_thread_that_works_for_no_caller_when_the_loop_ends_ends_with_its_work(
    release: Future[None], loads: bool
) -> None:
    before = at_work()

    async def work() -> None:
        slow = SlowLoads(release)
        pool = ExecutionEnvironments(slow, patience=0)
        tasks = [run(pool, hang(release)) for _ in range(2 if loads else 1)]
        while loads and slow.count < 2:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pool.close()

    asyncio.run(work())
    release.set_result(None)
    asyncio.run(settled(before))


@in_event_loop
async def test_events_that_run_or_wait_are_answered_after_close(release: Future[None]) -> None:
    before = at_work()
    pool = ExecutionEnvironments(Loads(), limit=1)
    tasks = [run(pool, hang(release)) for _ in range(5)]
    await asyncio.sleep(0)
    pool.close()
    release.set_result(None)
    assert await asyncio.gather(*tasks) == 5 * [OK]
    await settled(before)


@in_event_loop
async def test_an_event_after_close_gets_an_environment_that_ends_after_it() -> None:
    before = at_work()
    pool = ExecutionEnvironments(Loads(), limit=1)
    pool.close()
    assert await run(pool, lambda: OK) == OK
    await settled(before)


@in_event_loop
async def test_an_event_fails_if_its_environment_cannot_load_the_function(release: Future[None]) -> None:
    loads = Loads()

    def load() -> ThreadFunction:
        if loads.count:
            raise OSError("gone")
        return loads()

    pool = ExecutionEnvironments(load, patience=0)
    first, second = run(pool, hang(release)), run(pool, lambda: OK)
    with pytest.raises(BrokenHandler, match="OSError: gone"):
        await second
    release.set_result(None)
    assert await first == OK
    pool.close()


@in_event_loop
async def test_an_event_fails_if_the_system_has_no_thread_left(
    release: Future[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: str) -> None:
        raise RuntimeError("can't start new thread")

    pool = ExecutionEnvironments(Loads(), patience=0)
    monkeypatch.setattr(execution_environments, "Worker", no_thread)
    first = run(pool, hang(release))
    await asyncio.sleep(0)
    with pytest.raises(BrokenHandler, match="can't start new thread"):
        await run(pool, lambda: OK)
    release.set_result(None)
    assert await first == OK
    pool.close()


@in_event_loop
async def test_no_environment_starts_after_the_files_have_changed(release: Future[None]) -> None:
    loads = Loads()
    pool = ExecutionEnvironments(loads, unchanged=lambda: False)
    hanging = run(pool, hang(release))
    another = run(pool, lambda: OK)
    await asyncio.sleep(0.1)
    assert (loads.count, another.done()) == (1, False)
    release.set_result(None)
    assert [await hanging, await another] == [OK, OK]
    pool.close()


@pytest.mark.parametrize("problem", [None, BrokenHandler("half saved")])
@in_event_loop
async def test_a_function_that_was_loaded_from_changed_files_is_not_used(
    release: Future[None], problem: BrokenHandler | None
) -> None:
    class Changes(Loads):
        def __call__(self) -> ThreadFunction:
            if self.count == 1 and problem is not None:
                self.count += 1
                raise problem
            return super().__call__()

    loads = Changes()
    pool = ExecutionEnvironments(loads, unchanged=lambda: loads.count < 2)
    hanging = run(pool, hang(release))
    another = run(pool, lambda: OK)
    while loads.count < 2:
        await asyncio.sleep(0.005)
    assert not another.done()
    release.set_result(None)
    assert [await hanging, await another] == [OK, OK]
    pool.close()


@pytest.mark.parametrize("unchanged", [True, False])
@in_event_loop
async def test_events_that_wait_for_the_only_environment_get_another_one_if_it_ends(
    release: Future[None], unchanged: bool
) -> None:
    loaded: list[ThreadFunction] = []

    def load() -> ThreadFunction:
        loaded.append(ThreadFunction(scripted))
        return loaded[-1]

    def end() -> Invocation:
        release.result()
        loaded[0].ended = True
        return OK

    pool = ExecutionEnvironments(load, patience=0, limit=1, unchanged=lambda: unchanged)
    tasks = [run(pool, end), *(run(pool, lambda: OK) for _ in range(3))]
    await asyncio.sleep(0.01)
    release.set_result(None)
    assert await asyncio.gather(*tasks) == 4 * [OK]
    assert len(loaded) == 2
    pool.close()


@in_event_loop
async def test_an_environment_that_ended_while_it_was_idle_is_not_used() -> None:
    loads = Loads()
    pool = ExecutionEnvironments(loads)
    loads.last.ended = True
    assert await run(pool, lambda: OK) == OK
    assert loads.count == 2
    pool.close()
