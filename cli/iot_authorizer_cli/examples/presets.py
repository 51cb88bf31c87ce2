"""Example principals that fit any template."""

from collections.abc import Mapping
from typing import TypedDict

from iot_policies import Deny, Grant, PolicyTemplate
from iot_policies.grants import Scalar
from iot_policies.placeholders import placeholder_names

_SAMPLES: Mapping[str, object] = {
    "rooms": ["lobby"],
    "channels": ["news"],
    "devices": ["pump-7"],
    "site": "berlin",
}
"""Values for the claims of the ready templates."""
_PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
_DEVICE = "pump-7"

_Literals = tuple[tuple[str, Scalar], ...]


class Preset(TypedDict):
    """An example principal, and the label that says what it shows."""

    label: str
    principal: str
    claims: dict[str, object]


def presets(template: PolicyTemplate) -> list[Preset]:
    """Returns one principal for each kind of principal that the template distinguishes, and one without claims.

    Grants with the same `when`, such as role = "device", are for one kind. Grants without `when` are for every kind.
    """
    kinds: dict[_Literals, dict[str, object]] = {}
    for block in template.blocks:
        kinds.setdefault(_literals(block), {}).update(_samples(block))
    everybody = kinds.pop((), None)
    found: list[Preset] = [] if everybody is None else [_preset("", _PEOPLE[0], everybody)]
    people = iter(_PEOPLE[len(found) :])
    for literals, samples in list(kinds.items())[: len(_PEOPLE) - 1]:
        label = ", ".join(value if isinstance(value, str) else name for name, value in literals)
        name = _DEVICE if label == "device" else next(people, _PEOPLE[-1])
        found.append(_preset(label, name, {**(everybody or {}), **samples, **dict(literals)}))
    return [*found, _preset("no claims", "mallory", {})]


def _preset(label: str, name: str, claims: dict[str, object]) -> Preset:
    return Preset(label=f"{name}, {label}" if label else name, principal=name, claims=claims)


def _literals(block: Grant | Deny) -> _Literals:
    """The claim values that a grant or a deny asks for; the first one of a list."""
    when = {name: wanted[0] if isinstance(wanted, tuple) else wanted for name, wanted in (block.when or {}).items()}
    return tuple((name, wanted) for name, wanted in when.items() if wanted != "*")


def _samples(block: Grant | Deny) -> dict[str, object]:
    """A value for each claim that must exist, with any value."""
    names = [name for name, wanted in (block.when or {}).items() if wanted == "*"]
    for _, _, text in block.entries():
        names += [name.removeprefix("claims.") for name in placeholder_names(text) if name.startswith("claims.")]
    return {name: sample(name) for name in names}


def sample(name: str) -> object:
    """An example value for a claim: a list if its name is a plural."""
    if name in _SAMPLES:
        return _SAMPLES[name]
    word = name.rpartition(".")[2].rpartition("/")[2].rpartition(":")[2]
    return [f"{word[:-1]}-1"] if word.endswith("s") and not word.endswith("ss") else f"{word}-1"
