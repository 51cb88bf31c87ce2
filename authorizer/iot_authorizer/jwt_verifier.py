"""Verifies bearer tokens of the configured issuers (RFC 7519, with the advice of RFC 8725).

1. A token's `iss` chooses the `[[jwt]]` tables of this issuer; most issuers have one.
2. Of several, those decide that fit the token best by its algorithm, `typ`, `token_use`, audience and client, in this
   order. These parts are not verified yet: they only choose who verifies.
3. Each of these tables verifies the whole token, in the file's order, with its own keys and its own algorithms only.
   The first that accepts it decides. If none does, the refusal of the first one is reported.
4. So the tables of an issuer accept exactly the tokens that one of them accepts on its own. A configuration in which
   nothing tells the tokens of two tables apart is refused (`token_settings`).
5. A key, or the place of one, in a token's header is never used. A token that has one is refused, unless
   `ignore_header` names the parameter.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jwt import PyJWK, PyJWT, PyJWTError
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidJTIError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidSubjectError,
    MissingRequiredClaimError,
)
from jwt.types import Options

from iot_authorizer.credentials import Credentials
from iot_authorizer.keys import SYMMETRIC_ALGORITHMS, Keys
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import Token, malformed, read_token
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import Claims, Principal, claim

_TIMES = ("exp", "nbf", "iat")
_LATEST = 253_402_300_800
"""The end of the year 9999, in seconds since 1970."""

_REASONS: dict[type[PyJWTError], tuple[Reason, str]] = {
    InvalidSignatureError: (Reason.BAD_SIGNATURE, ""),
    ExpiredSignatureError: (Reason.EXPIRED, ""),
    InvalidAudienceError: (Reason.WRONG_AUDIENCE, "aud"),
    InvalidAlgorithmError: (Reason.ALGORITHM_NOT_ALLOWED, ""),
    InvalidKeyError: (Reason.KEY_TYPE_MISMATCH, ""),
    InvalidIssuedAtError: (Reason.INVALID_CLAIM, "iat"),
    InvalidSubjectError: (Reason.INVALID_CLAIM, "sub"),
    InvalidJTIError: (Reason.INVALID_CLAIM, "jti"),
}
"""PyJWT's errors as reason codes with their details. All others mean that a part is not canonical base64url."""


@dataclass(frozen=True)
class Expectations:
    """What the tokens of an issuer must say, whether this code or IoT Core verifies the signature."""

    issuer: str
    audience: tuple[str, ...] = ()
    """The accepted audiences; empty: the token must not have one (RFC 7519, section 4.1.3)."""
    client_id: tuple[str, ...] = ()
    """The accepted values of the claim `client_claim`; empty for any."""
    client_claim: str = "client_id"
    """The claim that names the client to which the token was issued."""
    token_use: str | None = None
    """The required claim `token_use` of Amazon Cognito; None for any."""
    required_claims: tuple[str, ...] = ()
    leeway: float = 30
    """Seconds that the clocks may differ."""
    token_type: str | None = None
    """The required `typ` in full, such as `application/at+jwt` (RFC 8725, section 3.11); None for any."""
    ignored_parameters: tuple[str, ...] = ()
    """The parameters with keys that a header may have."""
    principal_claim: str = "sub"
    """The claim that names the principal."""

    @cached_property
    def accepted_audience(self) -> str | tuple[str, ...] | None:
        """The audience in PyJWT's form."""
        return self.audience[0] if len(self.audience) == 1 else self.audience or None

    def matches(self, token: Token) -> tuple[bool, ...]:
        """Whether a token's `typ`, `token_use`, audience and client are the expected ones, before it is verified."""
        claims = token.claims
        return (
            self.token_type in (None, token.header.type),
            self.token_use in (None, claims.get("token_use")),
            self._accepts_audience(claims.get("aud")),
            not self.client_id or claims.get(self.client_claim) in self.client_id,
        )

    def _accepts_audience(self, audience: object) -> bool:
        if not self.audience or not audience:
            return not self.audience and not audience
        named = [audience] if isinstance(audience, str) else audience
        return isinstance(named, list) and any(each in named for each in self.audience)


