"""An entry of a template, such as `rooms/{claims.rooms}/#`: checks its grammar and turns it into rules."""

from dataclasses import dataclass

from iot_policies.actions import RESOURCE_TYPES, Action, Effect
from iot_policies.globs import allowed_glob, denied_globs, is_exact
from iot_policies.grants import ConnectAttribute, Deny, Grant, Key, Place
from iot_policies.placeholders import (
    DENIED_CLIENT_ID,
    PLACEHOLDER,
    as_format,
    check_names,
    placeholder_names,
    split_template,
)
from iot_policies.topic_prefix import below, reserved_too
from iot_policies.topics import HASH, PLUS, SHARE, TO, Levels, joined, lead

LONGEST_ENTRY, MOST_LEVELS = 1024, 32
"""Characters and levels: more than IoT Core accepts (256 bytes, 8 levels), and few enough to check quickly."""

_ACTIONS: dict[Key, tuple[Action, ...]] = {
    "connect": ("iot:Connect",),
    "publish": ("iot:Publish",),
    "retain": ("iot:Publish", "iot:RetainPublish"),
    "subscribe": ("iot:Subscribe", "iot:Receive"),
    "receive": ("iot:Receive",),
    "read": ("iot:GetRetainedMessage",),
    "send": ("iot:SendDirectMessage",),
}
"""The actions that an entry allows, by its key."""
_DENIED: dict[Key, tuple[Action, ...]] = {**_ACTIONS, "retain": ("iot:RetainPublish",)}
"""The actions that an entry denies."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What one entry says about one action, before its placeholders are filled."""

    action: Action
    levels: Levels
    """The levels of the topic filter; for `iot:Receive` without `$share/NAME/`; for a client ID only its text.

    For a direct message, TO and the receiver's client ID are in front."""
    names: tuple[str, ...]
    """What fills the placeholders, in the order of their numbers."""
    allowed: str
    """The resource after the ARN's last colon, as `topic/a/*`, with numbered placeholders. A direct message's resource
    is followed by TO and the topic, as `client/pump-7<TAB>a/*`, until the policy is compiled."""
    denied: tuple[str, ...]
    denied_globs: tuple[Levels, ...]
    """As `denied`, but as levels, with the names of the placeholders and without the resource type."""
    level_formats: tuple[str, ...]
    """`levels`, with numbered placeholders."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of a template and its place."""

    effect: Effect
    block: Grant | Deny
    block_index: int
    """The index of its block in the template: grants first, then denies."""
    number: int
    """The index of its block among the grants, or among the denies."""
    key: Key
    place: Place
    """Where it is within its key: its index, and for `send` that of the topic, too."""
    text: str
    """For `send`, the receiver and the topic, joined by TO."""
    filter: str
    """The text with the topic prefix; for a client ID the text itself."""
    attributes: tuple[ConnectAttribute, ...] | None
    """The connect attributes that its block allows or denies, for a client ID; None for all."""
    rules: tuple[Rule, ...]

    @property
    def location(self) -> tuple[str | int, ...]:
        """The entry's place in its file: `("grant", 0, "publish", 1)`."""
        return (*self.block_location, self.key, *self.place)

    @property
    def block_location(self) -> tuple[str | int, ...]:
        """The place of its grant or deny: `("grant", 0)`."""
        return ("grant" if self.effect == "Allow" else "deny", self.number)

    @property
    def block_name(self) -> str:
        """Its grant or deny for messages: `grant "rooms"`, or `grant[1]` if it has no name."""
        kind, index = self.block_location
        return f"{kind}[{index}]" if self.block.name is None else f'{kind} "{self.block.name}"'

    def __str__(self) -> str:
        whole = "" if self.filter == self.text else f" (with topic_prefix: {quoted(self.filter)})"
        return f"{self.block_name}, {self.key} = {quoted(self.text)}{whole}"


def quoted(text: str) -> str:
    """An entry's text for messages: quoted, and for a direct message as the elements of `send` are written."""
    client_id, to, topic = text.rpartition(TO)
    return f'{{ to = "{client_id}", topics = ["{topic}"] }}' if to else f'"{text}"'


def with_prefix(text: str, key: Key, prefix: str) -> str:
    """An entry with the topic prefix, which client IDs do not have."""
    return text if key == "connect" else joined(below(prefix, split_template(text)))


