"""In any sequence of events, each one ends in time, and no environment is lost or used twice at once."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot_core.functions.execution_environments import EnvironmentsBusy, ExecutionEnvironments, FunctionTimeout
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from tests.local.harness.channels import PATIENCE

pytestmark = pytest.mark.slow

TIMEOUT = 0.2


class Step(NamedTuple):
    """An event, and what comes of it."""

    begins: int
    """Milliseconds after the first event could have begun."""
    takes: int
    """Milliseconds."""
    answers: bool
    """Whether the function answers in the end; otherwise its process ends."""
    left: int | None
    """Milliseconds after which its caller leaves; None if it does not."""


STEPS = st.builds(
    Step, st.integers(0, 60), st.sampled_from([0, 5, 150, 100_000]), st.booleans(), st.sampled_from([None, None, 0, 8])
)


class FakeFunction:
    """A function whose process does what its event says."""

    def __init__(self) -> None:
        self.ended = False
        self.problems: list[str] = []
        self._running: asyncio.Future[Invocation] | None = None

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        loop, step = asyncio.get_running_loop(), cast("Step", event["step"])
        if self.ended or (self._running is not None and not self._running.done()):
            self.problems.append("it was ended, or ran another event")
        self._running = loop.create_future()
        loop.call_later(step.takes / 1000, self._answer if step.answers else self.close, self._running, event)
        return self._running

    def _answer(self, running: "asyncio.Future[Invocation]", event: Mapping[str, object]) -> None:
        if not running.done():
            running.set_result(Invocation(dict(event), {}))

    def close(self, *_: object) -> None:
        self.ended = True
        if self._running is not None and not self._running.done():
            self._running.set_exception(BrokenHandler("the process has ended"))

    kill = close


class FakeLoads:
    """Loads functions, or does not."""

    def __init__(self, succeeds: Iterator[bool]) -> None:
        self._succeeds = itertools.chain([True], succeeds)
        self.loaded: list[FakeFunction] = []

    def __call__(self) -> FakeFunction:
        if not next(self._succeeds):
            raise BrokenHandler("it does not load")
        self.loaded.append(FakeFunction())
        return self.loaded[-1]

    @property
    def alive(self) -> int:
        return sum(not function.ended for function in self.loaded)


async def played(pool: ExecutionEnvironments, step: Step) -> None:
    """Sends an event, and checks what it gets."""
    await asyncio.sleep(step.begins / 1000)
    invoking = asyncio.create_task(pool.invoke({"step": step}))
    if step.left is not None:
        asyncio.get_running_loop().call_later(step.left / 1000, invoking.cancel)
    done, _ = await asyncio.wait({invoking}, timeout=TIMEOUT + PATIENCE)
    assert done
    if invoking.cancelled():
        assert step.left is not None
    elif (error := invoking.exception()) is None:
        assert step.answers
        assert invoking.result().answer["step"] is step
    else:
        assert isinstance(error, FunctionTimeout | EnvironmentsBusy | BrokenHandler)


@given(st.lists(STEPS, min_size=1, max_size=20), st.lists(st.booleans(), max_size=6), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_each_event_ends_in_time_and_no_environment_is_lost(
    steps: list[Step], succeeds: list[bool], limit: int
) -> None:
    loads = FakeLoads(itertools.chain(succeeds, itertools.repeat(True)))

    async def play() -> None:
        pool = ExecutionEnvironments(loads, timeout=TIMEOUT, patience=0.005, limit=limit)
        playing = asyncio.gather(*(played(pool, step) for step in steps))
        while not playing.done():
            assert loads.alive <= limit
            await asyncio.sleep(0.002)
        await playing
        last = Step(0, 0, answers=True, left=None)
        pool.timeout = PATIENCE
        for _ in succeeds:  # A load that does not succeed fails one event.
            await asyncio.gather(pool.invoke({"step": last}), return_exceptions=True)
        assert (await pool.invoke({"step": last})).answer["step"] is last
        pool.close()
        async with asyncio.timeout(PATIENCE):
            while loads.alive:
                await asyncio.sleep(0.002)

    asyncio.run(play())
    assert [problem for function in loads.loaded for problem in function.problems] == []