class _Decoder(PyJWT):
    """PyJWT, but it does not parse claims again: `read_token` read them, from exactly the bytes that it verifies."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._read: dict[bytes, dict[str, object]] = {}
        """The claims of tokens that are being verified, by their bytes."""

    def verify(self, token: Token, key: PyJWK | None, algorithms: Sequence[str], expects: Expectations) -> Claims:
        """Returns the claims of a valid token. Without a key, the signature is not verified. Raises Refusal."""
        self._read[token.payload] = token.claims
        try:
            verified = self.decode_complete(
                _without_signature(token.text) if key is None else token.text,
                "" if key is None else key,
                algorithms,
                _UNSIGNED if key is None else None,
                audience=expects.accepted_audience,
                issuer=expects.issuer,
                leeway=expects.leeway,
            )
        except PyJWTError as error:
            raise _refusal(error, token) from None
        finally:
            self._read.pop(token.payload, None)
        claims: Claims = verified["payload"]
        return claims

    def _decode_payload(self, decoded: dict[str, Any]) -> dict[str, Any]:
        """PyJWT calls this with the bytes that it has verified, so that subclasses can read them in their own way."""
        return self._read.get(decoded["payload"]) or super()._decode_payload(decoded)


def _without_signature(text: str) -> str:
    return ".".join((*text.split(".")[:2], ""))


def _refusal(error: PyJWTError, token: Token) -> Refusal:
    if isinstance(error, MissingRequiredClaimError):
        return Refusal(Reason.MISSING_CLAIM, error.claim)
    if isinstance(error, ImmatureSignatureError):
        return Refusal(Reason.ISSUED_IN_FUTURE if "(iat)" in str(error) else Reason.NOT_YET_VALID)
    for kind, (reason, detail) in _REASONS.items():
        if isinstance(error, kind):
            return Refusal(reason, detail)
    return malformed(token.text, "base64url")


_DECODER = _Decoder(
    {
        "verify_signature": True,
        "require": ["exp"],
        "verify_exp": True,
        "verify_nbf": True,
        "verify_iat": True,
        "verify_iss": True,
        "verify_aud": True,
        "verify_sub": True,
        "verify_jti": True,
    }
)
_UNSIGNED: Options = {**_DECODER.options, "verify_signature": False}


@dataclass(frozen=True, slots=True)
class AcceptedTokens:
    """One `[[jwt]]`: the tokens of an issuer that are verified here, with one set of keys and algorithms."""

    expects: Expectations
    algorithms: tuple[str, ...]
    keys: Keys

    def matches(self, token: Token) -> tuple[bool, ...]:
        """How a token that is not verified yet fits; a greater tuple fits better."""
        return (token.header.algorithm in self.algorithms, *self.expects.matches(token))

    def verify(self, token: Token) -> VerifiedPrincipal:
        """Verifies a token of this issuer. Raises Refusal."""
        if not token.signed:
            raise Refusal(Reason.SIGNATURE_NOT_VERIFIED)
        algorithm = token.header.algorithm
        if algorithm not in self.algorithms:
            mixes = algorithm.startswith("HS") and SYMMETRIC_ALGORITHMS.isdisjoint(self.algorithms)
            raise Refusal(Reason.ALGORITHM_CONFUSION if mixes else Reason.ALGORITHM_NOT_ALLOWED)
        check_form(token, self.expects)
        *others, last = self.keys.find(token.header.key_id, algorithm)
        for key in others:
            try:
                return self._verify(token, key)
            except Refusal as refusal:
                if refusal.reason != Reason.BAD_SIGNATURE:
                    raise
        return self._verify(token, last)

    def _verify(self, token: Token, key: PyJWK) -> VerifiedPrincipal:
        return to_principal(_DECODER.verify(token, key, self.algorithms, self.expects), self.expects)


class JwtVerifier:
    """Verifies each bearer token with the issuer that it names."""

    def __init__(self, accepted: Iterable[AcceptedTokens], signed: Collection[Expectations] = ()) -> None:
        """`signed`: the issuers whose signatures IoT Core verifies before it invokes the Lambda."""
        self._issuers: dict[str, list[AcceptedTokens]] = {}
        for each in accepted:
            self._issuers.setdefault(each.expects.issuer, []).append(each)
        self._signed: Mapping[str, Expectations] = {expects.issuer: expects for expects in signed}

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Verifies the token of the credentials. Raises Refusal."""
        if not self._issuers and not self._signed:
            raise Refusal(Reason.TOKENS_NOT_CONFIGURED)
        token = read_token(credentials.token or "")
        name = token.claims.get("iss")
        if not isinstance(name, str):
            raise Refusal(Reason.UNKNOWN_ISSUER, "iss is not a text" if "iss" in token.claims else "iss is missing")
        try:
            return self._verify(token, name, signature_verified=credentials.signature_verified)
        except Refusal as refusal:
            refusal.issuer = name if name in self._signed or name in self._issuers else None
            raise

    def _verify(self, token: Token, name: str, *, signature_verified: bool) -> VerifiedPrincipal:
        if name in self._signed and (signature_verified or name not in self._issuers):
            return verify_signed(token, self._signed[name], signature_verified=signature_verified)
        accepted = self._issuers.get(name)
        if accepted is None:
            raise Refusal(Reason.UNKNOWN_ISSUER)
        return accepted[0].verify(token) if len(accepted) == 1 else _verify_by_any(token, accepted)


