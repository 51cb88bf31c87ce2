"""The edge: AWS's calling convention, one log line a decision, metrics, and an answer whatever happens."""

import time
import traceback
from pathlib import PurePath
from typing import Final, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer.authorizer import Admission, Authorizer, Place
from authorizer.event import AuthorizerEvent
from authorizer.refusal import Reason, Refusal
from authorizer.response import AuthorizerResponse, refused

NAMESPACE: Final = "IotAuthorizer"
"""Where the metrics stand in CloudWatch, unless POWERTOOLS_METRICS_NAMESPACE says otherwise."""
_LONGEST_LOGGED = 128


def _as_it_is(message: object) -> str:
    """Messages are texts here, so Powertools need not look whether they are JSON."""
    return str(message)


class Context(Protocol):
    """What is used of Lambda's context object."""

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN, which names region and account."""
        ...


class Observer:
    """Logs and counts decisions."""

    def __init__(self, service: str) -> None:
        """`service` is the authorizer's name: the log's `service` and the metrics' dimension."""
        self._logger = Logger(service=service, location=None, json_deserializer=_as_it_is)
        self._metrics = Metrics(namespace=NAMESPACE, service=service)
        self._metrics.set_default_dimensions(service=service)
        self._cold = True

    def keys_fetched(self, fetched: bool) -> None:
        """Counts a fetch of an issuer's keys."""
        self._metrics.add_metric("KeysFetched" if fetched else "KeysNotFetched", MetricUnit.Count, 1)

    def allowed(self, fields: dict[str, object], started: float) -> None:
        """Logs and counts a client that was let in; `started` is of `time.perf_counter`, in seconds."""
        duration = round((time.perf_counter() - started) * 1000, 3)
        self._logger.info("allowed", extra={"decision": "allowed", **fields, "duration_ms": duration})
        self._count("Allowed")

    def refused(self, refusal: Refusal, fields: dict[str, object], started: float) -> None:
        """Logs and counts a client that was not."""
        duration = round((time.perf_counter() - started) * 1000, 3)
        found = {"decision": "refused", "reason": str(refusal.reason), "detail": refusal.detail or None}
        level = self._logger.error if refusal.reason == Reason.INTERNAL_ERROR else self._logger.warning
        level("refused", extra={**found, **fields, "duration_ms": duration})
        self._metrics.add_dimensions(reason=str(refusal.reason))
        self._count("Refused")

    def _count(self, name: str) -> None:
        if self._cold:
            self._cold = False
            self._metrics.add_metric("ColdStart", MetricUnit.Count, 1)
        self._metrics.add_metric(name, MetricUnit.Count, 1)
        self._metrics.flush_metrics()


class LambdaHandler:
    """A Lambda function's handler around an authorizer: it never raises, and it never says yes by accident."""

    def __init__(self, authorizer: Authorizer, observer: Observer | None = None) -> None:
        self._authorizer = authorizer
        self._observer = observer or Observer("authorizer")

    def __call__(self, event: object, context: Context | None = None) -> AuthorizerResponse:
        """Answers one event."""
        started = time.perf_counter()
        try:
            return self._answer(event, context, started)
        except Exception:  # noqa: BLE001 (not even logging works: there is nothing left but to say no)
            return refused()

    def _answer(self, event: object, context: Context | None, started: float) -> AuthorizerResponse:
        fields: dict[str, object] = {}
        try:
            parsed = AuthorizerEvent.parse(event)
            fields["client_id"] = _short(parsed.mqtt.client_id)
            fields["connection_id"] = _short(parsed.connection_id)
            admission = self._authorizer.authorize(parsed, Place.of_function(_arn(context)))
        except Refusal as refusal:
            problem = refusal
        except Exception as error:  # noqa: BLE001 (its text may hold a secret, and nobody above would answer)
            problem = Refusal(Reason.INTERNAL_ERROR, _where(error))
        else:
            self._observer.allowed(fields | _proven(admission), started)
            return admission.response
        if problem.principal is not None:
            fields["principal"] = _short(problem.principal.name)
        self._observer.refused(problem, fields | {"issuer": problem.issuer}, started)
        return refused()


def _arn(context: Context | None) -> str:
    arn = getattr(context, "invoked_function_arn", None)
    return arn if isinstance(arn, str) else ""


def _proven(admission: Admission) -> dict[str, object]:
    verified = admission.verified
    return {"principal": _short(verified.principal.name), "issuer": verified.issuer, "door": admission.door.value}


def _short(text: str | None) -> str | None:
    return text if text is None else text[:_LONGEST_LOGGED]


def _where(error: Exception) -> str:
    """An exception's type and place. Never its text, which may quote what the client sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place
