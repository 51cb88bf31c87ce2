"""Findings about `connect`: which clients can end each other's connections, or take over each other's sessions.

IoT Core keeps one connection for each client ID: the newer one. So it matters which clients share a client ID.

- `{principal}` in an entry binds its client IDs to one principal. Any other entry is a warning, or a note if meant.
- `{client_id}` allows every client ID of one level: its clients can end the connections of clients of other grants. It
  also binds no topic: a client chooses the client ID that `{client_id}` in a topic stands for.
- `public/*` or `admin` have client IDs that only the clients of such grants share.
- A client that connects with the client ID of a persistent session takes the session over, with its queued messages. So
  a grant with unbound client IDs must not allow PersistentConnect. No word acknowledges that.
- All clients without credentials are one principal (`[anonymous]`). For them, `{principal}` binds nothing either.
- `{client_id}` is the whole client ID. Beside other text, it matches no client ID.
- Device Defender reports `client/*`, and equally `client/${iot:ClientId}`, in a stored policy as too broad
  (IOT_POLICY_OVERLY_PERMISSIVE_CHECK). That clients end each other's connections, it reports after it has happened
  (CONFLICTING_CLIENT_IDS_CHECK).
"""

from collections.abc import Iterator, Sequence

from iot_policies.entries import Entry, quoted
from iot_policies.errors import PolicyError
from iot_policies.findings import AuditCode, Finding, meant_or_warning, warning
from iot_policies.placeholders import PLACEHOLDER, placeholder_names, split_template
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.when import Condition

_ANY = "{client_id}"
_BOUND = "write {principal} or {principal}/*, or "
_ENDS_ANY = (
    "allows any client ID of one level: such a client can end any connection of the account whose client ID it knows, "
    "and delete its session"
)
_ENDS_SHARED = (
    "is not bound to the principal: a client that connects with it disconnects the one that uses the same client ID, "
    "and deletes its session"
)
_TAKE_OVER = "take over the persistent session of another one, with its queued messages"
_WITHOUT_CLIENT_ID = "needs a client ID, which HTTPS requests to a custom authorizer do not have: write {principal}"
_CHOSEN = (
    "belongs to no principal: {grant} allows any client ID, so a client can choose the client ID of another one here"
)


def client_id_findings(template: PolicyTemplate) -> Iterator[Finding]:
    """What the client IDs of a template mean for its clients."""
    connects = [entry for entry in template.entries if entry.key == "connect" and entry.effect == "Allow"]
    if not connects:
        yield Finding("warning", (), "no grant has connect: no client can connect with MQTT")
    for entry in template.entries:
        if entry.key == "connect" and entry.text != _ANY and _ANY in entry.text:
            yield warning(entry, _never_matches(entry))
    for entry in connects:
        if not _is_bound(entry):
            yield _unbound(entry)
            if _may_persist(entry):
                yield warning(entry, f"lets a client {_TAKE_OVER}: {_without_sessions(entry)}")
    yield from _of_client_id(template, connects)


def anonymous_findings(template: PolicyTemplate, anonymous: Principal) -> Iterator[Finding]:
    """What follows if clients without credentials are this principal. Entries that bind nothing are found already."""
    try:
        applicable = [entry for entry in template.applicable(anonymous) if entry.effect == "Allow"]
    except PolicyError:  # Then every such client is refused.
        return
    for entry in applicable:
        if entry.key == "connect" and _is_bound(entry) and _may_persist(entry):
            problem = f"is for clients without credentials, too, which are all {anonymous.name}"
            advice = f"{_without_sessions(entry)}, or give it a `when` that the claims of [anonymous] do not meet"
            yield warning(entry, f"{problem}: each could {_TAKE_OVER}; {advice}")


def _is_bound(entry: Entry) -> bool:
    return "principal" in placeholder_names(entry.text)


def _may_persist(entry: Entry) -> bool:
    return entry.attributes is None or "PersistentConnect" in entry.attributes


def _unbound(entry: Entry) -> Finding:
    if entry.text == _ANY:
        return meant_or_warning(entry, "any_client_id", _ENDS_ANY, AuditCode.BROAD_ACCESS, _BOUND)
    return meant_or_warning(entry, "shared_client_ids", _ENDS_SHARED, AuditCode.DUPLICATE_CLIENT_ID, _BOUND)


def _without_sessions(entry: Entry) -> str:
    return f"set connect_with = [] in {entry.block_name}"


def _never_matches(entry: Entry) -> str:
    prefix = entry.text.partition("{")[0]
    instead = f"{prefix}*" if prefix.endswith("/") else "NAME/*"
    return f"matches no client ID: {{client_id}} is the whole client ID; write {instead}, or only {_ANY}"


def _of_client_id(template: PolicyTemplate, connects: Sequence[Entry]) -> Iterator[Finding]:
    """Entries with `{client_id}`: whose topics they are, and which client IDs are refused because of them."""
    free = next((entry for entry in connects if entry.text == _ANY), None)
    deep = [entry for entry in connects if "/" in PLACEHOLDER.sub("", entry.text) and _ANY not in entry.text]
    for entry in template.entries:
        if _ANY not in entry.text or (entry.key == "connect" and entry.text != _ANY):
            continue
        if free is not None and entry.key != "connect" and entry.effect == "Allow":
            message = f"{quoted(entry.text)} {_CHOSEN.format(grant=free.block_name)}"
            of_any_thing = split_template(entry.filter)[:3] == ("$aws", "things", _ANY)
            yield Finding("note", entry.location, message, audit=AuditCode.BROAD_ACCESS if of_any_thing else None)
        if entry.key in ("read", "send") and entry.effect == "Allow":
            yield warning(entry, _WITHOUT_CLIENT_ID)
        if any(_can_both_apply(entry, each) for each in deep):
            yield warning(entry, "needs client IDs that are one level: those that connect allows with a / are refused")


def _can_both_apply(one: Entry, other: Entry) -> bool:
    """Whether a client could meet the `when` of both: not if one claim must have other values."""
    first, second = one.block.when or {}, other.block.when or {}
    return not any(_differ(first[name], second[name]) for name in first.keys() & second.keys())


def _differ(one: Condition, other: Condition) -> bool:
    first, second = (set(each) if isinstance(each, tuple) else {each} for each in (one, other))
    return "*" not in first | second and not first & second
