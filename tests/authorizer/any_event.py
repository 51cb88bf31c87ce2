"""Any event: random JSON, values that are not JSON, and valid events with something changed."""

from base64 import b64encode
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.authorizer.events import event, every_source
from tests.authorizer.tokens import mint

texts = st.text(st.characters(), max_size=20)
encoded = st.binary(max_size=20).map(lambda data: b64encode(data).decode())
query_strings = st.text("?&=%+aceknot_Bearer.20 ff\ud800", max_size=30)
names = st.sampled_from(
    (
        *("token", "signatureVerified", "protocols", "protocolData", "connectionMetadata", "tls", "http", "mqtt"),
        *("headers", "queryString", "username", "password", "clientId", "id", "serverName", "Authorization"),
    )
)
odd = st.sampled_from(
    ("Bearer ", "bearer x", "Basic YTpi", "..", "eyJ.e30.", "ann?", "?token=%ff", "YQ==", "a" * 9000, "{}", "null")
)
leaves = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), texts, encoded, query_strings, odd),
    *(st.binary(max_size=8), st.just(10**4000), st.builds(object), st.just(b"\xff"), st.complex_numbers()),
)
keys = st.one_of(names, names, texts, st.integers(), st.none())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=4),
        st.tuples(inner),
        st.frozensets(st.integers(), max_size=2),
    ),
    max_leaves=12,
)

optional_texts = st.none() | texts | encoded | query_strings | odd
shaped = st.fixed_dictionaries(
    {},
    optional={
        "token": optional_texts,
        "signatureVerified": st.none() | st.booleans(),
        "protocols": st.lists(texts, max_size=2),
        "connectionMetadata": st.fixed_dictionaries({}, optional={"id": optional_texts}),
        "protocolData": st.fixed_dictionaries(
            {},
            optional={
                "tls": st.fixed_dictionaries({}, optional={"serverName": optional_texts}),
                "http": st.fixed_dictionaries(
                    {},
                    optional={
                        "headers": st.dictionaries(names | texts, texts | odd, max_size=3),
                        "queryString": optional_texts,
                    },
                ),
                "mqtt": st.fixed_dictionaries(
                    {}, optional={"username": optional_texts, "password": optional_texts, "clientId": optional_texts}
                ),
            },
        ),
    },
)
"""Events of the right shape with anything in it: these get furthest."""

VALID = [*every_source(mint(exp=2**37)).values(), event(user_name="ann", password=b"secret"), event(client_id="ann")]


@st.composite
def changed(draw: st.DrawFn) -> object:
    """A valid event in which something is replaced, renamed, or gone."""
    mutant: Any = deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, mutant)
    return mutant


def _change(draw: st.DrawFn, mutant: dict[Any, Any]) -> None:
    while mutant:
        key = draw(st.sampled_from(sorted(mutant, key=repr)))
        if isinstance(mutant[key], dict) and mutant[key] and draw(st.booleans()):
            mutant = mutant[key]
            continue
        _replace(draw, mutant, key)
        return


def _replace(draw: st.DrawFn, mutant: dict[Any, Any], key: object) -> None:
    value = mutant.pop(key)
    match draw(st.sampled_from(("gone", "renamed", "other", "cut", "longer"))):
        case "renamed":
            mutant[draw(keys)] = value
        case "other":
            mutant[key] = draw(values)
        case "cut" if isinstance(value, str):
            mutant[key] = value[: draw(st.integers(0, len(value)))]
        case "longer" if isinstance(value, str):
            mutant[key] = value + draw(texts | query_strings)


any_event: st.SearchStrategy[object] = st.one_of(values, shaped, shaped, changed(), changed())
