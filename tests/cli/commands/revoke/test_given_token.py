"""A token that is revoked as a whole: what of it is believed, and why."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from iot_authorizer_cli.commands.connect.principal import unverified_claims
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer
from tests.cli.commands.revoke.endpoints import answering
from tests.cli.commands.revoke.running import configure, connect, lock_out, revoke
from tests.clients.server import Server

ISSUER = "https://auth.example.com/"
VERIFIED = 'audience = ["chat"]\nalgorithms = ["RS256"]\n'
NOT_BELIEVED = (
    "; so its end and its principal are not believed: the revocation holds until it is undone unless --for is given, "
    "and only connections of --client-id end"
)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    configure(tmp_path)
    return tmp_path


def jwks(key: RSAPrivateKey) -> str:
    return json.dumps(
        {"keys": ["none", {}, {"kty": "oct", "k": "AAAA"}, RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)]}
    )


def token(key: RSAPrivateKey | str, algorithm: str = "RS256", **claims: object) -> str:
    said = {"iss": ISSUER, "sub": "ann", "jti": "7", "exp": 4_102_444_800, **claims}
    return jwt.encode(said, key, algorithm)


def trust(folder: Path, tables: str) -> None:
    with (folder / "authorizer.toml").open("a") as file:
        file.write(tables)


def revoked(folder: Path, text: str, *arguments: str) -> tuple[int | None, list[str], str]:
    """When its revocation ends, whose connections were to be ended, and what is said of the token."""
    done = revoke(folder, "token", "-", "--json", "--endpoint-url", "http://127.0.0.1:1", *arguments, typed=text)
    found = json.loads(done.stdout)
    said = [line for line in done.stderr.splitlines() if "not verified" in line]
    return found["revoked"]["expires_at"], found["connections"]["not_asked"], "".join(said)


def test_a_token_of_a_jwks_file_is_believed(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "keys.json"\n')
    assert revoked(folder, token(key)) == (4_102_445_100, ["ann"], "")


def test_a_token_of_a_jwks_url_is_believed(folder: Path, key: RSAPrivateKey) -> None:
    with answering(jwks(key).encode()) as endpoint:
        trust(folder, f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "{endpoint.url}/keys"\n')
        assert revoked(folder, token(key)) == (4_102_445_100, ["ann"], "")


def test_a_token_that_is_signed_for_iot_core_is_believed(folder: Path, key: RSAPrivateKey) -> None:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pem").write_bytes(pem)
    trust(folder, f'[signed_tokens]\nissuer = "{ISSUER}"\n[signing.public_keys]\nfirst = "key.pem"\n')
    assert revoked(folder, token(key)) == (4_102_445_100, ["ann"], "")


def test_a_development_token_is_believed_on_this_machine(folder: Path) -> None:
    text = DevelopmentIssuer(folder / DATA).token("ann", {"jti": "7"}, 3600)
    claims: Mapping[str, object] = unverified_claims(text) or {}
    assert revoked(folder, text)[1:] == (["ann"], "")
    assert claims["sub"] == "ann"


def test_a_given_time_goes_before_the_tokens(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "keys.json"\n')
    end, _, _ = revoked(folder, token(key), "--for", "1h")
    assert end is not None
    assert end < 4_102_444_800


def forged(text: str, **claims: object) -> str:
    """The same token, with other claims, whose signature is none."""
    said = {**(unverified_claims(text) or {}), **claims}
    payload = jwt.encode(said, "x" * 32, "HS256").split(".")[1]
    return ".".join((text.split(".", maxsplit=1)[0], payload, "AAAA"))


def test_a_forged_token_neither_ends_its_revocation_nor_names_a_principal(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "keys.json"\n')
    text = forged(token(key), sub="admin", exp=int(time.time()) - 298)
    assert revoked(folder, text) == (
        None,
        [],
        "iot-authorizer: the token is not verified: no key of its issuer fits its signature: it may be forged"
        + NOT_BELIEVED,
    )


def test_a_forged_token_that_claims_to_be_over_is_revoked_as_any(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "keys.json"\n')
    assert revoked(folder, forged(token(key), exp=1))[0] is None


def test_whom_a_forged_token_names_stays_connected(server: Server) -> None:
    text = server.token("admin", {"jti": "admin-1"})
    with connect(server, "admin", text) as client:
        assert client.next().kind == "connected"
        lock_out(server, "token", "-", typed=forged(server.token("eva", {"jti": "eva-1"}), sub="admin"))
        client.subscribe("rooms/lobby/#")
        assert client.next() == ("subscribed", "")


def test_a_token_whose_forged_copy_was_revoked_is_refused(server: Server) -> None:
    text = server.token("eli", {"jti": "eli-1"})
    lock_out(server, "token", "-", typed=forged(text, sub="admin", exp=int(time.time()) - 298))
    with connect(server, "eli", text) as client:
        assert client.next().kind == "refused"


@pytest.fixture
def tables(request: pytest.FixtureRequest, folder: Path) -> None:
    (folder / "broken.json").write_text("{")
    (folder / "text.json").write_text('{"keys": "none"}')
    trust(folder, request.param)


OF_FILE = f'[[jwt]]\nissuer = "{ISSUER}"\n{VERIFIED}jwks = "%s"\n'


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ("", "there is no key of its issuer here"),
        (OF_FILE % "missing.json", "its issuer's keys can't be read: missing.json: can't be read: No such file"),
        (OF_FILE % "broken.json", "its issuer's keys can't be read: "),
        (OF_FILE % "text.json", "its issuer's keys can't be read: "),
        (OF_FILE % "http://127.0.0.1:1/keys", "its issuer's keys can't be read: "),
    ],
    indirect=["tables"],
    ids=["none", "missing", "broken", "no keys", "nobody there"],
)
def test_without_keys_a_token_is_revoked_and_not_believed(
    folder: Path, tables: None, key: RSAPrivateKey, why: str
) -> None:
    end, asked, said = revoked(folder, token(key))
    assert (end, asked, why in said) == (None, [], True), said


@pytest.mark.parametrize("name", ["HS256"])
def test_an_algorithm_that_no_public_key_verifies_proves_nothing(folder: Path, key: RSAPrivateKey, name: str) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, OF_FILE % "keys.json")
    text = token("x" * 32 if name == "HS256" else "", name)
    end, asked, said = revoked(folder, text)
    assert (end, asked, "not one that a public key verifies" in said) == (None, [], True), said


def test_a_token_without_its_signature_is_not_believed(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, OF_FILE % "keys.json")
    end, asked, said = revoked(folder, token(key).rpartition(".")[0])
    assert (end, asked, "it has no signature" in said) == (None, [], True), said


def test_keys_of_another_issuer_prove_nothing(folder: Path, key: RSAPrivateKey) -> None:
    (folder / "keys.json").write_text(jwks(key))
    trust(folder, f'[[jwt]]\nissuer = "https://other.example.com/"\n{VERIFIED}jwks = "keys.json"\n')
    assert revoked(folder, token(key))[:2] == (None, [])
