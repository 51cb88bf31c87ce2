"""Runs topic rules: what IoT Core's rules engine and Lambda's queue of asynchronous events do.

1. A message that a rule selects starts the rule's actions, after the publish, each on its own.
2. A function is invoked asynchronously, as by Lambda: its answer is ignored. If it raises or takes too long, the event
   is tried again after one minute, and once more after two (Lambda developer guide, "Error handling for asynchronous
   invocation"). Then the event is dropped. None of this starts the error action.
3. A republish goes through the broker, so that it can start rules, too. A message that 10 rules have republished is in
   a loop: the next republish fails. So it does if 1,000 messages wait for rules, because a rule can make ten of one.
   AWS has no such limits.
4. If a statement has no result, a function is not on this machine, or a topic is invalid, the rule fails. Then its
   error action runs, once for the rule and the message, with the message of the developer guide's "Error handling". It
   can fail, too, which is only reported.
5. Basic ingest to a rule that does not exist or is disabled is only reported.
6. A function has at most 10 events at once, and the others start in their order. At most 1,000 events of a function
   wait, those that will be tried again included. More fail.
7. Everything is reported to the feed as a record `rule`. Events that have not ended are lost at the end: `dev` says how
   many.
"""

import asyncio
import base64
import heapq
import itertools
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from iot_core.broker.effects import RuleInput
from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.topics import InvalidTopic, check_topic_name, is_event, is_reserved
from iot_core.functions.execution_environments import EnvironmentsBusy, ExecutionEnvironments, FunctionTimeout
from iot_core.functions.lambda_function import BrokenHandler
from iot_core.rules.rule_registry import TopicRules
from iot_core.rules.sql_statement import SqlFailure
from iot_core.rules.sql_values import SqlInput, read_payload
from iot_core.rules.topic_rule import LambdaAction, RepublishAction, RuleAction, TopicRule
from iot_policies import InvalidFile

RETRIES = (60.0, 120.0)
"""Seconds before the second and the third attempt of a function."""
_AT_ONCE = 10
"""Events that a function has at once: with more, threads of one process would make each other late."""
MOST_EVENTS = 1000
"""Events of a function that wait."""
MOST_HOPS = 10
"""Rules that republish one message, one after the other."""
_MOST_INPUTS = 1000
"""Messages that wait for rules. With more, nothing is republished."""


class RuleFailure(Exception):
    """An action of a rule failed, so that its error action runs."""


class _Event(NamedTuple):
    """An event for a function."""

    rule: str
    topic: str
    function_arn: str
    event: Mapping[str, object]
    attempt: int = 1


