"""Writes MQTT topic filters as resource patterns of IoT policies, whose `*` also matches slashes."""

from iot_policies.topics import HASH, PLUS, Levels, lead


def allowed_glob(levels: Levels) -> str:
    """The pattern that covers a topic filter: `*` for each wildcard. It can match more, which `denied_globs` denies."""
    return "/".join("*" if level in (PLUS, HASH) else level for level in levels)


def is_exact(levels: Levels) -> bool:
    """Whether patterns can express the filter exactly: no text level is between a `+` and a final `#`."""
    if HASH not in levels:
        return True
    wild = [level in (PLUS, HASH) for level in levels]
    return all(wild[wild.index(True) :])


def denied_globs(levels: Levels, *, subscribe: bool, widen: bool = False) -> tuple[str, ...]:
    """The patterns for what `allowed_glob` matches beyond the filter's topics (`subscribe`: beyond filters within it).

    `*` also matches slashes. With one `*` doubled, as `*/*`, the pattern matches exactly the texts with too many
    levels. A leading wildcard also matches `$…`, and a trailing `+` also matches the text `#`. With `widen`, deeper
    levels are meant to be allowed, but not `$…`.
    """
    start = lead(levels)
    glob = ["*" if level in (PLUS, HASH) else level for level in levels]
    denied: dict[str, None] = {}
    if HASH not in levels and not widen:
        for index, level in enumerate(levels):
            if level == PLUS:
                denied["/".join([*glob[:index], "*", *glob[index:]])] = None
        if subscribe and levels[-1] == PLUS:
            denied["/".join([*glob[:-1], HASH])] = None
    if levels[start] in (PLUS, HASH):
        denied["/".join([*glob[:start], "$*", *glob[start + 1 :]])] = None
    return tuple(denied)
