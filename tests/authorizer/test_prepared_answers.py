"""An authorizer that starts from its preparation answers as one that checks its files: random files, variables, events.

A configuration or a template that is refused makes Hypothesis look for another.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, given, reject
from hypothesis import strategies as st

from iot_authorizer import Observer
from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.development import TABLE as DEVELOPMENT_TABLE
from iot_authorizer.preparation import Preparation, read_preparation, write_preparation
from iot_authorizer.preparing import prepare
from iot_authorizer.response import AuthorizerResponse
from iot_policies import InvalidFile
from tests.authorizer.any_event import changed, shaped
from tests.authorizer.events import Event, anonymous, every_source
from tests.authorizer.handlers import NAME, Line, Running
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint
from tests.effort import examples
from tests.policies.templates import blocks

KEYS = [signing_key("RS256"), signing_key("ES256"), signing_key("EdDSA")]
ISSUERS = st.sampled_from((*["https://one.example/"] * 3, "https://two.example/"))
VARIABLES: tuple[Mapping[str, str], ...] = ({}, {"AUTHORIZER__TOPIC_PREFIX": "dev"}, {"AUTHORIZER__NAME": "known-late"})
LATE: tuple[Mapping[str, str], ...] = ({}, {"AUTHORIZER__NAME": "late"}, {"AUTHORIZER__TABLE": "late"})
"""What a deployment may add."""


def some(*texts: str, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(texts), min_size=least, max_size=2, unique=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(-1, 1e30) | st.sampled_from("abx"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(("one", "er")), inner, max_size=2),
    max_leaves=4,
)
claims = st.dictionaries(st.sampled_from(("one", "many", "role", "deep", "deep.er")), json_values, max_size=4)
wanted = st.lists(st.booleans() | st.sampled_from((0, 1, 1.0, 0.5, 10**20, "x", "a", "1")), min_size=1, max_size=2)
whens = st.dictionaries(st.sampled_from(("role", "one", "deep.er")), st.just("*") | wanted, min_size=1, max_size=2)
signed = {"issuer": ISSUERS, "audience": st.sampled_from((["chat"], ["chat", "web"], ["web"]))}
checked = {
    "leeway": st.sampled_from(("0s", "5m")),
    "required_claims": st.sampled_from(([], ["sub"], ["one", "deep.er"])),
    "token_type": st.sampled_from(("JWT", "application/jwt", "at+jwt")),
    "ignore_header": some("jku", "jwk"),
}
algorithms = st.sampled_from((["RS256", "ES256", "EdDSA"], ["RS256", "ES256", "Ed25519"], ["RS256"]))
jwt = st.fixed_dictionaries({**signed, "algorithms": algorithms, "jwks": st.just("keys.json")}) | st.fixed_dictionaries(
    {**signed, "algorithms": algorithms, "jwks": st.just("keys.json")},
    optional={**checked, "client_id": some("a", "b", least=1), "token_use": st.sampled_from(("access", "id"))},
)
tables = {
    "signed_tokens": st.fixed_dictionaries(signed, optional=checked),
    "anonymous": st.fixed_dictionaries({"principal": st.just("guest"), "claims": claims}),
    "table": st.just("identities"),
}


def toml(value: object) -> str:
    """A value in TOML, on one line."""
    if isinstance(value, Mapping):
        return (
            f"{{{', '.join(f'{json.dumps(key)} = {toml(each)}' for key, each in value.items() if each is not None)}}}"
        )
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


@st.composite
def templates(draw: st.DrawFn) -> str:
    claim = draw(st.sampled_from((*["sub"] * 5, "deep.er")))
    times = {"spread": "0%", "disconnect_after": draw(st.sampled_from(("5m", "1h"))), "refresh_after": "6m"}
    lines = [f"principal = {toml(claim)}", f"session = {toml(times)}"]
    for index, kind in enumerate(("grant", "grant", *draw(st.sampled_from(((), ("deny",)))))):
        first: dict[str, object] = {"connect": ["{principal}"], "publish": draw(some("a", "a/{claims.one}", "+/a"))}
        block = first if index == 0 else {**draw(blocks()), "connect": draw(some("{principal}/*", "{client_id}"))}
        block |= draw(st.sampled_from(({}, {"connect_with": ["LastWill"]})))
        block |= {"when": draw(whens)} if index and draw(st.booleans()) else {}
        lines += [f"[[{kind}]]", *(f"{key} = {toml(value)}" for key, value in block.items())]
    return "\n".join(lines)


@st.composite
def configurations(draw: st.DrawFn) -> tuple[str, Mapping[str, str]]:
    """A configuration, and variables, which may have its issuers."""
    found: dict[str, Any] = {"name": NAME, "policy": "policy.toml", "token_key_name": "token"}
    found |= draw(st.fixed_dictionaries({}, optional=tables))
    issuers, variables = draw(st.lists(jwt, max_size=3)), draw(st.sampled_from(VARIABLES))
    if draw(st.booleans()):
        variables = {**variables, "AUTHORIZER__JWT": json.dumps(issuers)}
    else:
        found["jwt"] = issuers
    return "\n".join(f"{key} = {toml(value)}" for key, value in found.items()), variables


@st.composite
def tokens(draw: st.DrawFn) -> Event:
    """An event with a token that fits some configurations."""
    said = {
        **draw(claims),
        "iss": draw(ISSUERS),
        "iat": 10**9,
        "exp": 2**37,
        "sub": draw(st.sampled_from(("ann", "a/b", 7))),
        "aud": draw(st.sampled_from(("chat", "chat", "web", ["chat", "web"], ...))),
        "client_id": draw(st.sampled_from(("a", "b", ...))),
        "token_use": draw(st.sampled_from(("access", "id", ...))),
    }
    head = {"typ": draw(st.sampled_from(("JWT", "JWT", "at+jwt"))), "jku": draw(st.sampled_from((*[...] * 5, "x")))}
    sources = every_source(mint(draw(st.sampled_from(KEYS)), head=head, **said)).values()
    verified = {"signatureVerified": draw(st.sampled_from((None, True)))}
    return draw(st.sampled_from([*sources])) | verified


guests = st.builds(anonymous, st.sampled_from((None, "guest", "x")))
events = st.one_of(tokens(), tokens(), tokens(), guests, shaped, changed())


def answers(preparation: Preparation, given: list[object]) -> list[tuple[AuthorizerResponse, str, Line]]:
    """Each answer with its reason code and its log line, without the times."""
    running = Running(build(preparation, environment={}), Observer(preparation.name))
    outcomes = [running(each) for each in given]
    times = {"_aws": None, "duration_ms": None}
    return [(each.answer, each.verdict, each.decision | times) for each in outcomes]


@pytest.fixture(scope="module", autouse=True)
def identities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DEVELOPMENT_TABLE, str(tmp_path_factory.mktemp("table") / "identities.sqlite"))
        patch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
        yield


@given(configurations(), templates(), st.lists(events, min_size=1, max_size=3), st.sampled_from(LATE))
@examples(0.5)
def test_it_answers_as_one_that_checks_its_files(
    configuration: tuple[str, Mapping[str, str]], template: str, given: list[object], late: Mapping[str, str]
) -> None:
    text, variables = configuration
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "authorizer.toml"
        config.write_text(text)
        (folder / "policy.toml").write_text(template)
        (folder / "keys.json").write_text(json.dumps(public_keys(*KEYS)))
        try:
            written = prepare(load_configuration(config, variables), folder)
        except InvalidFile:
            reject()
        write_preparation(written, config, [Path("policy.toml"), Path("keys.json")], variables)
        found = read_preparation(config, {**variables, **late})
        expected = prepare(load_configuration(config, {**variables, **late}), folder)
    assert found is not None
    assert (found.name, found.table, found.issuers) == (expected.name, expected.table, expected.issuers)
    answered = answers(found, given)
    for _, verdict, _ in answered:
        event(verdict)
    assert answered == answers(expected, given)