class RulesEngine:
    """Runs the rules of an account. It belongs to one event loop."""

    def __init__(
        self,
        rules: TopicRules,
        publish: Callable[[Message, int], None],
        report: Callable[..., object],
        limits: Limits,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        time_scale: float = 1,
    ) -> None:
        """`publish` publishes a message that so many rules have republished; `report` takes records for the feed:
        their kind, and fields by name.

        `clock` gives seconds from any start, for retries, which come `time_scale` times as fast; `wall_clock` gives
        seconds since 1970.
        """
        self.functions: Mapping[str, ExecutionEnvironments] = {}
        """The functions on this machine by ARN; replaced with each configuration."""
        self._rules = rules
        self._publish = publish
        self._report = report
        self._limits = limits
        self._clock = clock
        self._wall_clock = wall_clock
        self._time_scale = time_scale
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: Counter[str] = Counter()
        """Events by the ARN of their function, until they succeed or are given up."""
        self._inputs = 0
        """Messages that wait for the event loop's next turn."""
        self._closed = False
        self._retries: list[tuple[float, int, _Event]] = []
        """A heap of events to try again, by the clock's time when they are due."""
        self._numbers = itertools.count()

    @property
    def unfinished(self) -> int:
        """Events of functions that run, wait, or will be tried again."""
        return self._waiting.total()

    def take(self, given: RuleInput) -> None:
        """Runs rules on a message, in the event loop's next turn."""
        self._inputs += 1
        asyncio.get_running_loop().call_soon(self._run_all, given)

    def check_time(self) -> None:
        """Invokes functions again whose retry is due."""
        while self._retries and self._retries[0][0] <= self._clock():
            _, _, event = heapq.heappop(self._retries)
            self._start(event)

    def close(self) -> None:
        """Forgets all events that run or wait, and messages that wait for rules."""
        self._closed = True
        self._retries.clear()
        for task in self._tasks:
            task.cancel()

    def _run_all(self, given: RuleInput) -> None:
        self._inputs -= 1
        if self._closed:
            return
        message = SqlInput(
            given.topic, given.payload, given.client_id, given.principal_id, round(self._wall_clock() * 1000)
        )
        for name in given.rules:
            rule = self._rules.get(name)
            if rule is None or rule.disabled:
                self._tell(name, given.topic, problem="there is no enabled rule of this name (RuleNotFound)")
            else:
                self._run(rule, message, given.hops)

    def _run(self, rule: TopicRule, message: SqlInput, hops: int) -> None:
        failures: list[dict[str, str]] = []
        try:
            selected = rule.statement.select(message)
        except SqlFailure as error:
            self._tell(rule.name, message.topic, problem=str(error))
            failures.append(_failure("SQL", rule.sql, error))
            selected = None
        for action in rule.actions if selected is not None else ():
            try:
                self._act(rule, action, message, selected or b"", hops)
            except RuleFailure as error:
                self._tell(rule.name, message.topic, action=_kind(action), problem=str(error))
                failures.append(_failure(type(action).__name__, _resource(action), error))
        if failures and rule.error_action is not None:
            content = json.dumps(_error_message(rule, message, failures)).encode()
            try:
                self._act(rule, rule.error_action, message, content, hops)
            except RuleFailure as error:
                self._tell(rule.name, message.topic, action="error action", problem=str(error))

    def _act(self, rule: TopicRule, action: RuleAction, message: SqlInput, selected: bytes, hops: int) -> None:
        """Starts an action. Raises RuleFailure."""
        if isinstance(action, LambdaAction):
            self._invoke_later(rule, action, message, selected)
        else:
            topic = self._topic(action, message)
            if len(selected) > self._limits.payload:
                most = self._limits.payload
                raise RuleFailure(f"a payload has at most {most} bytes, the selection has {len(selected)}")
            self._republish(rule, message.topic, Message(topic, selected, action.qos), hops)

    def _topic(self, action: RepublishAction, message: SqlInput) -> str:
        """The topic of a republish. Raises RuleFailure."""
        try:
            topic = action.template.fill(message)
            check_topic_name(topic, self._limits)
        except (SqlFailure, InvalidTopic) as error:
            raise RuleFailure(f"{action.topic}: {error}") from None
        if is_event(topic):
            raise RuleFailure(f"{topic}: only IoT Core publishes events")
        if is_reserved(topic) and not action.topic.startswith("$$"):
            # unmeasured: that a republish to a reserved topic needs `$$` also where `${field}` makes the topic
            # (assumed: else a payload could choose a rule, by basic ingest).
            raise RuleFailure(f"{topic}: a rule that republishes to a reserved topic begins its topic with $$")
        return topic

    def _republish(self, rule: TopicRule, topic: str, message: Message, hops: int) -> None:
        if hops >= MOST_HOPS:
            raise RuleFailure(f"{hops} rules have republished this message: it is a loop, which would not end in AWS")
        if self._inputs >= _MOST_INPUTS:
            raise RuleFailure(f"{_MOST_INPUTS} messages wait for rules already: nothing is republished")
        self._tell(rule.name, topic, action="republish", resource=message.topic)
        self._publish(message, hops + 1)

    def _invoke_later(self, rule: TopicRule, action: LambdaAction, message: SqlInput, selected: bytes) -> None:
        if action.function_arn not in self.functions:
            known = ", ".join(self.functions)
            raise RuleFailure(f"there is no function {action.function_arn} on this machine, only {known}")
        try:
            event = cast("Mapping[str, object]", read_payload(selected))  # Lambda takes any JSON.
        except ValueError:
            advice = "select encode(*, 'base64') AS a field"
            raise RuleFailure(f"the payload is not JSON, and a function takes nothing else: {advice}") from None
        if self._waiting[action.function_arn] >= MOST_EVENTS:
            raise RuleFailure(f"{MOST_EVENTS} events wait for this function already: the event is dropped")
        self._waiting[action.function_arn] += 1
        self._start(_Event(rule.name, message.topic, action.function_arn, event))

    def _start(self, event: _Event) -> None:
        task = asyncio.get_running_loop().create_task(self._in_turn(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _in_turn(self, event: _Event) -> None:
        async with self._turns[event.function_arn]:
            await self._invoke(event)

    async def _invoke(self, event: _Event) -> None:
        function = self.functions.get(event.function_arn)
        if function is None:  # A reload removed it meanwhile.
            self._finish(event, problem="the function is not on this machine any more")
            return
        try:
            invocation = await function.invoke(event.event)
        except (FunctionTimeout, EnvironmentsBusy, BrokenHandler, InvalidFile) as error:
            self._retry(event, str(error), error.output if isinstance(error, BrokenHandler) else "")
        else:
            self._finish(event, output=invocation.output)

    def _retry(self, event: _Event, problem: str, output: str) -> None:
        if event.attempt > len(RETRIES):
            self._finish(event, problem=f"{problem}; given up after {event.attempt} attempts", output=output)
            return
        seconds = RETRIES[event.attempt - 1] / self._time_scale
        self._tell_function(event, problem=f"{problem}; next attempt in {seconds:.3g} s", output=output)
        due = self._clock() + seconds
        heapq.heappush(self._retries, (due, next(self._numbers), event._replace(attempt=event.attempt + 1)))

    def _finish(self, event: _Event, *, problem: str = "", output: str = "") -> None:
        self._waiting[event.function_arn] -= 1
        self._tell_function(event, problem=problem, output=output)

    def _tell_function(self, event: _Event, *, problem: str = "", output: str = "") -> None:
        number = event.attempt if event.attempt > 1 else None
        name = event.function_arn.partition(":function:")[2]
        self._tell(
            event.rule, event.topic, action="lambda", resource=name, attempt=number, problem=problem, output=output
        )

    def _tell(
        self,
        rule: str,
        topic: str,
        *,
        action: str = "",
        resource: str = "",
        attempt: int | None = None,
        problem: str = "",
        output: str = "",
    ) -> None:
        self._report(
            "rule",
            rule=rule,
            topic=topic,
            action=action,
            resource=resource,
            attempt=attempt,
            problem=problem,
            output=output,
        )


def _kind(action: RuleAction) -> str:
    return next(iter(action.members()))


def _resource(action: RuleAction) -> str:
    return action.function_arn if isinstance(action, LambdaAction) else action.topic


def _failure(action: str, resource: str, error: Exception) -> dict[str, str]:
    return {"failedAction": action, "failedResource": resource, "errorMessage": str(error)}


def _error_message(rule: TopicRule, message: SqlInput, failures: list[dict[str, str]]) -> dict[str, object]:
    """What an error action gets (developer guide, "Error handling (error action)")."""
    return {
        "ruleName": rule.name,
        "topic": message.topic,
        "cloudwatchTraceId": str(uuid.uuid4()),
        "clientId": message.client_id or "n/a",
        "base64OriginalPayload": base64.b64encode(message.payload).decode(),
        "failures": failures,
    }
