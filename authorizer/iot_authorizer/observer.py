"""Logs and counts decisions: one JSON line for each, in CloudWatch's embedded metric format.

The line has the key `_aws`, so CloudWatch takes the metrics from the same line that it keeps for searches. That writes
less than two lines, and no log level can turn it off.

Powertools writes the part of a line that names its metrics, when the function starts. It is the same in each line.
"""

import json
import os
import time
from json.encoder import encode_basestring_ascii as _text
from typing import Final

from iot_authorizer.credentials import CredentialSource
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal

NAMESPACE: Final = "IotAuthorizer"
"""The namespace of the metrics, unless POWERTOOLS_METRICS_NAMESPACE names another."""

Fields = dict[str, object]

_LONGEST_LOGGED = 128
"""Characters of a text in a log line: clients choose some of these texts."""

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode

_COUNT: Final = "Count"
_ONE: Final = {"Unit": _COUNT, "StorageResolution": 60, "Value": [1.0]}


def put(fields: Fields, name: str, text: object) -> None:
    """Sets a field of a log line, shortened, if `text` is a text."""
    if isinstance(text, str):
        fields[name] = text[:_LONGEST_LOGGED]


def put_client(fields: Fields, verified: VerifiedPrincipal, source: CredentialSource, hint: str) -> None:
    """Sets the fields about a verified client. `hint`: what looks like a credential in its headers; empty for none."""
    fields["principal"] = verified.principal.name[:_LONGEST_LOGGED]
    fields["source"] = source
    put(fields, "issuer", verified.issuer)
    put(fields, "unchecked", verified.unchecked)
    if hint:
        put(fields, "hint", hint)


class Observer:
    """Logs and counts decisions."""

    def __init__(self, service: str) -> None:
        """`service`: the authorizer's name, a dimension of the metrics."""
        from aws_lambda_powertools.metrics import EphemeralMetrics  # noqa: PLC0415 (the command line needs no metrics)

        namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
        self._metrics = EphemeralMetrics(namespace=namespace, service=service)
        self._metrics.set_default_dimensions(service=service)
        self._allowed, self._refused = self._counting("Allowed"), self._counting("Refused", reason="any")
        self._cold = True

    def keys_fetched(self, problem: str | None) -> None:
        """Counts a fetch of an issuer's keys. `problem`: why it failed, which is logged; None if it succeeded."""
        fetched = problem is None
        self._metrics.add_metric("KeysFetched" if fetched else "KeysNotFetched", _COUNT, 1)
        if not fetched:
            self._metrics.add_metadata("detail", problem)

    def allowed(self, fields: Fields, started: float) -> None:
        """Logs and counts a client that was allowed. `started`: the start, by `time.perf_counter` in seconds."""
        fields["level"], fields["decision"] = "INFO", "allowed"
        if "unchecked" in fields:
            fields["level"] = "WARNING"
            self._metrics.add_metric("Unchecked", _COUNT, 1)
        self._write(self._allowed, fields, started)

    def refused(self, refusal: Refusal, fields: Fields, started: float) -> None:
        """Logs and counts a client that was refused."""
        reason = str(refusal.reason)
        put(fields, "principal", getattr(refusal.principal, "name", None))  # Rules of your own can put anything there.
        put(fields, "issuer", refusal.issuer)
        put(fields, "source", refusal.source)
        fields["level"] = "ERROR" if reason == Reason.INTERNAL_ERROR else "WARNING"
        fields["decision"], fields["reason"] = "refused", reason
        if refusal.detail:
            fields["detail"] = refusal.detail
        self._write(self._refused, fields, started)

    def _counting(self, metric: str, **dimensions: str) -> tuple[str, str]:
        """The start of a line that counts 1 of a metric: in front of and behind its time, in milliseconds since 1970.

        The fields follow. They have the values of further `dimensions`, which need a name here only.
        """
        if dimensions:
            self._metrics.add_dimensions(**dimensions)
        counted = self._metrics.serialize_metric_set({metric: _ONE}, metadata={})
        self._metrics.clear_metrics()
        named = {name: value for name, value in counted.items() if name not in dimensions}
        before, _, behind = _encode(named).partition(str(counted["_aws"]["Timestamp"]))
        return before, behind.removesuffix("}")

    def _write(self, counting: tuple[str, str], fields: Fields, started: float) -> None:
        duration = int((time.perf_counter() - started) * 1_000_000) / 1000
        if self._cold:
            self._cold = False
            self._metrics.add_metric("ColdStart", _COUNT, 1)
        if self._metrics.metric_set:  # In a line of their own, so that they do not get the dimension `reason`.
            print(_encode(self._metrics.serialize_metric_set()))  # Powertools would not, if a variable says so.
            self._metrics.clear_metrics()
        before, behind = counting
        # One by one: an encoder takes as long to begin as all these texts.
        pairs = [
            f'"{name}":{_text(value) if isinstance(value, str) else _encode(value)}' for name, value in fields.items()
        ]
        print(f'{before}{int(time.time() * 1000)}{behind},{",".join(pairs)},"duration_ms":{duration}}}', flush=True)
