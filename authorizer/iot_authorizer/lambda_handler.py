"""The Lambda handler: it calls the authorizer, logs the decision and always answers."""

import random
import time
from typing import Protocol

from iot_authorizer.authorizer import Authorizer, account_region_of
from iot_authorizer.configured_texts import configured_text
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.observer import Fields, Observer, put, put_client
from iot_authorizer.refusal import Refusal, internal_error
from iot_authorizer.response import AuthorizerResponse, refused


class Context(Protocol):
    """The part of Lambda's context object that the handler uses."""

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN, which has its region and account."""
        ...


class RandomNumbers:
    """Gives an execution environment random numbers of its own: all that start from one snapshot share their state."""

    def __init__(self) -> None:
        self._are_seeded = False

    def seed(self) -> None:
        """Call it for each event. Only the first call does something, which is after the snapshot (SnapStart)."""
        if not self._are_seeded:
            random.seed()
            self._are_seeded = True


class LambdaHandler:
    """A Lambda handler around an authorizer: it never raises, and it allows nothing by accident."""

    def __init__(self, authorizer: Authorizer, observer: Observer | None = None) -> None:
        """Without an observer, metrics have the name in `authorizer.toml`, or else the name `authorizer`."""
        self._authorizer = authorizer
        self._observer = observer or Observer(configured_text("name") or "authorizer")
        self._random_numbers = RandomNumbers()

    def __call__(self, event: object, context: Context | None = None) -> AuthorizerResponse:
        """Answers one event."""
        started = time.perf_counter()
        try:
            return self._answer(event, context, started)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 (even logging failed: only a refusal is left)
            return refused()

    def _answer(self, event: object, context: Context | None, started: float) -> AuthorizerResponse:
        fields: Fields = {}
        try:
            self._random_numbers.seed()
            arn = arn_of(context)
            put(fields, "request_id", getattr(context, "aws_request_id", None))
            parsed = AuthorizerEvent.parse(event)
            put(fields, "client_id", parsed.client_id)
            put(fields, "connection_id", parsed.connection_id)
            client = self._authorizer.authorize(parsed, account_region_of(arn))
        except Refusal as refusal:
            problem = refusal
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (SystemExit too: no caller would answer)
            problem = internal_error(error)
        else:
            put_client(fields, client.verified, client.source, client.hint)
            self._observer.allowed(fields, started)
            return client.response
        self._observer.refused(problem, fields, started)
        return refused()


def arn_of(context: Context | None) -> str:
    """The function's ARN; empty if the context has none."""
    arn = getattr(context, "invoked_function_arn", None)
    return arn if isinstance(arn, str) else ""
