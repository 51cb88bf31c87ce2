"""Runs the authorizer's Lambda handler in this process, as Lambda would: an event in, an answer and log lines out."""

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

HANDLER = "authorizer.handler.lambda_handler"
REGION, ACCOUNT = "us-east-1", "123456789012"

Answer = dict[str, object]
_Handler = Callable[[object, object], Answer]


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object, as far as a handler of ours looks at it."""

    invoked_function_arn: str
    function_name: str = "authorizer"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


class Invocation(NamedTuple):
    """What came of one event."""

    answer: Answer
    decision: Mapping[str, object]
    """The log line of the decision; empty where the handler writes none."""


class UnknownHandler(ValueError):
    """A handler's name that leads nowhere."""


class LambdaFunction:
    """A handler, loaded once."""

    def __init__(self, config: Path, handler: str = HANDLER, *, region: str = REGION, account: str = ACCOUNT) -> None:
        """`handler` is `module.attribute`.

        Raises UnknownHandler where there is none, and what its module raises: InvalidFile for a wrong configuration.
        """
        os.environ["AUTHORIZER_CONFIG"] = str(config)
        sys.path.insert(0, str(Path.cwd()))
        os.environ.setdefault("AWS_REGION", region)
        self._output = io.StringIO()
        with redirect_stdout(self._output):
            self._handler = _load(handler)
        self._context = Context(f"arn:aws:lambda:{region}:{account}:function:authorizer")

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the handler on an event. What it prints is kept from standard output."""
        self._output.seek(0)
        self._output.truncate()
        with redirect_stdout(self._output):
            answer = self._handler(dict(event), self._context)
        return Invocation(answer, _decision(self._output.getvalue()))


def _load(handler: str) -> _Handler:
    module, dot, attribute = handler.rpartition(".")
    if not dot:
        raise UnknownHandler(f"{handler}: expected MODULE.NAME")
    try:
        return cast("_Handler", getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        if error.name not in (module, module.partition(".")[0]):
            raise
        raise UnknownHandler(f"{handler}: expected MODULE.NAME, with the module in this folder") from None
    except AttributeError:
        raise UnknownHandler(f"{handler}: {module} has no {attribute}") from None


def _decision(output: str) -> Mapping[str, object]:
    for line in output.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "decision" in record:
            return record
    return {}
