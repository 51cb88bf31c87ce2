"""Work on the newest template: shared, given up for a newer one, and never in the event loop's way."""

import asyncio
import math
import threading
import time

from iot_authorizer_cli.console.latest_work import LatestWork
from iot_policies import Grant, PolicyTemplate
from iot_policies.proofs.bounded import Clock

OLD = PolicyTemplate.of([Grant(publish=["a"])])
NEW = PolicyTemplate.of([Grant(publish=["b"])])


class Work:
    """Work that for OLD ends only when its time is over, and for another template at once."""

    def __init__(self) -> None:
        self.started, self.given_up = threading.Event(), threading.Event()
        self.done: list[PolicyTemplate] = []

    def __call__(self, template: PolicyTemplate, clock: Clock) -> str:
        self.started.set()
        while template is OLD and clock() < math.inf:
            time.sleep(0.001)
        if template is OLD:
            self.given_up.set()
        self.done.append(template)
        return "old" if template is OLD else "new"

    async def begun(self) -> None:
        """Waits until it works in its thread, while the event loop goes on."""
        assert await asyncio.to_thread(self.started.wait, 30)


def test_requests_about_one_template_share_the_work_and_its_result_is_kept() -> None:
    async def results() -> tuple[str, str, str]:
        latest = LatestWork(work, asyncio.Lock())
        first, second = await asyncio.gather(latest.of(NEW), latest.of(NEW))
        return first, second, await latest.of(NEW)

    work = Work()
    assert asyncio.run(results()) == ("new", "new", "new")
    assert work.done == [NEW]


def test_the_time_in_which_the_machine_does_something_else_does_not_count() -> None:
    def slept(_: PolicyTemplate, clock: Clock) -> float:
        before = clock()
        time.sleep(0.1)
        return clock() - before

    async def result() -> float:
        return await LatestWork(slept, asyncio.Lock()).of(NEW)

    assert asyncio.run(result()) < 0.05


def test_a_newer_template_gives_up_the_work_on_an_older_one_and_answers_its_requests() -> None:
    async def results() -> tuple[str, str]:
        latest = LatestWork(work, asyncio.Lock())
        first = asyncio.ensure_future(latest.of(OLD))
        await work.begun()
        older, newer = await asyncio.gather(first, latest.of(NEW))
        return older, newer

    work = Work()
    assert asyncio.run(results()) == ("new", "new")
    assert work.given_up.wait(30)


def test_work_is_given_up_when_its_last_request_is() -> None:
    async def give_up() -> None:
        latest = LatestWork(work, asyncio.Lock())
        both = [asyncio.ensure_future(latest.of(OLD)) for _ in range(2)]
        await work.begun()
        for request in both:
            assert not work.given_up.is_set()
            request.cancel()
        await asyncio.wait(both)
        assert await asyncio.to_thread(work.given_up.wait, 30)

    work = Work()
    asyncio.run(give_up())


def test_a_template_whose_work_was_given_up_can_be_asked_about_again() -> None:
    async def ask_twice() -> str:
        latest = LatestWork(lambda template, clock: "found", turn)
        async with turn:  # Another work has the turn.
            given_up = asyncio.ensure_future(latest.of(NEW))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
        return await latest.of(NEW)

    turn = asyncio.Lock()
    assert asyncio.run(ask_twice()) == "found"


def test_works_with_the_same_turn_run_one_after_the_other() -> None:
    async def both() -> bool:
        turn = asyncio.Lock()
        slow, quick = LatestWork(work, turn), LatestWork(other, turn)
        first = asyncio.ensure_future(slow.of(OLD))
        await work.begun()
        second = asyncio.ensure_future(quick.of(NEW))
        await asyncio.sleep(0.05)
        waited = not other.started.is_set()
        first.cancel()
        return waited and await second == "new"

    work, other = Work(), Work()
    assert asyncio.run(both())
