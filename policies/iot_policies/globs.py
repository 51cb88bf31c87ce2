"""Writes MQTT topic filters as patterns of IoT policies, whose `*` also matches slashes: level by level."""

from iot_policies.topics import HASH, PLUS, Levels, lead


def allowed_glob(levels: Levels) -> Levels:
    """The pattern that covers a topic filter: `*` for each wildcard. It can match more, which `denied_globs` denies."""
    return tuple("*" if level in (PLUS, HASH) else level for level in levels)


def is_exact(levels: Levels) -> bool:
    """Whether patterns can express the filter exactly: no text level is between a `+` and a final `#`."""
    if HASH not in levels:
        return True
    wild = [level in (PLUS, HASH) for level in levels]
    return all(wild[wild.index(True) :])


def denied_globs(levels: Levels, *, subscribe: bool, widen: bool = False) -> tuple[Levels, ...]:
    """The patterns for what `allowed_glob` matches beyond the filter's topics (`subscribe`: beyond filters within it).

    `*` also matches slashes. With one `*` doubled, as `*/*`, the pattern matches exactly the texts with too many
    levels. A leading wildcard also matches `$…`, and a trailing `+` also matches the text `#`. With `widen`, deeper
    levels are meant to be allowed, but not `$…`.
    """
    start = lead(levels)
    glob = allowed_glob(levels)
    denied: dict[Levels, None] = {}
    if HASH not in levels and not widen:
        for index, level in enumerate(levels):
            if level == PLUS:
                denied[(*glob[:index], "*", *glob[index:])] = None
        if subscribe and levels[-1] == PLUS:
            denied[(*glob[:-1], HASH)] = None
    if levels[start] in (PLUS, HASH):
        denied[(*glob[:start], "$*", *glob[start + 1 :])] = None
    return tuple(denied)
