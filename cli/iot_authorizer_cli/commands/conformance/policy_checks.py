"""The checks of policies: which answers of an authorizer IoT Core accepts, and how it evaluates their documents.

The function answers each of them with a policy of its own (`answers.py`).
"""

from collections.abc import Mapping

from iot_authorizer_cli.commands.conformance.checks import Clients, NotConnected, Run, checks_of, message, subscribe
from iot_core.mqtt import Properties, Subscribe, Subscription


def filters(clients: Clients, *rests: str) -> Subscribe:
    """A SUBSCRIBE to the filters that follow the check's topic."""
    return Subscribe(1, tuple(Subscription(clients.topic() + rest, 0) for rest in rests))


def _publish(clients: Clients) -> str:
    """The answer to CONNECT if the client is refused, else that to a PUBLISH."""
    try:
        with clients.connected() as wire:
            return wire.answer(message(clients.topic()))
    except NotConnected as refused:
        return str(refused)


def _subscribe(*rests: str) -> Run:
    """What each filter gets."""

    def run(clients: Clients) -> str:
        with clients.connected() as wire:
            return wire.answer(filters(clients, *rests))

    return run


def _plus_in_topic(clients: Clients) -> str:
    with clients.connected() as wire:
        return wire.answer(message(f"{clients.topic()}/x"))


def _own_client_id(clients: Clients) -> str:
    with clients.connected() as wire:
        return wire.answer(message(f"{clients.topic()}/{clients.client_id()}"))


def _domain_name(clients: Clients) -> str:
    with clients.connected() as wire:
        return wire.answer(filters(clients, f"/{clients.endpoint.host}", "/other"))


def _star_in_client_id(clients: Clients) -> str:
    with clients.connected("*") as wire:
        return wire.answer(message(f"{clients.topic()}/{clients.client_id('other')}"))


def _not_received(clients: Clients) -> str:
    with clients.connected() as wire:
        subscribed = wire.answer(subscribe(clients.topic()))
        return f"{subscribed}, {wire.answer(message(clients.topic()))}"


def _persistent(clients: Clients) -> str:
    """Three CONNECTs of MQTT 5. The second one resumes a session, but asks for none that outlives the connection."""
    asked: tuple[dict[str, object], ...] = (
        {},
        {"clean_start": False},
        {"properties": Properties(session_expiry_interval=60)},
    )
    return ", ".join(clients.answer(clients.client_id(str(number)), **each) for number, each in enumerate(asked))


def _ingest(clients: Clients) -> str:
    found = []
    for name, topic in (("a", "$aws/rules/conformance_no_rule"), ("b", "$aws/rules//x")):
        with clients.connected(name) as wire:
            found.append(wire.answer(message(topic)))
    return "; ".join(found)


_DOCUMENT = "Is a document accepted that has"
_ASKED: Mapping[str, tuple[str, Run]] = {
    "size-2048": (f"{_DOCUMENT} 2,048 characters of ASCII?", _publish),
    "size-2049": (f"{_DOCUMENT} 2,049 characters of ASCII?", _publish),
    "size-bytes": (f"{_DOCUMENT} 2,048 characters, but more bytes of UTF-8?", _publish),
    "size-surrogates": (f"{_DOCUMENT} 2,048 characters, of which many need two units of UTF-16?", _publish),
    "size-escapes": (f"{_DOCUMENT} 2,048 characters, but more as it is written, with escapes?", _publish),
    "size-object": ("Is it accepted as an object in place of a text, with other characters than ASCII?", _publish),
    "size-spaces": (f"{_DOCUMENT} 2,048 characters without its white space, and more with it?", _publish),
    "documents-10": ("Are 10 documents accepted?", _publish),
    "documents-11": ("Are 11 documents accepted?", _publish),
    "document-broken": ("What does a client get if one document is not JSON?", _publish),
    "document-duplicate-key": ("Is a document accepted that has a key twice, and which one counts?", _publish),
    "document-empty": ("Is a document without statements accepted?", _publish),
    "answer-short-refresh": ("Is a refresh after 299 seconds accepted?", _publish),
    "answer-principal-id": ("Is a principal ID with a hyphen accepted?", _publish),
    "answer-error": ("What does a client get if the function fails?", _publish),
    "answer-times-missing": ("Is an answer without refreshAfterInSeconds accepted?", _publish),
    "deny-elsewhere": ("Does a Deny of one document win over an Allow of another?", _subscribe("/a", "/b")),
    "not-resource": ("Does NotResource deny everything else?", _subscribe("/a", "/b")),
    "wildcard-star": (
        "Which filters match a resource with * in its middle?",
        _subscribe("/a/z", "/a/b/z", "/z", "/+/z", "/#"),
    ),
    "wildcard-question": ("Which filters match a ? at the end?", _subscribe("/a", "/ab", "//", "/+", "/é", "/")),
    "plus-in-resource": ("Is a + of a resource only itself?", _subscribe("/+", "/a")),
    "hash-in-resource": ("Is a # of a resource only itself?", _subscribe("/#", "/a", "/+")),
    "plus-in-topic": ("May a client publish to a level if the resource has + there?", _plus_in_topic),
    "variable-client-id": ("Is ${iot:ClientId} filled in?", _own_client_id),
    "variable-domain-name": ("Is ${iot:DomainName} the host that the client connected to?", _domain_name),
    "variable-star": ("Is a * in a client ID a wildcard where the policy has ${iot:ClientId}?", _star_in_client_id),
    "variable-literal": (
        "Are ${*}, ${?} and ${$} only the characters?",
        _subscribe("/*", "/a", "/?x", "/ax", "/$"),
    ),
    "variable-unknown": (
        "What does an unknown policy variable match?",
        _subscribe("/a", "/b", "/${iot:Conformance}", "/"),
    ),
    "condition-without-values": ("Does an Allow apply whose condition has no values?", _publish),
    "condition-operators": (
        "Does IoT Core know StringLike, StringNotLike, StringNotEqualsIgnoreCase, Null, …IfExists and ForAnyValue?",
        _subscribe(
            "/StringLike",
            "/StringNotLike",
            "/StringNotEqualsIgnoreCase",
            "/Null",
            "/StringLikeIfExists",
            "/ForAnyValue:StringLike",
        ),
    ),
    "connect-persistent": (
        "Does a CONNECT need PersistentConnect that is clean, that resumes a session, that has a session expiry?",
        _persistent,
    ),
    "receive-refused": ("Does a message arrive that the client may not receive?", _not_received),
    "ingest": ("What does basic ingest get without a topic, and without a rule's name?", _ingest),
}
POLICY_CHECKS = checks_of(_ASKED)
"""All checks of policies by their names."""
