"""The Lambda function of the checks: it answers what a check asks for, and otherwise what this package answers.

- A check asks with its client ID, `USER/CHECK-NAME`, or over HTTPS with `check=CHECK-NAME` in the query string.
- Only a client that this package accepts gets such an answer. What it may do then is below `conformance/USER/`. But to
  list retained messages has no narrower resource than all, and two topics of basic ingest reach no rule.
- `iot-authorizer conformance` writes this file into its project, so it imports nothing of the command.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import cast
from urllib.parse import parse_qs

from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.lambda_handler import Context, LambdaHandler
from iot_authorizer.preparing import prepare

Event = Mapping[str, Mapping[str, Mapping[str, str]]]
"""The part of IoT Core's event that is read here."""
Document = Mapping[str, object]
"""A policy document."""
_PARTS = 12
"""Resources of a document of a given size. Each is shorter than the longest topic."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What a check asks for, and what the resources of its policy begin with."""

    arn: str
    """The ARN of IoT Core in the function's account and region: `arn:aws:iot:REGION:ACCOUNT`."""
    user: str
    check: str
    name: str
    """What follows the check's name. For checks about time: seconds since 1970."""

    def topic(self, rest: str = "", kind: str = "topic") -> str:
        """The ARN of the check's topic, or with `topicfilter` of that filter, and what follows."""
        return f"{self.arn}:{kind}/conformance/{self.user}/open/{self.check}{rest}"

    @property
    def clients(self) -> str:
        """The ARN of all clients of the user."""
        return f"{self.arn}:client/{self.user}/*"

    @property
    def is_over(self) -> bool:
        """Whether the time in the name is over."""
        return time.time() > float(self.name)


Answering = Callable[[AnswerRequest], Mapping[str, object]]
"""The fields of IoT Core's answer that are not this package's own."""


def _document(action: str, *resources: str, effect: str = "Allow", **more: object) -> Document:
    statement = {"Effect": effect, "Action": action, "Resource": resources, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _connect(asked: AnswerRequest) -> Document:
    return _document("iot:Connect", asked.clients)


def _policies(*documents: Document | str) -> Mapping[str, object]:
    return {"policyDocuments": documents}


def _text(document: object, *, ascii_only: bool = False) -> str:
    return json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":"))


def _publish(asked: AnswerRequest, *rests: str) -> Mapping[str, object]:
    """May publish to the topics that follow the check's one."""
    return _policies(_connect(asked), _document("iot:Publish", *map(asked.topic, rests)))


def _subscribe(asked: AnswerRequest, *rests: str) -> Mapping[str, object]:
    """May subscribe to the filters that follow the check's topic."""
    return _policies(_connect(asked), _document("iot:Subscribe", *(asked.topic(rest, "topicfilter") for rest in rests)))


