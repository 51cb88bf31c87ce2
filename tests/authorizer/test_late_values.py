"""A preparation with stand-ins, filled with the values of the function's variables, is what the checks would make."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import Preparation, read_preparation, write_preparation
from iot_authorizer.preparing import prepare
from iot_policies import InvalidFile
from tests.authorizer.handlers import table, write
from tests.effort import examples

POOL, CLIENT, OTHER = (f"known-{number}-when-deployed" for number in range(3))
ANYONE = table("[anonymous]", principal="guest")


def cognito(pool: str, *clients: str, **others: object) -> dict[str, object]:
    """A `[[jwt]]` table, as `Issuer.cognito` makes it."""
    issuer = {"issuer": f"https://{pool}", "jwks": f"https://{pool}/.well-known/jwks.json", "algorithms": ["RS256"]}
    return {**issuer, "token_use": "access", "client_id": [*clients], **others}


def read(folder: Path, built: Mapping[str, str], found: Mapping[str, str], *tables: str) -> Preparation | None:
    """What a function with some variables reads, of the build with others."""
    config = write(folder, *(tables or (ANYONE,)))
    preparation = prepare(load_configuration(config, built), folder)
    write_preparation(preparation, config, [Path("policy.toml")], built)
    return read_preparation(config, found)


def jwt(*tables: object) -> dict[str, str]:
    return {"AUTHORIZER__JWT": json.dumps(tables)}


REAL = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3dE5gH7"


def test_a_user_pool_of_the_same_stack_is_filled_in(tmp_path: Path) -> None:
    compact = {"AUTHORIZER__JWT": json.dumps([cognito(REAL, "3n4b5urk")], separators=(",", ":"))}
    found = read(tmp_path, jwt(cognito(POOL, CLIENT)), compact)
    assert found is not None
    (issuer,) = found.issuers
    assert (issuer.expects.issuer, issuer.expects.client_id) == (f"https://{REAL}", ("3n4b5urk",))
    assert issuer.url == f"https://{REAL}/.well-known/jwks.json"


REFUSED: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "another algorithm": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, "c", algorithms=["RS512"]))),
    "another key": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, "c", leeway="1m"))),
    "a client more": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, "c", "d"))),
    "an issuer more": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, "c"), cognito("b.example", "c"))),
    "two values for one stand-in": (
        jwt(cognito(POOL, CLIENT)),
        jwt(cognito(REAL, "c", jwks="https://other.example/.well-known/jwks.json")),
    ),
    "one value for two stand-ins": (
        jwt(cognito(POOL, CLIENT), cognito(OTHER, CLIENT)),
        jwt(cognito(REAL, "c"), cognito(REAL, "c")),
    ),
    "the issuer of another table": (
        jwt(cognito(POOL, CLIENT), cognito("b.example", CLIENT)),
        jwt(cognito("b.example", "c"), cognito("b.example", "c")),
    ),
    "another scheme": (
        jwt(cognito(POOL, CLIENT)),
        jwt(cognito(REAL, "c", jwks=f"http://{REAL}/.well-known/jwks.json")),
    ),
    "a user in the URL": (jwt(cognito(POOL, CLIENT)), jwt(cognito(f"a@{REAL}", "c"))),
    "a placeholder": (jwt(cognito(POOL, CLIENT)), jwt(cognito("YOUR.example", "c"))),
    "several tenants": (jwt(cognito(POOL, CLIENT)), jwt(cognito("login.microsoftonline.com/common", "c"))),
    "an OpenID configuration": (
        jwt(cognito(POOL, CLIENT)),
        jwt(cognito("a.example/.well-known/openid-configuration", "c")),
    ),
    "no text": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, 7))),  # type: ignore[arg-type]
    "an empty text": (jwt(cognito(POOL, CLIENT)), jwt(cognito(REAL, ""))),
    "no JSON": (jwt(cognito(POOL, CLIENT)), {"AUTHORIZER__JWT": "[{"}),
    "a key twice": (jwt(cognito(POOL, CLIENT)), {"AUTHORIZER__JWT": '[{"issuer": "a", "issuer": "b"}]'}),
    "no variable": (jwt(cognito(POOL, CLIENT)), {}),
    "another variable": (jwt(cognito(POOL, CLIENT)), {**jwt(cognito(REAL, "c")), "AUTHORIZER__TOPIC_PREFIX": "dev"}),
}


@pytest.mark.parametrize(("built", "found"), REFUSED.values(), ids=REFUSED)
def test_it_is_left_to_the_checks_if_there_is(
    tmp_path: Path, built: Mapping[str, str], found: Mapping[str, str]
) -> None:
    assert read(tmp_path, built, found) is None


def test_a_stand_in_in_another_key_is_no_stand_in(tmp_path: Path) -> None:
    built, found = jwt(cognito(POOL, CLIENT, token_type=OTHER)), jwt(cognito(REAL, "c", token_type="AT"))
    assert read(tmp_path, built, found) is None


def test_single_keys_may_be_late_too(tmp_path: Path) -> None:
    built = {
        "AUTHORIZER__SIGNED_TOKENS__ISSUER": f"https://{POOL}",
        "AUTHORIZER__SIGNED_TOKENS__AUDIENCE": f'["{CLIENT}"]',
    }
    found = {"AUTHORIZER__SIGNED_TOKENS__ISSUER": f"https://{REAL}", "AUTHORIZER__SIGNED_TOKENS__AUDIENCE": '["c"]'}
    preparation = read(tmp_path, built, found, table("[signed_tokens]", issuer="a", audience=["b"]))
    assert preparation is not None
    assert preparation.signed is not None
    assert (preparation.signed.issuer, preparation.signed.audience) == (f"https://{REAL}", ("c",))


TEXTS = ("a", "B.c", "a/b", "c.example", "YOUR", "a..b", "x-1", "login.microsoftonline.com/common", "a@b", "a:1", "a/")
VALUES = st.sampled_from((*TEXTS, "", "\xe4"))
late_tables = st.lists(
    st.builds(
        cognito,
        st.sampled_from((POOL, OTHER, "c.example", f"x.{POOL}", f"{POOL}.{OTHER}")),
        st.sampled_from((CLIENT, OTHER, "a")),
        token_use=st.sampled_from(("access", "id", None)),
        stored_claims=st.sampled_from((False, False, True)),
    ).map(lambda table: {key: value for key, value in table.items() if value is not None}),
    min_size=1,
    max_size=3,
)


def substituted(tables: Sequence[object], values: Mapping[str, str]) -> list[object]:
    text = json.dumps(tables)
    for stand_in, late in values.items():
        text = text.replace(stand_in, late)
    found: list[object] = json.loads(text)
    return found


@given(late_tables, st.fixed_dictionaries(dict.fromkeys((POOL, CLIENT, OTHER), VALUES)))
@examples(1)
def test_what_is_filled_in_is_what_the_checks_would_make(
    tables: Sequence[Mapping[str, object]], values: Mapping[str, str]
) -> None:
    built, found = jwt(*tables), jwt(*substituted(tables, values))
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            filled = read(folder, built, found, 'table = "identities"', ANYONE)
        except InvalidFile:
            event("refused by the build")
            return
        event("left to the checks" if filled is None else "filled in")
        if filled is None:
            return
        checked = prepare(load_configuration(folder / "authorizer.toml", found), folder)
        assert filled.issuers == checked.issuers
        assert sorted(filled.table_use.stored_claims) == sorted(checked.table_use.stored_claims)