def rules(text: str, key: Key, effect: Effect, *, widen: bool = False, topic_prefix: str = "") -> tuple[Rule, ...]:
    """Turns an entry into rules: one for each action, and with a prefix more for the reserved topics of a deny.

    Raises ValueError, with advice, if the entry is invalid or if no policy can express it exactly.
    """
    _check_placeholders(text, key)
    names = placeholder_names(text)
    if key == "connect":
        _check_client_id(text, effect, key)
        return (_client_rule(text, names, effect),)
    levels = split_template(text)
    _check_levels(levels, key)
    if levels[0] == TO:
        _check_client_id(levels[1], effect, key)
    if effect == "Allow" and not widen and not is_exact(levels):
        alone = " (only if no entry starts with $)" if levels[lead(levels)] == PLUS else ""
        raise ValueError(
            "no IoT policy can express a level between + and a final #: name the levels, remove the level, "
            f"or set widen = true in its grant, which allows deeper levels too{alone}"
        )
    filters = [below(topic_prefix, levels)]
    if topic_prefix and effect == "Deny" and (reserved := reserved_too(levels)):
        filters.append(reserved)
    pairs = [(action, each) for each in filters for action in (_ACTIONS if effect == "Allow" else _DENIED)[key]]
    return tuple(_rule(action, each, names, effect, widen=widen) for action, each in pairs)


def _client_rule(text: str, names: tuple[str, ...], effect: Effect) -> Rule:
    """The rule of a client ID, which has no levels: slashes mean nothing in it."""
    return Rule(
        action="iot:Connect",
        levels=(text,),
        names=filled_by(names, effect),
        allowed=as_format(f"client/{text}", names),
        denied=(),
        denied_globs=(),
        level_formats=(as_format(text, names),),
    )


def _rule(action: Action, levels: Levels, names: tuple[str, ...], effect: Effect, *, widen: bool) -> Rule:
    if action == "iot:Receive":
        levels = levels[lead(levels) :]
    kind = RESOURCE_TYPES[action]
    globs = denied_globs(levels, subscribe=action == "iot:Subscribe", widen=widen) if effect == "Allow" else ()
    return Rule(
        action=action,
        levels=levels,
        names=filled_by(names, effect),
        allowed=as_format(f"{kind}/{joined(allowed_glob(levels))}", names),
        denied=tuple(as_format(f"{kind}/{joined(glob)}", names) for glob in globs),
        denied_globs=globs,
        level_formats=tuple(as_format(level, names) for level in levels),
    )


def filled_by(names: tuple[str, ...], effect: Effect) -> tuple[str, ...]:
    """What fills placeholders. A deny must not lose what it denies because a client has no client ID."""
    return tuple(DENIED_CLIENT_ID if name == "client_id" and effect == "Deny" else name for name in names)


def _check_placeholders(text: str, key: Key) -> None:
    if len(text) > LONGEST_ENTRY or text.count("/") >= MOST_LEVELS:
        raise ValueError(f"expected at most {LONGEST_ENTRY} characters and {MOST_LEVELS} levels")
    if "${" in text:
        raise ValueError("policy variables are not allowed here: write {principal}, {client_id} or {claims.NAME}")
    check_names(text)
    literals = PLACEHOLDER.sub("", text)
    if "{" in literals or "}" in literals:
        raise ValueError("a brace has no partner: write placeholders as {principal}")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text.replace(TO, "", key == "send")):
        raise ValueError("control characters are not allowed")
    if "?" in literals:
        raise ValueError("? is a wildcard of IoT policies and is not allowed here")
    if "" in text.split(TO):
        raise ValueError("expected a topic filter or client ID, found an empty string")


def _check_client_id(text: str, effect: Effect, key: Key) -> None:
    literals = PLACEHOLDER.sub("", text)
    if PLUS in literals or HASH in literals:
        raise ValueError("+ and # have no meaning in client IDs: a * can be the last character, after a /")
    if "*" not in literals or (effect == "Deny" and literals.count("*") == 1 and text.endswith("*")):
        return
    if text == "*" and key == "send":
        return
    if text == "*":
        raise ValueError(
            "every client could take any client ID, and so disconnect any other client: "
            "write {principal}, {principal}/* or a prefix such as devices/*; if that is meant, write {client_id}"
        )
    if not text.endswith("/*") or literals.count("*") > 1 or text == "/*":
        raise ValueError(
            "a * must be the last character, after a /: "
            "with {principal}-*, the principal ann could connect as ann-marie, another principal"
        )


def _check_levels(levels: Levels, key: Key) -> None:
    if levels[0] == SHARE:
        _check_share(levels, key)
    topic = levels[lead(levels) :]
    if key == "send" and topic[0].startswith("$"):
        raise ValueError("IoT Core refuses direct messages on topics that start with $")
    for index, level in enumerate(topic):
        literal = PLACEHOLDER.sub("", level)
        if "*" in literal:
            raise ValueError("* is a wildcard of IoT policies: write + for one level, # for all levels that follow")
        if level in (PLUS, HASH):
            if level == HASH and index != len(topic) - 1:
                raise ValueError("# must be the last level")
        elif PLUS in literal or HASH in literal:
            raise ValueError("+ and # must be a whole level")


def _check_share(levels: Levels, key: Key) -> None:
    if key != "subscribe":
        raise ValueError("$share/… is allowed only in subscribe")
    if len(levels) < 3 or levels[1] == "" or levels[2:] == ("",) or any(sign in levels[1] for sign in "+#*"):
        raise ValueError("expected $share/NAME/FILTER, with a name without wildcards")
