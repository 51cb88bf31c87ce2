"""Topic filters as resource patterns of an IoT policy, which knows only `*`, and `*` crosses levels."""

from iot_policies.topics import HASH, PLUS, Levels, lead


def allowed_glob(levels: Levels) -> str:
    """The resource pattern that covers a topic filter: `*` for each wildcard. It may cover more: see `denied_globs`."""
    return "/".join("*" if level in (PLUS, HASH) else level for level in levels)


def is_exact(levels: Levels) -> bool:
    """Whether globs can stand for the filter: no text level lies between a `+` and a final `#`."""
    if HASH not in levels:
        return True
    wild = [level in (PLUS, HASH) for level in levels]
    return all(wild[wild.index(True) :])


def denied_globs(levels: Levels, *, subscribe: bool, widen: bool = False) -> tuple[str, ...]:
    """What `allowed_glob` covers beyond the filter's own topics (or, for `subscribe`, the filters within it).

    `*` crosses levels. Doubling one star gives all that has too many of them, since the pattern's own slashes are
    all that a right topic has. A leading wildcard also covers `$…`, and a trailing `+` the text `#`. With `widen`,
    deeper levels are meant to be covered, but not `$…`.
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
