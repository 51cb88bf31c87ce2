"""One issuer with several `[[jwt]]`: each token is verified by the one that it fits, with that one's keys only."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given
from hypothesis import strategies as st
from jwt import PyJWK

from iot_authorizer import Reason, Refusal
from iot_authorizer.cached import Cached
from iot_authorizer.configuration import load_configuration
from iot_authorizer.credentials import Credentials, CredentialSource
from iot_authorizer.jwt_verifier import AcceptedTokens, Expectations, JwtVerifier
from iot_authorizer.keys import KeySet
from iot_authorizer.shared_secret import SharedSecret
from iot_authorizer.token_settings import JwtIssuer, indistinct
from iot_authorizer.tokens import read_token
from iot_policies import InvalidFile
from tests.authorizer.events import bearer
from tests.authorizer.handlers import jwt_table, start, write
from tests.authorizer.key_server import key_server
from tests.authorizer.keys import SECRET, SigningKey, hmac_key, signing_key
from tests.authorizer.tokens import ISSUER, claims, encode, header, mint

RSA, EC, ED = signing_key("RS256"), signing_key("ES256"), signing_key("EdDSA")
OTHER_RSA = signing_key("RS256", "other")


def secret() -> SharedSecret:
    """The shared secret of `hmac_key`, without AWS."""
    return SharedSecret(Cached(lambda: PyJWK({"kty": "oct", "k": encode(SECRET)}, "HS256")))


def accepted(
    algorithm: str = "RS256",
    *keys: SigningKey,
    audience: Sequence[str] = ("chat",),
    **more: object,
) -> AcceptedTokens:
    """One table; without keys, the key of its algorithm."""
    source = secret() if algorithm == "HS256" else KeySet([key.jwk() for key in keys or (signing_key(algorithm),)])
    return AcceptedTokens(Expectations(ISSUER, tuple(audience), **more), (algorithm,), source)  # type: ignore[arg-type]


def verdict(token: str, *tables: AcceptedTokens) -> str:
    """`allowed` or the reason code and its detail."""
    try:
        JwtVerifier(tables).verify(Credentials(CredentialSource.TOKEN, token))
    except Refusal as refusal:
        return str(refusal)
    return "allowed"


MIGRATION = (accepted("HS256"), accepted("ES256"), accepted("RS256"))


@pytest.mark.parametrize("key", [hmac_key(), EC, RSA], ids=lambda key: key.algorithm)
def test_during_a_migration_between_algorithms_tokens_of_all_are_allowed(key: SigningKey) -> None:
    assert [verdict(mint(key), *tables) for tables in (MIGRATION, MIGRATION[::-1])] == ["allowed"] * 2


def _public_spellings(key: SigningKey) -> Iterator[bytes]:
    for encoding in (Encoding.PEM, Encoding.DER):
        yield key.private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    yield json.dumps(key.jwk()).encode()


@pytest.mark.parametrize("key", [RSA, EC], ids=lambda key: key.algorithm)
def test_the_public_key_of_one_table_is_not_the_secret_of_another(key: SigningKey) -> None:
    head = json.dumps(header(key, alg="HS256")).encode()
    signed = f"{encode(head)}.{encode(json.dumps(claims()).encode())}"
    for public in _public_spellings(key):
        forged = f"{signed}.{encode(jwt.get_algorithm_by_name('HS256').sign(signed.encode(), public))}"
        assert verdict(forged, *MIGRATION) == Reason.BAD_SIGNATURE


def test_a_key_verifies_only_tokens_of_its_own_tables_algorithm() -> None:
    table_of_rsa = accepted("RS256", RSA)
    table_of_pss = accepted("PS256", OTHER_RSA)
    with_the_others_key = mint(SigningKey(OTHER_RSA.key_id, "RS256", OTHER_RSA.private))
    with_the_others_algorithm = mint(SigningKey(RSA.key_id, "PS256", RSA.private))
    for token in (with_the_others_key, with_the_others_algorithm):
        assert verdict(token, table_of_rsa, table_of_pss) == Reason.UNKNOWN_KEY


def test_an_algorithm_that_no_table_has_is_refused() -> None:
    assert verdict(mint(ED), *MIGRATION) == Reason.ALGORITHM_NOT_ALLOWED


COGNITO = (
    accepted(audience=["app"], token_use="id", required_claims=("email",)),
    accepted(audience=(), client_id=("app",), token_use="access"),
)
COGNITO_TOKENS: dict[str, tuple[dict[str, object], str]] = {
    "id": ({"aud": "app", "token_use": "id", "email": "a@b"}, "allowed"),
    "access": ({"aud": ..., "client_id": "app", "token_use": "access"}, "allowed"),
    "id-without-a-required-claim": ({"aud": "app", "token_use": "id"}, f"{Reason.MISSING_CLAIM}: email"),
    "access-of-another-client": (
        {"aud": ..., "client_id": "b", "token_use": "access"},
        f"{Reason.WRONG_CLIENT}: client_id",
    ),
    "id-of-another-client": ({"aud": "b", "token_use": "id", "email": "a@b"}, f"{Reason.WRONG_AUDIENCE}: aud"),
    "of-another-use": ({"aud": "app", "token_use": "refresh", "email": "a@b"}, f"{Reason.WRONG_TOKEN_USE}: token_use"),
}


@pytest.mark.parametrize(("changes", "expected"), COGNITO_TOKENS.values(), ids=COGNITO_TOKENS)
def test_the_table_that_fits_best_decides_and_its_refusal_is_reported(
    changes: dict[str, object], expected: str
) -> None:
    assert [verdict(mint(**changes), *tables) for tables in (COGNITO, COGNITO[::-1])] == [expected] * 2


def test_a_token_with_the_audiences_of_two_tables_is_allowed_if_one_of_them_accepts_it() -> None:
    strict = accepted(audience=["a"], required_claims=("tenant",))
    loose = accepted(audience=["b"])
    token = mint(aud=["a", "b"])
    assert [verdict(token, strict, loose), verdict(token, loose, strict)] == ["allowed", "allowed"]
    assert verdict(token, strict, accepted("RS256", OTHER_RSA, audience=["b"])) == f"{Reason.MISSING_CLAIM}: tenant"


tables = st.builds(
    lambda algorithm, keys, audience, client, kind, use, required: accepted(
        algorithm,
        *(signing_key(algorithm, name) for name in (keys if algorithm != "HS256" else ())),
        audience=audience,
        client_id=client,
        client_claim="azp",
        token_type=kind,
        token_use=use,
        required_claims=required,
    ),
    st.sampled_from(("RS256", "ES256", "HS256")),
    st.sampled_from((("main",), ("other",), ("main", "other"))),
    st.sampled_from((("a",), ("b",), ("a", "b"), ())),
    st.sampled_from(((), ("app",), ("web", "app"))),
    st.sampled_from((None, "application/jwt", "application/at+jwt")),
    st.sampled_from((None, "access", "id")),
    st.sampled_from(((), ("tenant",))),
)
tokens = st.builds(
    lambda key, head, changes: mint(key, head={"typ": head}, **changes),
    st.sampled_from((RSA, OTHER_RSA, EC, signing_key("ES256", "other"), hmac_key(), ED)),
    st.sampled_from(("JWT", "at+jwt", ...)),
    st.fixed_dictionaries(
        {"aud": st.sampled_from(("a", "c", ["a", "b"], ["b", 5], [], "", None, {}, 0, ...))},
        optional={
            "azp": st.sampled_from(("app", "other", ["app"])),
            "token_use": st.sampled_from(("access", "id", 5)),
            "tenant": st.just("t"),
        },
    ),
)


@given(st.lists(tables, min_size=2, max_size=4), tokens)
def test_tables_together_accept_exactly_what_one_of_them_accepts_alone(
    several: list[AcceptedTokens], token: str
) -> None:
    alone = any(verdict(token, each) == "allowed" for each in several)
    assert (verdict(token, *several) == "allowed") is alone


def settings_of(table: AcceptedTokens) -> JwtIssuer:
    """The `[[jwt]]` of a table."""
    expects = table.expects
    return JwtIssuer(
        issuer=ISSUER,
        audience=expects.audience,
        client_id=expects.client_id,
        **({"client_claim": expects.client_claim} if expects.client_id else {}),
        token_type=expects.token_type,
        token_use=expects.token_use,
        algorithms=table.algorithms,
        **({"secret": "ssm:secret"} if "HS256" in table.algorithms else {"jwks": "keys.json"}),
    )


@given(tables, tables, tokens)
def test_of_two_tables_that_are_not_refused_a_token_with_one_audience_fits_at_most_one(
    first: AcceptedTokens, second: AcceptedTokens, token: str
) -> None:
    several = [first, second]
    assume(all(each.expects.audience or each.expects.client_id for each in several))
    assume(not list(indistinct([settings_of(each) for each in several])))
    parsed = read_token(token)
    audience = parsed.claims.get("aud")
    assume(not isinstance(audience, list) or len(audience) < 2)
    assert sum(all(each.matches(parsed)) for each in several) < 2


DISTINCT = {
    "algorithm": ({}, {"algorithms": ["ES256"]}),
    "audience": ({}, {"audience": ["web"]}),
    "audience-or-none": ({}, {"audience": None, "client_id": ["chat"]}),
    "client": ({"audience": None, "client_id": ["a"]}, {"audience": None, "client_id": ["b", "c"]}),
    "type": ({"token_type": "at+jwt"}, {"token_type": "JWT"}),
    "use": ({"token_use": "id"}, {"token_use": "access"}),
}
INDISTINCT = {
    "equal": ({}, {}),
    "one-algorithm-of-several": ({}, {"algorithms": ["ES256", "RS256"]}),
    "two-names-of-one-algorithm": ({"algorithms": ["EdDSA"]}, {"algorithms": ["Ed25519"]}),
    "one-audience-of-several": ({}, {"audience": ["web", "chat"]}),
    "type-in-one": ({}, {"token_type": "at+jwt"}),
    "two-spellings-of-one-type": ({"token_type": "at+jwt"}, {"token_type": "application/AT+JWT"}),
    "use-in-one": ({}, {"token_use": "id"}),
    "client-in-one": ({}, {"client_id": ["a"]}),
    "two-client-claims": (
        {"audience": None, "client_id": ["a"], "client_claim": "azp"},
        {"audience": None, "client_id": ["b"], "client_claim": "cid"},
    ),
    "keys": ({}, {"jwks": "https://auth.example.com/keys"}),
    "required-claims": ({}, {"required_claims": ["tenant"]}),
}


def loaded(folder: Path, *changes: dict[str, object]) -> None:
    load_configuration(write(folder, *(jwt_table(**each) for each in changes)), {})


@pytest.mark.parametrize("changes", DISTINCT.values(), ids=DISTINCT)
def test_tables_whose_tokens_differ_are_read(tmp_path: Path, changes: tuple[dict[str, object], ...]) -> None:
    loaded(tmp_path, *changes)


@pytest.mark.parametrize("changes", INDISTINCT.values(), ids=INDISTINCT)
def test_tables_that_one_token_fits_are_refused(tmp_path: Path, changes: tuple[dict[str, object], ...]) -> None:
    with pytest.raises(InvalidFile, match=r"jwt\[1\]\.issuer: jwt\[0\] has the same issuer, and a token can fit both"):
        loaded(tmp_path, *changes)


def test_tables_of_one_issuer_agree_about_stored_claims(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"jwt\[1\]\.stored_claims: expected the same as in jwt\[0\]"):
        loaded(tmp_path, {}, {"algorithms": ["ES256"], "stored_claims": True})


def test_signed_tokens_agree_with_the_other_tables_of_their_issuer_about_stored_claims(tmp_path: Path) -> None:
    signed = f'[signed_tokens]\nissuer = "{ISSUER}"\n'
    with pytest.raises(InvalidFile, match=r"signed_tokens\.stored_claims: expected the same as in the \[\[jwt\]\]"):
        load_configuration(write(tmp_path, jwt_table(stored_claims=True), signed), {})


def test_tables_with_the_same_jwks_fetch_it_once(tmp_path: Path) -> None:
    with key_server() as server:
        running = start(tmp_path, *(jwt_table(jwks=server.url, audience=[each]) for each in ("chat", "web")))
        assert [running.verdict(bearer(mint(aud=each))) for each in ("chat", "web")] == ["allowed"] * 2
        assert server.paths == ["/keys"]
