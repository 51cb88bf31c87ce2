"""Runs the authorizer's Lambda handler in this process, as Lambda would: an event in, an answer and log lines out."""

import json
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

from iot_core.functions.fresh_module import fresh_module
from iot_core.functions.thread_output import captured_output
from iot_policies import InvalidFile

HANDLER = "iot_authorizer.handler.lambda_handler"
REGION, ACCOUNT = "us-east-1", "123456789012"

TIMEOUT = 5.0
"""Seconds that IoT Core waits for an authorizer, a cold start included."""
LOADING_TIME = 10.0
"""Seconds that a handler may take to load, as in Lambda ("Lambda execution environment", Init phase)."""

_CONFIG = "AUTHORIZER_CONFIG"
_loading = threading.Lock()
"""Handlers read the environment when they load: one at a time."""

Answer = dict[str, object]
_Handler = Callable[[object, object], Answer]


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object (Lambda developer guide, "Using the Lambda context object")."""

    invoked_function_arn: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = "authorizer"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 256
    log_group_name: str = "/aws/lambda/authorizer"
    log_stream_name: str = "local"
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """What is left until IoT Core waits no more."""
        return max(0, round((self.started + TIMEOUT - time.monotonic()) * 1000))


class Invocation(NamedTuple):
    """What came of one event."""

    answer: Answer
    decision: Mapping[str, object]
    """The log line of the decision; empty where the handler writes none."""


class BrokenHandler(Exception):
    """A handler that does not load, or does not answer as a handler does."""


class StillLoading(BrokenHandler):
    """A handler that is not loaded, since another one, or an earlier version of it, has not ended loading."""


class LambdaFunction:
    """A handler, loaded once."""

    def __init__(
        self,
        config: Path,
        handler: str = HANDLER,
        *,
        region: str = REGION,
        account: str = ACCOUNT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`handler` is `module.attribute`, and `environment` what it sees besides this process's while it loads.

        Raises BrokenHandler where there is none, InvalidFile for a wrong configuration.
        """
        if (folder := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, folder)
        os.environ.setdefault("AWS_REGION", region)
        with _one_at_a_time(), _environment({_CONFIG: str(config)} | dict(environment or {})), captured_output():
            self._handler = _load(handler)
        self.arn = f"arn:aws:lambda:{region}:{account}:function:authorizer"

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the handler on an event, in the calling thread. What it prints is kept from standard output.

        Raises BrokenHandler where it raises or answers with no object.
        """
        with captured_output() as output:
            try:
                answer = self._handler(dict(event), Context(self.arn))
            except (Exception, SystemExit) as error:
                raise BrokenHandler(f"the handler raised {_line(error)}") from error
        try:
            answer = json.loads(json.dumps(answer))
        except (TypeError, ValueError, RecursionError) as error:
            raise BrokenHandler(f"the handler's answer is no JSON: {error}") from None
        if not isinstance(answer, dict):
            raise BrokenHandler(f"the handler answered with {type(answer).__name__}, not with an object")
        return Invocation(answer, _decision(output.text()))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _loading.acquire(timeout=LOADING_TIME / 2):
        raise StillLoading("it waits for a handler, or an earlier version of it, that hangs while it loads")
    try:
        yield
    finally:
        _loading.release()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for a handler that loads."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _load(handler: str) -> _Handler:
    name, dot, attribute = handler.rpartition(".")
    if not dot:
        raise BrokenHandler(f"{handler}: expected MODULE.NAME, with the module in this folder")
    try:
        found = getattr(fresh_module(name), attribute, None)
    except InvalidFile:
        raise
    except ModuleNotFoundError as error:
        raise BrokenHandler(f"{handler}: there is no module {error.name}") from None
    except (Exception, SystemExit) as error:
        raise BrokenHandler(f"{handler}: {name} does not load: {_line(error)}") from error
    if not callable(found):
        raise BrokenHandler(f"{handler}: {name} has no function {attribute}")
    return cast("_Handler", found)


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} at {error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _decision(output: str) -> Mapping[str, object]:
    for line in output.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and "decision" in record:
            return record
    return {}
