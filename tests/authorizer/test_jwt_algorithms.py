"""Signatures: every algorithm, and every way to claim another one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from iot_authorizer import Reason
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table, start
from tests.authorizer.keys import ASYMMETRIC, RSA_ALGORITHMS, SigningKey, hmac_key, signing_key
from tests.authorizer.tokens import claims, cut, encode, header, mint


@pytest.fixture(scope="module")
def versatile(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Takes every asymmetric algorithm."""
    keys = [signing_key(algorithm) for algorithm in ASYMMETRIC]
    return start(tmp_path_factory.mktemp("versatile"), jwt_table(algorithms=ASYMMETRIC), keys=keys)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_token_signed_with_the_issuers_key_is_allowed(versatile: Running, algorithm: str) -> None:
    assert versatile.verdict(bearer(mint(signing_key(algorithm)))) == "allowed"


NAMES = ("EdDSA", "Ed25519")


@pytest.mark.parametrize("in_key", [*NAMES, None])
@pytest.mark.parametrize("in_header", NAMES)
@pytest.mark.parametrize("configured", NAMES)
def test_ed25519_is_eddsa_with_its_curve(tmp_path: Path, configured: str, in_header: str, in_key: str | None) -> None:
    key = signing_key("EdDSA")
    running = start(tmp_path, jwt_table(algorithms=[configured]), keys=[key.jwk(alg=in_key)])
    for signer, expected in ((key, "allowed"), (signing_key("EdDSA", "forger"), Reason.BAD_SIGNATURE)):
        assert running.verdict(bearer(mint(signer, head={"alg": in_header, "kid": key.key_id}))) == expected


@pytest.mark.parametrize(("changes", "head"), [({"alg": "Ed448"}, {}), ({"crv": "Ed448"}, {}), ({}, {"alg": "Ed448"})])
def test_ed448_is_not_supported(tmp_path: Path, changes: dict[str, object], head: dict[str, object]) -> None:
    key = signing_key("EdDSA")
    running = start(tmp_path, jwt_table(algorithms=NAMES), keys=[key.jwk(**changes)])
    reason = Reason.ALGORITHM_NOT_ALLOWED if head else Reason.KEY_TYPE_MISMATCH
    assert running.verdict(bearer(mint(key, head=head))) == reason


def forged(key: SigningKey, *, payload: bytes | None = None, signature: str | None = None) -> str:
    """A token of a key with another payload or another signature."""
    head, body, signed = cut(mint(key))
    return f"{head}.{body if payload is None else encode(payload)}.{signed if signature is None else signature}"


FORGERIES: dict[str, Callable[[SigningKey], str]] = {
    "another-key": lambda key: mint(signing_key(key.algorithm, "forger"), head={"kid": key.key_id}),
    "changed-claims": lambda key: forged(key, payload=json.dumps(claims(sub="admin")).encode()),
    "no-signature": lambda key: forged(key, signature=""),
    "short-signature": lambda key: forged(key, signature="AAAA"),
    "zeros-like-rsa": lambda key: forged(key, signature=encode(bytes(256))),
    "zeros-like-ec": lambda key: forged(key, signature=encode(bytes(64))),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_forged_token_is_refused(versatile: Running, algorithm: str, forge: Callable[[SigningKey], str]) -> None:
    assert versatile.verdict(bearer(forge(signing_key(algorithm)))) == Reason.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", [each for each in ASYMMETRIC if each != "RS256"])
def test_an_algorithm_that_the_issuer_does_not_use_is_refused(authorizer: Running, algorithm: str) -> None:
    token = mint(signing_key(algorithm), head={"kid": "main-RS256"})
    assert authorizer.verdict(bearer(token)) == Reason.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("algorithm", ["ES256K", "Ed448", "rs256", "RS256 ", "RSA-OAEP", "", "none ", "\u0000"])
def test_an_unknown_algorithm_is_refused(authorizer: Running, algorithm: str) -> None:
    token = mint(signing_key("RS256"), head={"alg": algorithm})
    assert authorizer.verdict(bearer(token)) == Reason.ALGORITHM_NOT_ALLOWED


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", ".", ".c2ln"], ids=["two-parts", "empty", "some"])
def test_a_token_without_a_signature_algorithm_is_refused(authorizer: Running, algorithm: str, signature: str) -> None:
    head, payload, _ = cut(mint(head={"alg": algorithm}))
    assert authorizer.verdict(bearer(f"{head}.{payload}{signature}")) == Reason.ALG_NONE


def test_a_token_that_lost_its_signature_is_refused(authorizer: Running) -> None:
    head, payload, _ = cut(mint())
    assert authorizer.verdict(bearer(f"{head}.{payload}")) == Reason.SIGNATURE_NOT_VERIFIED


def _spellings(key: SigningKey) -> Iterator[bytes]:
    public = key.private.public_key()
    for layout in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        for encoding in (Encoding.PEM, Encoding.DER):
            yield public.public_bytes(encoding, layout)
    yield public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip()
    yield json.dumps(key.jwk()).encode()
    yield json.dumps(key.jwk(), separators=(",", ":")).encode()
    yield str(key.jwk()["n"]).encode()


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_not_an_hmac_secret(authorizer: Running, algorithm: str) -> None:
    head = json.dumps(header(signing_key("RS256"), alg=algorithm)).encode()
    signed = f"{encode(head)}.{encode(json.dumps(claims()).encode())}"
    for secret in _spellings(signing_key("RS256")):
        signature = encode(jwt.get_algorithm_by_name(algorithm).sign(signed.encode(), secret))
        assert authorizer.verdict(bearer(f"{signed}.{signature}")) == Reason.ALGORITHM_CONFUSION


def test_an_issuer_that_takes_every_asymmetric_algorithm_takes_no_hmac(versatile: Running) -> None:
    assert versatile.verdict(bearer(mint(hmac_key()))) == Reason.ALGORITHM_CONFUSION


@pytest.mark.parametrize("algorithm", [each for each in RSA_ALGORITHMS if each != "PS512"])
def test_a_key_that_names_its_algorithm_is_used_for_no_other(tmp_path: Path, algorithm: str) -> None:
    key = signing_key(algorithm)
    running = start(tmp_path, jwt_table(algorithms=RSA_ALGORITHMS), keys=[key.jwk(alg="PS512")])
    assert running.verdict(bearer(mint(key))) == Reason.KEY_TYPE_MISMATCH


def test_a_key_that_names_its_algorithm_is_used_for_that(tmp_path: Path) -> None:
    running = start(tmp_path, keys=[signing_key("RS256").jwk(alg="RS256", use="sig", key_ops=["verify"])])
    assert running.verdict(bearer(mint())) == "allowed"
