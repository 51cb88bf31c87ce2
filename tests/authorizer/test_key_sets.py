"""Keys of an issuer: each is used only for what it is for."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Reason, Refusal
from iot_authorizer.keys import MOST_KEYS, KeySet
from iot_policies import InvalidFile
from tests.authorizer.events import bearer
from tests.authorizer.handlers import jwt_table, start
from tests.authorizer.keys import ASYMMETRIC, Jwk, SigningKey, hmac_key, public_keys, signing_key, weak_key
from tests.authorizer.tokens import mint

RSA, EC, ED = signing_key("RS256"), signing_key("ES256"), signing_key("EdDSA")

UNFIT = {
    "for-encryption": (RSA, RSA.jwk(use="enc"), Reason.KEY_USE_MISMATCH),
    "use-list": (RSA, RSA.jwk(use=["sig"]), Reason.KEY_USE_MISMATCH),
    "for-signing-alone": (RSA, RSA.jwk(key_ops=["sign"]), Reason.KEY_USE_MISMATCH),
    "for-no-operation": (RSA, RSA.jwk(key_ops=[]), Reason.KEY_USE_MISMATCH),
    "operations-text": (RSA, RSA.jwk(key_ops="sign"), Reason.KEY_USE_MISMATCH),
    "other-algorithm": (RSA, RSA.jwk(alg="RS512"), Reason.KEY_TYPE_MISMATCH),
    "padding-algorithm": (RSA, RSA.jwk(alg="PS256"), Reason.KEY_TYPE_MISMATCH),
    "encryption-algorithm": (RSA, RSA.jwk(alg="RSA-OAEP"), Reason.KEY_TYPE_MISMATCH),
    "no-type": (RSA, RSA.jwk(kty=None), Reason.KEY_TYPE_MISMATCH),
    "other-type": (RSA, {**EC.jwk(), "kid": RSA.key_id}, Reason.KEY_TYPE_MISMATCH),
    "other-curve": (EC, {**signing_key("ES384").jwk(), "kid": EC.key_id}, Reason.KEY_TYPE_MISMATCH),
    "curve-of-bitcoin": (EC, EC.jwk(crv="secp256k1"), Reason.KEY_TYPE_MISMATCH),
    "key-agreement": (ED, ED.jwk(crv="X25519"), Reason.KEY_TYPE_MISMATCH),
    "ed448": (ED, ED.jwk(crv="Ed448"), Reason.KEY_TYPE_MISMATCH),
    "1024-bits": (weak_key(), weak_key().jwk(), Reason.WEAK_KEY),
    "off-curve": (EC, EC.jwk(x=EC.jwk()["y"]), Reason.UNKNOWN_KEY),
    "no-modulus": (RSA, RSA.jwk(n=None), Reason.UNKNOWN_KEY),
    "modulus-number": (RSA, RSA.jwk(n=5), Reason.UNKNOWN_KEY),
    "exponent-one": (RSA, RSA.jwk(e="AQ"), Reason.UNKNOWN_KEY),
    "short-ed25519": (ED, ED.jwk(x="AAAA"), Reason.UNKNOWN_KEY),
    "unknown": (RSA, RSA.jwk(kid="other"), Reason.UNKNOWN_KEY),
    "unnamed": (RSA, RSA.jwk(kid=None), Reason.UNKNOWN_KEY),
}


@pytest.mark.parametrize(("key", "published", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_key_that_does_not_fit_is_not_used(tmp_path: Path, key: SigningKey, published: Jwk, reason: Reason) -> None:
    running = start(tmp_path, jwt_table(algorithms=ASYMMETRIC), keys=[published])
    assert running.verdict(bearer(mint(key))) == reason


FIT = {
    "says-nothing": RSA.jwk(use=None, alg=None, key_ops=None),
    "says-all": RSA.jwk(use="sig", alg="RS256", key_ops=["verify"]),
    "several-operations": RSA.jwk(key_ops=["sign", "verify"]),
    "unknown-members": RSA.jwk(x5c=["MIIB"], x5t="AAAA", created=5),
}


NEXT = signing_key("RS256", "next")
SETS: dict[str, tuple[list[SigningKey | Jwk], SigningKey, dict[str, object], str]] = {
    **{name: ([published], RSA, {}, "allowed") for name, published in FIT.items()},
    "unusable-others": ([{}, {"kty": "unknown"}, {"kid": 5}, RSA, weak_key()], RSA, {}, "allowed"),
    "same-id-for-other-algorithm": ([{**EC.jwk(), "kid": RSA.key_id}, RSA], RSA, {}, "allowed"),
    "rotation-old": ([RSA, NEXT], RSA, {}, "allowed"),
    "rotation-new": ([RSA, NEXT], NEXT, {}, "allowed"),
    "same-id-first": ([RSA, NEXT.jwk(kid=RSA.key_id)], RSA, {}, "allowed"),
    "same-id-second": ([NEXT.jwk(kid=RSA.key_id), RSA], RSA, {}, "allowed"),
    "same-id-behind-unusable": (
        [RSA.jwk(n=5), {**weak_key().jwk(), "kid": RSA.key_id}, RSA.jwk(use="enc"), RSA],
        RSA,
        {},
        "allowed",
    ),
    "same-id-behind-many-unusable": ([*[RSA.jwk(n=5)] * MOST_KEYS, RSA], RSA, {}, "allowed"),
    "same-id-fourth": ([*[NEXT.jwk(kid=RSA.key_id)] * (MOST_KEYS - 1), RSA], RSA, {}, "allowed"),
    "same-id-too-often": ([*[NEXT.jwk(kid=RSA.key_id)] * MOST_KEYS, RSA], RSA, {}, Reason.BAD_SIGNATURE),
    "same-id-of-others": ([NEXT.jwk(kid=RSA.key_id)] * 2, RSA, {}, Reason.BAD_SIGNATURE),
    "no-id-and-one-fits": ([EC, RSA], RSA, {"kid": ...}, "allowed"),
    "no-id-and-two-fit": ([RSA, NEXT], RSA, {"kid": ...}, Reason.KEY_ID_MISSING),
}


@pytest.mark.parametrize(("keys", "key", "head", "verdict"), SETS.values(), ids=SETS)
def test_the_key_of_a_set_that_fits_is_used(
    tmp_path: Path, keys: list[SigningKey | Jwk], key: SigningKey, head: dict[str, object], verdict: str
) -> None:
    assert start(tmp_path, keys=keys).verdict(bearer(mint(key, head=head))) == verdict


NO_KEY_SETS = {
    "nothing": b"",
    "no-json": b"-----BEGIN PUBLIC KEY-----",
    "list": b"[]",
    "no-keys": b"{}",
    "keys-object": b'{"keys": {}}',
    "keys-null": b'{"keys": null}',
    "not-utf-8": b'{"keys": ["\xff"]}',
    "deep": b"[" * 100_000,
    "private-rsa": json.dumps(public_keys({**RSA.jwk(), "d": "AAAA"})).encode(),
    "private-beside-public": json.dumps(public_keys(EC, {**RSA.jwk(), "d": "AAAA"})).encode(),
    "secret": json.dumps(public_keys({"kty": "oct", "k": "AAAA", "kid": "shared"})).encode(),
}


@pytest.mark.parametrize("text", NO_KEY_SETS.values(), ids=NO_KEY_SETS)
def test_anything_but_a_public_key_set_is_refused_at_start(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "others.json").write_bytes(text)
    with pytest.raises(InvalidFile, match=r"others\.json: "):
        start(tmp_path, jwt_table(jwks="others.json"))


def test_a_missing_key_file_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"authorizer\.toml:\d+: jwt\[0\]\.jwks: .*none\.json: file not found"):
        start(tmp_path, jwt_table(jwks="none.json"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=2)
)
members = st.sampled_from(("kty", "crv", "alg", "use", "key_ops", "kid", "n", "e", "x", "y", "d", "p", "oth"))


@given(
    st.sampled_from(ASYMMETRIC),
    st.dictionaries(members, json_values | st.sampled_from(("RSA", "EC", "OKP", "AQAB", "sig", "P-256", "Ed25519"))),
)
def test_any_key_at_all_is_used_or_refused(algorithm: str, changes: dict[str, object]) -> None:
    key = signing_key(algorithm).jwk() | {name: value for name, value in changes.items() if name != "d"}
    found = KeySet.parse(json.dumps({"keys": [key]}).encode())
    with suppress(Refusal):
        found.find(signing_key(algorithm).key_id, algorithm)


def test_an_hmac_key_is_never_found(tmp_path: Path) -> None:
    secret: Jwk = {"kty": "oct", "kid": "shared", "alg": "HS256"}
    running = start(tmp_path, keys=[secret])
    assert running.verdict(bearer(mint(hmac_key()))) == Reason.ALGORITHM_CONFUSION
