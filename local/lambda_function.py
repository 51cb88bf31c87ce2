"""Runs the authorizer's Lambda handler in this process, as Lambda would: an event in, an answer and log lines out."""

import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from policies import InvalidFile

HANDLER = "authorizer.handler.lambda_handler"
REGION, ACCOUNT = "us-east-1", "123456789012"

Answer = dict[str, object]
_Handler = Callable[[object, object], Answer]


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object, as far as a handler of ours looks at it."""

    invoked_function_arn: str


class Invocation(NamedTuple):
    """What came of one event."""

    answer: Answer
    decision: Mapping[str, object]
    """The log line of the decision; empty where the handler writes none."""


class BrokenHandler(Exception):
    """A handler that does not load, or does not answer as a handler does."""


class LambdaFunction:
    """A handler, loaded once."""

    def __init__(self, config: Path, handler: str = HANDLER, *, region: str = REGION, account: str = ACCOUNT) -> None:
        """`handler` is `module.attribute`.

        Raises BrokenHandler where there is none, InvalidFile for a wrong configuration.
        """
        os.environ["AUTHORIZER_CONFIG"] = str(config)
        sys.path.insert(0, str(Path.cwd()))
        os.environ.setdefault("AWS_REGION", region)
        self._output = io.StringIO()
        with redirect_stdout(self._output):
            self._handler = _load(handler)
        self._context = Context(f"arn:aws:lambda:{region}:{account}:function:authorizer")

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the handler on an event. What it prints is kept from standard output.

        Raises BrokenHandler where it raises or answers with no object.
        """
        self._output.seek(0)
        self._output.truncate()
        try:
            with redirect_stdout(self._output):
                answer = self._handler(dict(event), self._context)
        except Exception as error:
            raise BrokenHandler(f"the handler raised {_line(error)}") from error
        try:
            answer = json.loads(json.dumps(answer))
        except (TypeError, ValueError) as error:
            raise BrokenHandler(f"the handler's answer is no JSON: {error}") from None
        if not isinstance(answer, dict):
            raise BrokenHandler(f"the handler answered with {type(answer).__name__}, not with an object")
        return Invocation(answer, _decision(self._output.getvalue()))


def _load(handler: str) -> _Handler:
    name, dot, attribute = handler.rpartition(".")
    if not dot:
        raise BrokenHandler(f"{handler}: expected MODULE.NAME, with the module in this folder")
    try:
        found = getattr(importlib.import_module(name), attribute, None)
    except InvalidFile:
        raise
    except ModuleNotFoundError as error:
        raise BrokenHandler(f"{handler}: there is no module {error.name}") from None
    except Exception as error:
        raise BrokenHandler(f"{handler}: {name} does not load: {_line(error)}") from error
    if not callable(found):
        raise BrokenHandler(f"{handler}: {name} has no function {attribute}")
    return cast("_Handler", found)


def _line(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _decision(output: str) -> Mapping[str, object]:
    for line in output.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "decision" in record:
            return record
    return {}
