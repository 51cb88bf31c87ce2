"""A preparation with stand-ins, filled with the values of the function's variables, is what the checks would make."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_authorizer.configuration import load_configuration
from iot_authorizer.late_values import late_texts
from iot_authorizer.preparation import Preparation, read_preparation, write_preparation
from iot_authorizer.preparing import prepare
from iot_policies import InvalidFile
from iot_policies.policy_plan import PolicyPlan
from iot_policies.session_times import SessionTimes
from tests.authorizer.handlers import table, write
from tests.effort import examples

POOL, CLIENT, OTHER = (f"known-{number}-when-deployed" for number in range(3))
NO_PLAN = PolicyPlan("sub", SessionTimes(), (), (), ())
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


def checked(folder: Path, variables: Mapping[str, str]) -> Preparation:
    """What the checks make of the configuration that `read` wrote. Raises InvalidFile."""
    return prepare(load_configuration(folder / "authorizer.toml", variables), folder)


def said(preparation: Preparation) -> tuple[object, ...]:
    """All that a preparation says, in a form that can be compared."""
    use = preparation.table_use
    other = replace(use, stored_claims=tuple(sorted(use.stored_claims)))
    return replace(preparation, plan=NO_PLAN, table_use=other), json.dumps(preparation.plan.to_json())


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
    "two values for one text": (
        jwt(cognito(POOL, CLIENT, jwks=f"https://{POOL}")),
        jwt(cognito(REAL, "c", jwks="https://other.example")),
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


def test_a_text_in_another_key_stays_as_it_is(tmp_path: Path) -> None:
    others = {"token_type": POOL, "required_claims": [POOL, CLIENT], "client_claim": CLIENT}
    claims = {"AUTHORIZER__ANONYMOUS": json.dumps({"principal": "guest", "claims": {"issuer": POOL}})}
    built, found = jwt(cognito(POOL, CLIENT, **others)), jwt(cognito(REAL, "c", **others))
    preparation = read(tmp_path, {**built, **claims}, {**found, **claims})
    assert preparation is not None
    assert said(preparation) == said(checked(tmp_path, {**found, **claims}))


@pytest.mark.parametrize("name", ["AUTHORIZER__ANONYMOUS", "AUTHORIZER__JWTS"])
def test_a_variable_of_another_table_has_no_stand_ins(tmp_path: Path, name: str) -> None:
    built, found = (json.dumps({"principal": "guest", "claims": {"issuer": pool}}) for pool in (POOL, "a.example"))
    assert late_texts({name: built}, {name: found}) is None


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


TEXTS = ("c.example", "YOUR", "login.microsoftonline.com/common", "a@b", "a:1", "a/")
GOOD = ("a", "B.c", "a/b", "d.example/eu-1_x", "a..b", "x-1", "3n4b5urk")
VALUES = st.sampled_from((*GOOD * 6, *TEXTS, "", "\xe4"))
pools = st.sampled_from((POOL, POOL, OTHER, "c.example", f"x.{POOL}", f"{POOL}.{OTHER}", f"{POOL}{OTHER}"))
own_texts = st.sampled_from((CLIENT, OTHER, "a"))
late_tables = st.lists(
    st.builds(
        cognito,
        pools,
        own_texts,
        token_use=st.sampled_from(("access", "id", None)),
        stored_claims=st.sampled_from((False, False, False, False, True)),
        audience=st.lists(own_texts, max_size=2),
        jwks=pools.map("https://{}/jwks.json".format) | st.sampled_from(("keys.json", f"http://localhost/{POOL}")),
        token_type=st.none() | own_texts,
        required_claims=st.none() | st.lists(own_texts, max_size=2),
        client_claim=st.none() | own_texts,
    ).map(lambda table: {key: value for key, value in table.items() if value is not None}),
    min_size=1,
    max_size=3,
)
signed_tokens = st.dictionaries(st.just("issuer"), pools.map("https://{}".format), max_size=1)


def substituted(variables: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The variables with values instead of stand-ins, as CloudFormation joins them."""
    found = dict(variables)
    for stand_in, late in values.items():
        found = {name: text.replace(stand_in, late) for name, text in found.items()}
    return found


CHANGES: Mapping[str, Callable[[str], str]] = {
    "nothing": str,
    "spaces": lambda text: f"\n{text} ",
    "escapes": lambda text: text.replace("/", "\\/").replace("a", "\\u0061"),
    "an empty list": lambda text: text[:1] + text[-1:],
    "one more": lambda text: text.replace("[{", "[{}, {", 1),
    "another type": lambda text: text.replace("true", "1"),
    "another stand-in": lambda text: text.replace("a", CLIENT),
    "small letters": str.lower,
}
"""What may be wrong with a variable, or written in another way."""


@given(
    late_tables,
    signed_tokens,
    st.fixed_dictionaries(dict.fromkeys((POOL, CLIENT, OTHER), VALUES)),
    st.sampled_from(sorted({*CHANGES})) | st.just("nothing"),
)
@examples(1)
def test_what_is_filled_in_is_what_the_checks_would_make(
    tables: Sequence[Mapping[str, object]], signed: Mapping[str, str], values: Mapping[str, str], change: str
) -> None:
    built = jwt(*tables) | {f"AUTHORIZER__SIGNED_TOKENS__{key.upper()}": text for key, text in signed.items()}
    found = substituted(built, values)
    found["AUTHORIZER__JWT"] = CHANGES[change](found["AUTHORIZER__JWT"])
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            filled = read(
                folder, built, found, 'table = "identities"', table("[signed_tokens]", issuer="signed"), ANYONE
            )
        except InvalidFile:
            event("refused by the build")
            return
        event("left to the checks" if filled is None else f"filled in, {change}")
        if filled is not None:
            assert said(filled) == said(checked(folder, found))
