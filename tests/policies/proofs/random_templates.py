"""Random templates with everything that the language has: conditions, denies, client IDs, shares, a topic prefix."""

from random import Random

from iot_policies import Deny, Grant, PolicyTemplate

_LEVELS = ("a", "b", "", "$x", "{principal}", "{claims.x}", "{claims.y.z}", "a-{claims.x}", "{claims.x}-{claims.w}")
_ANY_LEVEL = (*_LEVELS, "{client_id}", "+", "+", "+")
_CLIENT_IDS = ("{principal}", "{principal}/*", "c/*", "{client_id}", "a-{principal}", "{claims.x}/{principal}/*", "a")
_VALUES = ("a", "B", "7", 7, True, False, 1.5, "yes", "zz zz")
_NAMES = ("x", "y.z", "role", "scope", "on")
_ATTRIBUTES: tuple[list[str] | None, ...] = (
    None,
    None,
    [],
    ["LastWill"],
    ["PersistentConnect"],
    ["LastWill", "PersistentConnect"],
)


def random_template(draw: Random) -> PolicyTemplate:
    """A template that loads."""
    while True:
        try:
            blocks = [_block(draw, Grant) for _ in range(draw.randint(1, 3))]
            blocks += [_block(draw, Deny) for _ in range(draw.randint(0, 2))]
            return PolicyTemplate.of(blocks, topic_prefix=draw.choice(("", "", "dev", "a/b")))
        except ValueError:
            continue


def _block(draw: Random, kind: type[Grant | Deny]) -> Grant | Deny:
    keys: dict[str, object] = {
        "publish": [_filter(draw) for _ in range(draw.randint(0, 2))],
        "retain": [_filter(draw) for _ in range(draw.choice((0, 0, 1)))],
        "subscribe": [_shared(draw) for _ in range(draw.randint(0, 2))],
        "connect": [draw.choice((*_CLIENT_IDS, "*")) for _ in range(draw.choice((0, 0, 1, 2)))],
        "connect_with": draw.choice(_ATTRIBUTES),
        "receive": [_filter(draw) for _ in range(draw.choice((0, 0, 1)))],
        "read": [_filter(draw) for _ in range(draw.choice((0, 0, 0, 1)))],
        "send": [_send(draw) for _ in range(draw.choice((0, 0, 1, 2)))],
    }
    if draw.random() < 0.6:
        names = draw.sample(_NAMES, draw.randint(1, 2))
        keys["when"] = {name: draw.choice(("*", draw.choice(_VALUES), draw.sample(_VALUES, 2))) for name in names}
    return kind.model_validate(keys)


def _send(draw: Random) -> dict[str, object]:
    return {
        "to": draw.choice((*_CLIENT_IDS, "*", "{claims.x}", "{claims.x}")),
        "topics": [_filter(draw) for _ in range(draw.choice((1, 1, 2)))],
    }


def _filter(draw: Random) -> str:
    levels = [draw.choice(_ANY_LEVEL) for _ in range(draw.randint(1, 4))]
    return "/".join(levels) + draw.choice(("", "", "/#")) or "a"


def _shared(draw: Random) -> str:
    return draw.choice(("", "", "", "$share/g/", "$share/{claims.x}/")) + _filter(draw)
