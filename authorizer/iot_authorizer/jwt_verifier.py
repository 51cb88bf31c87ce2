"""Verifies bearer tokens of the configured issuers (RFC 7519, with the advice of RFC 8725)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

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
from iot_authorizer.tokens import Token, read_token
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import Claims, Principal, claim

_TIMES = ("exp", "nbf", "iat")
_LATEST = 253_402_300_800
"""The end of the year 9999, in seconds since 1970."""

_REASONS: dict[type[PyJWTError], Reason] = {
    InvalidSignatureError: Reason.BAD_SIGNATURE,
    ExpiredSignatureError: Reason.EXPIRED,
    InvalidAudienceError: Reason.WRONG_AUDIENCE,
    InvalidAlgorithmError: Reason.ALGORITHM_NOT_ALLOWED,
    InvalidKeyError: Reason.KEY_TYPE_MISMATCH,
    InvalidIssuedAtError: Reason.INVALID_CLAIM,
    InvalidSubjectError: Reason.INVALID_CLAIM,
    InvalidJTIError: Reason.INVALID_CLAIM,
}


@dataclass(frozen=True)
class Expectations:
    """What the tokens of an issuer must say, whether this code or IoT Core verifies the signature."""

    issuer: str
    audience: tuple[str, ...] = ()
    client_id: tuple[str, ...] = ()
    """App clients of Cognito, whose access tokens have `client_id` and `token_use` instead of an audience."""
    required_claims: tuple[str, ...] = ()
    leeway: float = 30
    """Seconds that the clocks may differ."""
    token_type: str | None = None
    """The required `typ` of the header, such as `at+jwt` (RFC 8725, section 3.11); None for any."""
    principal_claim: str = "sub"
    """The claim that names the principal."""

    @cached_property
    def accepted_audience(self) -> str | tuple[str, ...] | None:
        """The audience in PyJWT's form."""
        return self.audience[0] if len(self.audience) == 1 else self.audience or None

    @cached_property
    def options(self) -> Options:
        """What PyJWT checks. With `client_id`, tokens have no audience."""
        return {
            "verify_signature": True,
            "require": ["exp"],
            "verify_exp": True,
            "verify_nbf": True,
            "verify_iat": True,
            "verify_iss": True,
            "verify_aud": not self.client_id,
            "verify_sub": True,
            "verify_jti": True,
        }

    @cached_property
    def decoder(self) -> PyJWT:
        """A decoder with these options."""
        return PyJWT(self.options)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose signatures this code verifies."""

    expects: Expectations
    algorithms: tuple[str, ...]
    keys: Keys

    def verify(self, token: Token) -> VerifiedPrincipal:
        """Verifies a token of this issuer. Raises Refusal."""
        if not token.signed:
            raise Refusal(Reason.SIGNATURE_NOT_VERIFIED)
        algorithm = token.header.algorithm
        if algorithm not in self.algorithms:
            mixes = algorithm.startswith("HS") and SYMMETRIC_ALGORITHMS.isdisjoint(self.algorithms)
            raise Refusal(Reason.ALGORITHM_CONFUSION if mixes else Reason.ALGORITHM_NOT_ALLOWED)
        check_form(token, self.expects)
        key = self.keys.find(token.header.key_id, algorithm)
        claims = _decode(token.text, key, self.algorithms, self.expects)
        return to_principal(claims, self.expects)


class JwtVerifier:
    """Verifies each bearer token with the issuer that it names."""

    def __init__(self, issuers: Collection[Issuer], signed: Collection[Expectations] = ()) -> None:
        """`signed`: the issuers whose signatures IoT Core verifies before it invokes the Lambda."""
        self._issuers: Mapping[object, Issuer] = {issuer.expects.issuer: issuer for issuer in issuers}
        self._signed: Mapping[object, Expectations] = {expects.issuer: expects for expects in signed}

    def verify(self, credentials: Credentials) -> VerifiedPrincipal:
        """Verifies the token of the credentials. Raises Refusal."""
        if not self._issuers and not self._signed:
            raise Refusal(Reason.TOKENS_NOT_CONFIGURED)
        token = read_token(credentials.token or "")
        name = token.claims.get("iss")
        if not isinstance(name, str):
            raise Refusal(Reason.UNKNOWN_ISSUER)
        try:
            return self._verify(token, name, signature_verified=credentials.signature_verified)
        except Refusal as refusal:
            refusal.issuer = name if name in self._signed or name in self._issuers else None
            raise

    def _verify(self, token: Token, name: str, *, signature_verified: bool) -> VerifiedPrincipal:
        if name in self._signed and (signature_verified or name not in self._issuers):
            return verify_signed(token, self._signed[name], signature_verified=signature_verified)
        if name not in self._issuers:
            raise Refusal(Reason.UNKNOWN_ISSUER)
        return self._issuers[name].verify(token)


def verify_signed(token: Token, expects: Expectations, *, signature_verified: bool) -> VerifiedPrincipal:
    """Verifies the claims of a token whose signature IoT Core verified: RSASSA-PKCS1-v1_5 with SHA-256 (RS256).

    Raises Refusal.
    """
    if not signature_verified:
        raise Refusal(Reason.SIGNATURE_NOT_VERIFIED)
    if token.header.algorithm != "RS256":
        raise Refusal(Reason.ALGORITHM_NOT_ALLOWED)
    check_form(token, expects)
    unsigned = ".".join((*token.text.split(".")[:2], ""))
    return to_principal(_decode(unsigned, None, ("RS256",), expects), expects)


def check_form(token: Token, expects: Expectations) -> None:
    """Refuses a wrong `typ` and times of the wrong type, which libraries read in different ways."""
    if expects.token_type is not None and (token.header.type or "").lower() != expects.token_type.lower():
        raise Refusal(Reason.WRONG_TOKEN_USE, "typ")
    for name in _TIMES:
        time = token.claims.get(name, 0)
        if isinstance(time, bool) or not isinstance(time, (int, float)) or not 0 <= time < _LATEST:
            raise Refusal(Reason.INVALID_CLAIM, name)


def _decode(text: str, key: PyJWK | None, algorithms: tuple[str, ...], expects: Expectations) -> Claims:
    """Verifies a token with PyJWT and returns its claims. Without a key, the signature is not verified."""
    try:
        return expects.decoder.decode(
            text,
            key or "",
            algorithms,
            {**expects.options, "verify_signature": False} if key is None else None,
            audience=expects.accepted_audience,
            issuer=expects.issuer,
            leeway=expects.leeway,
        )
    except MissingRequiredClaimError as error:
        raise Refusal(Reason.MISSING_CLAIM, error.claim) from None
    except ImmatureSignatureError as error:
        raise Refusal(Reason.ISSUED_IN_FUTURE if "(iat)" in str(error) else Reason.NOT_YET_VALID) from None
    except PyJWTError as error:
        raise Refusal(_reason(error)) from None


def _reason(error: PyJWTError) -> Reason:
    return next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), Reason.MALFORMED_TOKEN)


def to_principal(claims: Claims, expects: Expectations) -> VerifiedPrincipal:
    """The principal of verified claims. Raises Refusal, and AmbiguousClaim."""
    for required in expects.required_claims:
        if claim(claims, required) is None:
            raise Refusal(Reason.MISSING_CLAIM, required)
    if expects.client_id:
        if claims.get("token_use") != "access":
            raise Refusal(Reason.WRONG_TOKEN_USE)
        if claims.get("client_id") not in expects.client_id:
            raise Refusal(Reason.WRONG_CLIENT)
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