def _sized(asked: AnswerRequest, size: int, filler: str) -> Document:
    """A document that allows to publish, and has so many characters (code points) of compact JSON."""

    def filled(count: int) -> Document:
        counts = [count // _PARTS + (part < count % _PARTS) for part in range(_PARTS)]
        return _document("iot:Publish", asked.topic(), *(asked.topic(f"/{filler * each}") for each in counts))

    return filled(size - len(_text(filled(0))))


def _size(
    asked: AnswerRequest, size: int = 2048, filler: str = "x", write: Callable[[Document], Document | str] = _text
) -> Mapping[str, object]:
    """A document of a size beside the one that allows to connect, both written in some way."""
    return _policies(write(_connect(asked)), write(_sized(asked, size, filler)))


def _count(asked: AnswerRequest, count: int) -> Mapping[str, object]:
    """So many documents, of which the last one allows to publish."""
    others = [_document("iot:Publish", asked.topic(f"/{number}")) for number in range(count - 2)]
    return _policies(_connect(asked), *others, _document("iot:Publish", asked.topic()))


def _all(asked: AnswerRequest, *without: str) -> Mapping[str, object]:
    """May do everything with the check's topics, except some actions."""
    actions = ["Publish", "RetainPublish", "Receive", "GetRetainedMessage"]
    documents = {each: _document(f"iot:{each}", asked.topic("*")) for each in actions}
    documents["Subscribe"] = _document("iot:Subscribe", asked.topic("*", "topicfilter"))
    documents["ListRetainedMessages"] = _document("iot:ListRetainedMessages", "*")
    documents["SendDirectMessage"] = _document("iot:SendDirectMessage", asked.clients)
    return _policies(_connect(asked), *(each for action, each in documents.items() if action not in without))


def _times(asked: AnswerRequest, refresh: int, disconnect: int) -> Mapping[str, object]:
    return {**_all(asked), "refreshAfterInSeconds": refresh, "disconnectAfterInSeconds": disconnect}


def _until(asked: AnswerRequest, then: Mapping[str, object]) -> Mapping[str, object]:
    """Everything until the time in the name, asked again every 300 seconds, and then something else."""
    return {**_times(asked, 300, 86_400), **(then if asked.is_over else {})}


def _fail(asked: AnswerRequest) -> Mapping[str, object]:
    raise RuntimeError(f"{asked.check} asks for this error")


def _fail_later(asked: AnswerRequest) -> Mapping[str, object]:
    return _fail(asked) if asked.is_over else _times(asked, 300, 86_400)


def _denied_elsewhere(asked: AnswerRequest) -> Mapping[str, object]:
    deny = _document("iot:Subscribe", asked.topic("/b", "topicfilter"), effect="Deny")
    allow = _document("iot:Subscribe", asked.topic("/*", "topicfilter"))
    return _policies(_connect(asked), deny, allow)


def _duplicate_key(asked: AnswerRequest) -> Mapping[str, object]:
    text = _text(_document("iot:Publish", asked.topic()))
    return _policies(_text(_connect(asked)), text.replace('"Effect":"Allow"', '"Effect":"Deny","Effect":"Allow"'))


def _condition(action: str, resource: str, operator: str, key: str, *values: str) -> Document:
    return _document(action, resource, Condition={operator: {key: values}})


def _not_persistent(asked: AnswerRequest) -> Mapping[str, object]:
    """May connect only without a persistent session."""
    wanted = "ForAllValues:StringNotEquals", "iot:ConnectAttributes", "PersistentConnect"
    return _policies(_condition("iot:Connect", asked.clients, *wanted))


def _to_topics(asked: AnswerRequest) -> Mapping[str, object]:
    """May send direct messages to the topics `…/*/z` only."""
    like = f"conformance/{asked.user}/open/{asked.check}/*/z"
    send = _condition("iot:SendDirectMessage", asked.clients, "StringLike", "iot:Topic", like)
    return _policies(_connect(asked), _document("iot:Receive", asked.topic("*")), send)


def _operators(asked: AnswerRequest) -> Mapping[str, object]:
    """May subscribe to a filter of each operator's name, if IoT Core knows the operator."""
    wanted = {"StringLike": "*", "StringNotLike": "-", "StringNotEqualsIgnoreCase": "-", "Null": "false"}
    named = {**wanted, "StringLikeIfExists": "*", "ForAnyValue:StringLike": "*"}
    resources = {name: asked.topic(f"/{name}", "topicfilter") for name in named}
    every = (_condition("iot:Subscribe", resources[name], name, "iot:DomainName", named[name]) for name in named)
    return _policies(_connect(asked), *every)


def _nothing_to_compare(asked: AnswerRequest) -> Mapping[str, object]:
    return _policies(_connect(asked), _condition("iot:Publish", asked.topic(), "StringEquals", "iot:ClientId"))


def _not_resource(asked: AnswerRequest) -> Mapping[str, object]:
    """May subscribe below the topic, but a Deny with NotResource leaves only `…/b`."""
    statement = {"Effect": "Deny", "Action": "iot:Subscribe", "NotResource": asked.topic("/b", "topicfilter")}
    deny = {"Version": "2012-10-17", "Statement": [statement]}
    return _policies(_connect(asked), _document("iot:Subscribe", asked.topic("/*", "topicfilter")), deny)


def _ingest(asked: AnswerRequest) -> Mapping[str, object]:
    topics = (f"{asked.arn}:topic/$aws/rules/{rest}" for rest in ("conformance_no_rule", "/x"))
    return _policies(_connect(asked), _document("iot:Publish", *topics))


ANSWERS: Mapping[str, Answering] = MappingProxyType(
    {
        "size-2048": _size,
        "size-2049": partial(_size, size=2049),
        "size-bytes": partial(_size, filler="é"),
        "size-surrogates": partial(_size, filler="\U0001f600"),
        "size-escapes": partial(_size, filler="é", write=partial(_text, ascii_only=True)),
        "size-object": partial(_size, filler="é", write=lambda document: document),
        "size-spaces": partial(_size, write=partial(json.dumps, indent=4)),
        "documents-10": partial(_count, count=10),
        "documents-11": partial(_count, count=11),
        "document-broken": lambda asked: _policies(_text(_connect(asked)), "{"),
        "document-duplicate-key": _duplicate_key,
        "document-empty": lambda asked: _policies(_connect(asked), {"Version": "2012-10-17", "Statement": []}),
        "answer-short-refresh": lambda asked: _times(asked, 299, 86_400),
        "answer-principal-id": lambda asked: {**_all(asked), "principalId": f"{asked.user}-x"},
        "answer-error": _fail,
        "answer-times-missing": lambda asked: {**_all(asked), "refreshAfterInSeconds": None},
        "deny-elsewhere": _denied_elsewhere,
        "not-resource": _not_resource,
        "wildcard-star": lambda asked: _subscribe(asked, "/*/z"),
        "wildcard-question": lambda asked: _subscribe(asked, "/?"),
        "plus-in-resource": lambda asked: _subscribe(asked, "/+"),
        "hash-in-resource": lambda asked: _subscribe(asked, "/#"),
        "plus-in-topic": lambda asked: _publish(asked, "/+"),
        "variable-client-id": lambda asked: _publish(asked, "/${iot:ClientId}"),
        "variable-domain-name": lambda asked: _subscribe(asked, "/${iot:DomainName}"),
        "variable-star": lambda asked: _publish(asked, "/${iot:ClientId}"),
        "variable-literal": lambda asked: _subscribe(asked, "/${*}", "/${?}x", "/${$}"),
        "variable-unknown": lambda asked: _subscribe(asked, "/a", "/${iot:Conformance}"),
        "condition-without-values": _nothing_to_compare,
        "condition-operators": _operators,
        "connect-persistent": _not_persistent,
        "receive-refused": lambda asked: _all(asked, "Receive"),
        "ingest": _ingest,
        "direct": _all,
        "direct-refused": lambda asked: _all(asked, "SendDirectMessage"),
        "direct-receive-refused": lambda asked: _all(asked, "Receive"),
        "direct-topic": _to_topics,
        "kept": _all,
        "kept-beyond": lambda asked: _all(asked, "Receive"),
        "http-cached": lambda asked: _until(asked, {"isAuthenticated": False}),
        "refresh-refused": lambda asked: _until(asked, {"isAuthenticated": False}),
        "refresh-failed": _fail_later,
        "refresh-narrower": lambda asked: _until(asked, _all(asked, "Publish")),
        "disconnect-after": lambda asked: _times(asked, 86_400, 300),
        "disconnect-kept": lambda asked: _times(asked, 300, 600),
    }
)
"""The answers by the name of the check, or by its first word for all such checks."""


def lambda_handler(event: Event, context: Context) -> Mapping[str, object]:
    """Answers IoT Core's event."""
    usual = cast("Mapping[str, object]", _usual()(event, context))
    if not usual["isAuthenticated"]:
        return usual
    check, _, name = _wanted(event).rpartition("-")
    answer = ANSWERS.get(check) or ANSWERS.get(check.partition("-")[0])
    if answer is None:
        return usual
    _, partition, _, region, account, *_ = context.invoked_function_arn.split(":")
    asked = AnswerRequest(f"arn:{partition}:iot:{region}:{account}", str(usual["principalId"]), check, name)
    found = {**usual, **answer(asked)}
    return {name: value for name, value in found.items() if value is not None}


def _wanted(event: Event) -> str:
    """What follows the user in the client ID, or the parameter `check`; empty without both."""
    data = event.get("protocolData", {})
    client_id = data.get("mqtt", {}).get("clientId", "")
    query = data.get("http", {}).get("queryString", "")
    return client_id.partition("/")[2] or parse_qs(query.removeprefix("?")).get("check", [""])[0]


@cache
def _usual() -> LambdaHandler:
    """The handler of this package, with the configuration beside this file."""
    path = Path(__file__).with_name("authorizer.toml")
    return LambdaHandler(build(prepare(load_configuration(path), path.parent)))
