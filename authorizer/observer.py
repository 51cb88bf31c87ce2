"""One structured line a decision, which is its metrics too: CloudWatch's embedded metric format.

The line of a decision carries `_aws`, so CloudWatch counts from it what it also keeps to be searched. That is less to
write and to keep than a log line beside a metrics line, and no log level can silence it.
"""

import json
import os
import time
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from authorizer.refusal import Reason, Refusal

NAMESPACE: Final = "IotAuthorizer"
"""Where the metrics stand in CloudWatch, unless POWERTOOLS_METRICS_NAMESPACE says otherwise."""

Fields = dict[str, object]

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode

_ONE: Final = {"Unit": MetricUnit.Count.value, "StorageResolution": 60, "Value": [1.0]}


class Observer:
    """Logs and counts decisions."""

    def __init__(self, service: str) -> None:
        """`service` is the authorizer's name, and the metrics' dimension."""
        namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
        self._metrics = EphemeralMetrics(namespace=namespace, service=service)
        self._metrics.set_default_dimensions(service=service)
        self._cold = True

    def keys_fetched(self, fetched: bool) -> None:
        """Counts a fetch of an issuer's keys."""
        self._metrics.add_metric("KeysFetched" if fetched else "KeysNotFetched", MetricUnit.Count, 1)

    def allowed(self, fields: Fields, started: float) -> None:
        """Logs and counts a client that was let in; `started` is of `time.perf_counter`, in seconds."""
        fields["level"], fields["decision"] = "INFO", "allowed"
        self._write("Allowed", fields, started)

    def refused(self, refusal: Refusal, fields: Fields, started: float) -> None:
        """Logs and counts a client that was not."""
        reason = str(refusal.reason)
        level = "ERROR" if reason == Reason.INTERNAL_ERROR else "WARNING"
        self._metrics.add_dimensions(reason=reason)
        fields |= {"level": level, "decision": "refused", "reason": reason}
        if refusal.detail:
            fields["detail"] = refusal.detail
        self._write("Refused", fields, started)

    def _write(self, metric: str, fields: Fields, started: float) -> None:
        fields["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        if self._cold:
            self._cold = False
            self._metrics.add_metric("ColdStart", MetricUnit.Count, 1)
        waiting = self._metrics.metric_set
        try:
            line = self._metrics.serialize_metric_set({**waiting, metric: _ONE}, metadata=fields)
            print(_encode(line), flush=True)  # noqa: T201 (Lambda's log)
        finally:
            if waiting or self._metrics.dimension_sets:
                self._metrics.clear_metrics()
