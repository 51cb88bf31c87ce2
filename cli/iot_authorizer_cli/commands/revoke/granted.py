"""The client IDs by which a principal may be connected, as far as a template names them."""

from collections.abc import Iterator
from typing import NamedTuple

from iot_policies import PolicyError, PolicyTemplate, Principal
from iot_policies.entries import Entry
from iot_policies.placeholders import Values, as_format, placeholder_names

_LONGEST = 128
"""Characters: IoT Core's client IDs have no more."""


class Granted(NamedTuple):
    """What `connect` grants a principal."""

    client_ids: tuple[str, ...]
    """Those that can be told."""
    untold: tuple[str, ...]
    """Those that can't, as the template has them: `ann/*`, `{client_id}`, `{claims.device}`."""


def granted(template: PolicyTemplate, principal: Principal) -> Granted:
    """The client IDs of all grants that apply, and of those that would with other claims and name the principal.

    What a token said is not known, and a client ID with the principal's name in it is nobody else's.
    """
    values = Values(principal, None)
    client_ids: list[str] = []
    untold: list[str] = []
    for entry in template.entries:
        if entry.effect == "Allow" and entry.key == "connect" and _is_own(entry, principal):
            for text, told in _filled(entry, values):
                (client_ids if told else untold).append(text)
    return Granted(tuple(dict.fromkeys(filter(is_client_id, client_ids))), tuple(dict.fromkeys(untold)))


def is_client_id(text: str) -> bool:
    """Whether IoT Core's API takes it for one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return 1 <= len(text) <= _LONGEST and not text.startswith("$")


def _is_own(entry: Entry, principal: Principal) -> bool:
    return entry.block.applies(principal.claims) or bool(placeholder_names(entry.text))


def _filled(entry: Entry, values: Values) -> Iterator[tuple[str, bool]]:
    """An entry with its values, and whether it is one client ID now. Nothing where no policy has it."""
    names = placeholder_names(entry.text)
    try:
        known = tuple(name for name in names if values.combinations((name,)))
        for combination in values.combinations(known):
            found = dict(zip(known, combination, strict=True))
            filled = [found.get(name, f"{{{name}}}") for name in names]
            yield as_format(entry.text, names).format(*filled), known == names and not entry.text.endswith("*")
    except PolicyError:  # The authorizer lets nobody in with such values.
        return
