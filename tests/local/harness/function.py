"""A Lambda function that keeps its events and answers as a test wants."""

import itertools
import json
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from tests.local.harness.channels import PATIENCE

ARN = "arn:aws:iot:us-east-1:123456789012:"
Event = dict[str, object]
Answer = Mapping[str, object]

FUNCTIONS: "dict[str, Function]" = {}
"""By the name under which each handler finds its own."""
_numbers = itertools.count()

_HANDLER = """\
from tests.local.harness.function import FUNCTIONS


def lambda_handler(event, context):
    return FUNCTIONS[{name!r}].handle(event)
"""


class Function:
    """What a handler module in a test's folder leads to."""

    gate: ClassVar[threading.Event]
    """For a module that waits while it loads."""

    def __init__(self) -> None:
        self.name = f"function-{next(_numbers)}"
        self.events: queue.SimpleQueue[Event]
        """What it was asked, in its order."""
        self.answer: Callable[[Event], object]
        """What it answers. It may wait, raise and print, too."""
        self.begin_again()
        FUNCTIONS[self.name] = self

    def begin_again(self) -> None:
        """Forgets what it was asked, and allows everything."""
        self.events = queue.SimpleQueue()
        self.answer = lambda _: allow()

    def handle(self, event: Event) -> object:
        """Answers an event."""
        self.events.put(event)
        return self.answer(event)

    def hold(self) -> tuple[threading.Event, threading.Event]:
        """Makes answers wait: the first event says that the function is invoked, the second releases the answer."""
        reached, gate = threading.Event(), threading.Event()

        def answer(_: Event) -> object:
            reached.set()
            gate.wait(PATIENCE)
            return allow()

        self.answer = answer
        return reached, gate

    def write(self, folder: Path) -> str:
        """Writes a module for it; gives the handler's name."""
        (folder / "recording.py").write_text(_HANDLER.format(name=self.name))
        return "recording.lambda_handler"


def statement(action: str, *resources: str, effect: str = "Allow", **more: object) -> dict[str, object]:
    """A statement of a policy; resources are written without the beginning of their ARN."""
    return {"Effect": effect, "Action": action, "Resource": [ARN + resource for resource in resources], **more}


def document(*statements: Mapping[str, object]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


EVERYTHING = (
    statement("iot:Connect", "client/*"),
    statement("iot:Publish", "topic/*"),
    statement("iot:RetainPublish", "topic/*"),
    statement("iot:Receive", "topic/*"),
    statement("iot:Subscribe", "topicfilter/*"),
)


def allow(*statements: Mapping[str, object], **fields: object) -> dict[str, object]:
    """An answer that authenticates a client, and allows everything or what the statements say."""
    return {
        "isAuthenticated": True,
        "principalId": "ann",
        "policyDocuments": [document(*(statements or EVERYTHING))],
        "disconnectAfterInSeconds": 86_400,
        "refreshAfterInSeconds": 86_400,
    } | fields