def _verify_by_any(token: Token, accepted: Sequence[AcceptedTokens]) -> VerifiedPrincipal:
    """Verifies a token by those of an issuer's tables that fit it best, as the module says. Raises Refusal."""
    best = max(each.matches(token) for each in accepted)
    refused = []
    for each in accepted:
        if each.matches(token) != best:
            continue
        try:
            return each.verify(token)
        except Refusal as refusal:
            refused.append(refusal)
    raise refused[0]


def verify_signed(token: Token, expects: Expectations, *, signature_verified: bool) -> VerifiedPrincipal:
    """Verifies the claims of a token whose signature IoT Core verified: RSASSA-PKCS1-v1_5 with SHA-256 (RS256).

    Raises Refusal.
    """
    if not signature_verified:
        raise Refusal(Reason.SIGNATURE_NOT_VERIFIED)
    if token.header.algorithm != "RS256":
        raise Refusal(Reason.ALGORITHM_NOT_ALLOWED)
    check_form(token, expects)
    return to_principal(_DECODER.verify(token, None, ("RS256",), expects), expects)


def check_form(token: Token, expects: Expectations) -> None:
    """Refuses keys in the header, a wrong `typ`, and times of the wrong type, which parsers read in different ways."""
    if token.header.key_parameters:
        for name in sorted(token.header.key_parameters.difference(expects.ignored_parameters)):
            raise Refusal(Reason.KEY_IN_HEADER, name)
    if expects.token_type not in (None, token.header.type):
        raise Refusal(Reason.WRONG_TOKEN_USE, "typ")
    claims = token.claims
    for name in _TIMES:
        if name in claims:
            time = claims[name]
            if (type(time) is not int and type(time) is not float) or not 0 <= time < _LATEST:
                raise Refusal(Reason.INVALID_CLAIM, name)


def to_principal(claims: Claims, expects: Expectations) -> VerifiedPrincipal:
    """The principal of verified claims. Raises Refusal, and AmbiguousClaim."""
    for required in expects.required_claims:
        if claim(claims, required) is None:
            raise Refusal(Reason.MISSING_CLAIM, required)
    if expects.token_use not in (None, claims.get("token_use")):
        raise Refusal(Reason.WRONG_TOKEN_USE, "token_use")
    if expects.client_id and claims.get(expects.client_claim) not in expects.client_id:
        raise Refusal(Reason.WRONG_CLIENT, expects.client_claim)
    name = claim(claims, expects.principal_claim)
    if name is None:
        raise Refusal(Reason.MISSING_CLAIM, expects.principal_claim)
    if isinstance(name, bool) or not isinstance(name, (str, int)) or name == "":
        raise Refusal(Reason.INVALID_CLAIM, expects.principal_claim)
    token_id = claims.get("jti")
    return VerifiedPrincipal(
        Principal(str(name), claims),
        expects.issuer,
        expires_at=_time(claims, "exp"),
        issued_at=_time(claims, "iat"),
        token_id=token_id if isinstance(token_id, str) else None,
    )


def _time(claims: Claims, name: str) -> float | None:
    time = claims.get(name)
    return float(time) if isinstance(time, (int, float)) else None
