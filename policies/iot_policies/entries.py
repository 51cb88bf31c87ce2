"""One entry of a template, such as `rooms/{claims.rooms}/#`: its grammar, and the rules it stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from iot_policies.globs import allowed_glob, denied_globs, is_exact
from iot_policies.grants import ConnectAttribute, Deny, Grant, Key
from iot_policies.placeholders import PLACEHOLDER, as_format, placeholder_names, split_template
from iot_policies.topics import HASH, PLUS, SHARE, Levels, lead

Effect = Literal["Allow", "Deny"]
Action = Literal["iot:Connect", "iot:Publish", "iot:RetainPublish", "iot:Subscribe", "iot:Receive"]

LONGEST_ENTRY, MOST_LEVELS = 1024, 32
"""Characters, and levels: far beyond what IoT Core takes (256 bytes, 8 levels), and quick to check."""

_ACTIONS: dict[tuple[Effect, Key], tuple[Action, ...]] = {
    ("Allow", "connect"): ("iot:Connect",),
    ("Allow", "publish"): ("iot:Publish",),
    ("Allow", "retain"): ("iot:Publish", "iot:RetainPublish"),
    ("Allow", "subscribe"): ("iot:Subscribe", "iot:Receive"),
    ("Deny", "connect"): ("iot:Connect",),
    ("Deny", "publish"): ("iot:Publish",),
    ("Deny", "retain"): ("iot:RetainPublish",),
    ("Deny", "subscribe"): ("iot:Subscribe", "iot:Receive"),
}


def in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Actions, each once, in one order for all."""
    found = set(actions)
    return tuple(action for action in RESOURCE_TYPES if action in found)


RESOURCE_TYPES: dict[Action, str] = {
    "iot:Connect": "client",
    "iot:Publish": "topic",
    "iot:RetainPublish": "topic",
    "iot:Subscribe": "topicfilter",
    "iot:Receive": "topic",
}


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What one entry says of one action, with its placeholders still in it."""

    action: Action
    levels: Levels
    """The topic filter that the action is about, for `iot:Receive` without the `$share/NAME/` of a subscription.

    For a client ID, its text alone.
    """
    names: tuple[str, ...]
    allowed: str
    """The resource behind the ARN's last colon, as `topic/a/*`, with numbered placeholders."""
    denied: tuple[str, ...]
    denied_globs: tuple[str, ...]
    """As `denied`, with the placeholders' names, and without the resource type."""
    level_formats: tuple[str, ...]
    """`levels`, with numbered placeholders."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of a template, with where it stands."""

    effect: Effect
    block: Grant | Deny
    block_index: int
    """Its place among all blocks of the template, grants before denials."""
    number: int
    """Its place among the grants, or among the denials."""
    key: Key
    index: int
    text: str
    attributes: tuple[ConnectAttribute, ...] | None
    """For a client ID, the connect attributes that its grant allows or its deny denies; None for all."""
    rules: tuple[Rule, ...]

    @property
    def location(self) -> tuple[str | int, ...]:
        """Where the entry stands in its file: `("grant", 0, "publish", 1)`."""
        return (*self.block_location, self.key, self.index)

    @property
    def block_location(self) -> tuple[str | int, ...]:
        """Where its grant or deny stands: `("grant", 0)`."""
        return ("grant" if self.effect == "Allow" else "deny", self.number)

    @property
    def block_name(self) -> str:
        """What to call its grant or deny: `grant "rooms"`, or `grant[1]` where it has no name."""
        kind, index = self.block_location
        return f"{kind}[{index}]" if self.block.name is None else f'{kind} "{self.block.name}"'

    def __str__(self) -> str:
        return f'{self.block_name}, {self.key} = "{self.text}"'


def rules(text: str, key: Key, effect: Effect, *, widen: bool = False) -> tuple[Rule, ...]:
    """The rules that an entry stands for.

    Raises ValueError, with advice, for an entry that is against the grammar or that no policy can stand for exactly.
    """
    _check_placeholders(text)
    names = placeholder_names(text)
    if key == "connect":
        _check_client_id(text, effect)
        return (_client_rule(text, names),)
    levels = split_template(text)
    _check_levels(levels, key)
    if effect == "Allow" and not widen and not is_exact(levels):
        raise ValueError(
            "no IoT policy can tell a level apart that stands between + and a final #: name the levels, "
            "leave the level out, or say widen = true in its grant and allow deeper levels too"
        )
    return tuple(_rule(action, levels, names, effect, widen=widen) for action in _ACTIONS[effect, key])


def _client_rule(text: str, names: tuple[str, ...]) -> Rule:
    """A client ID has no levels: it is one text, whatever slashes it has."""
    return Rule(
        action="iot:Connect",
        levels=(text,),
        names=names,
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
        names=names,
        allowed=as_format(f"{kind}/{allowed_glob(levels)}", names),
        denied=tuple(as_format(f"{kind}/{glob}", names) for glob in globs),
        denied_globs=globs,
        level_formats=tuple(as_format(level, names) for level in levels),
    )


def _check_placeholders(text: str) -> None:
    if len(text) > LONGEST_ENTRY or text.count("/") >= MOST_LEVELS:
        raise ValueError(f"expected at most {LONGEST_ENTRY} characters and {MOST_LEVELS} levels")
    if "${" in text:
        raise ValueError("policy variables don't belong here: write {principal}, {client_id} or {claims.NAME}")
    for name in PLACEHOLDER.findall(text):
        if name not in ("principal", "client_id") and not (name.startswith("claims.") and len(name) > len("claims.")):
            raise ValueError(
                f"unknown placeholder {{{name}}}: expected {{principal}}, {{client_id}} or {{claims.NAME}}"
            )
    literals = PLACEHOLDER.sub("", text)
    if "{" in literals or "}" in literals:
        raise ValueError("a brace without its partner")
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise ValueError("a control character")
    if "?" in literals:
        raise ValueError("? is a wildcard of IoT policies and can't stand here")
    if text == "":
        raise ValueError("expected a topic filter or client ID, found an empty text")


def _check_client_id(text: str, effect: Effect) -> None:
    literals = PLACEHOLDER.sub("", text)
    if PLUS in literals or HASH in literals:
        raise ValueError("+ and # mean nothing in client IDs: a * may end one, behind a /")
    if "*" not in literals or (effect == "Deny" and literals.count("*") == 1 and text.endswith("*")):
        return
    if not text.endswith("/*") or literals.count("*") > 1 or text == "/*":
        raise ValueError(
            "a * may only be the last character, and only behind a /: "
            "with {principal}-* the principal ann could connect as ann-marie, who is somebody else"
        )


def _check_levels(levels: Levels, key: Key) -> None:
    if levels[0] == SHARE:
        _check_share(levels, key)
        levels = levels[2:]
    for index, level in enumerate(levels):
        literal = PLACEHOLDER.sub("", level)
        if "*" in literal:
            raise ValueError("* is a wildcard of IoT policies: write + for one level, # for all that follow")
        if level in (PLUS, HASH):
            if level == HASH and index != len(levels) - 1:
                raise ValueError("# must be the last level")
        elif PLUS in literal or HASH in literal:
            raise ValueError("+ and # must be a whole level")


def _check_share(levels: Levels, key: Key) -> None:
    if key != "subscribe":
        raise ValueError("$share/… belongs under subscribe")
    if len(levels) < 3 or levels[1] == "" or levels[2:] == ("",) or any(sign in levels[1] for sign in "+#*"):
        raise ValueError("expected $share/NAME/FILTER, with a name without wildcards")
