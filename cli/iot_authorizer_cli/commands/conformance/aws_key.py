"""An access key of AWS, and requests that are signed with it (Signature Version 4): rightly, or with one mistake.

1. AWS's SDKs sign a URL for `iotdevicegateway`. They append the session token, which is not signed.
2. They sign an HTTPS request for `iotdata` in its header. Its session token is one of the signed headers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, quote

from iot_core.iam.signing import (
    ALGORITHM,
    CanonicalRequest,
    Scope,
    canonical_path,
    canonical_query,
    sha256,
    signature,
)

SESSION_KEY = "X-Amz-Security-Token"
"""The parameter or header of the session token."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key."""

    key_id: str
    secret: str = field(repr=False)
    session_token: str | None = field(repr=False)
    """Of a temporary key; None for a long-term one."""
    region: str
    """The region of the endpoint."""
    assume: Callable[[str], "AwsKey"] = field(repr=False, compare=False)
    """Gives a key of the role that the user named, limited by a session policy. Raises NotTried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSigning:
    """What is signed, and where the session token goes. The defaults are those of AWS's SDKs for a URL."""

    service: str = "iotdevicegateway"
    region: str | None = None
    """By default that of the endpoint."""
    age: int = 0
    """Seconds since it was signed."""
    expires: int | None = None
    """The seconds of X-Amz-Expires; None for none."""
    session: Literal["unsigned", "signed", "missing"] = "unsigned"
    """Where the session token is: appended to what is signed, part of it, or nowhere."""
    sent: Callable[[str], str] = str
    """Writes the signed query string in another way before it is sent."""
    wrong_secret: bool = False
    """Whether the secret is not that of the key."""
    more: Sequence[tuple[str, str]] = ()
    """Further parameters."""

    def query(self, key: AwsKey, host: str, path: str = "/mqtt", method: str = "GET", body: bytes = b"") -> str:
        """The query string of a signed URL; `host` is the Host header."""
        date, scope = self._scope(key)
        given = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{key.key_id}/{scope}"),
            ("X-Amz-Date", date),
            ("X-Amz-SignedHeaders", "host"),
            *self.more,
        ]
        if self.expires is not None:
            given.append(("X-Amz-Expires", str(self.expires)))
        token = [] if key.session_token is None or self.session == "missing" else [(SESSION_KEY, key.session_token)]
        if self.session == "signed":
            given += token
        query = canonical_query((name.encode(), value.encode()) for name, value in given)
        canonical = CanonicalRequest(
            method, canonical_path(path.encode()), query, (("host", host.encode()),), sha256(body)
        )
        found = signature(self._secret(key), scope, date, canonical)
        appended = [f"&{name}={quote(value, safe='')}" for name, value in token if self.session == "unsigned"]
        return f"{self.sent(query)}&X-Amz-Signature={found}{''.join(appended)}"

    def headers(self, key: AwsKey, host: str, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request; `query` is its query string, without a `?`."""
        date, scope = self._scope(key)
        signed, token = {"host": host, "x-amz-date": date}, {SESSION_KEY.lower(): key.session_token or ""}
        has_token = key.session_token is not None and self.session != "missing"
        if has_token and self.session == "signed":
            signed |= token
        names = tuple(sorted(signed))
        parameters = canonical_query((name.encode(), value.encode()) for name, value in parse_qsl(query))
        values = tuple((name, signed[name].encode()) for name in names)
        canonical = CanonicalRequest(method, canonical_path(path.encode()), parameters, values, sha256(body))
        found = signature(self._secret(key), scope, date, canonical)
        shown = f"{ALGORITHM} Credential={key.key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={found}"
        return {"Authorization": shown, "x-amz-date": date, **(token if has_token else {})}

    def _secret(self, key: AwsKey) -> str:
        return key.secret[::-1] if self.wrong_secret else key.secret

    def _scope(self, key: AwsKey) -> tuple[str, Scope]:
        """The date, and what the signing key is for."""
        date = (datetime.now(UTC) - timedelta(seconds=self.age)).strftime("%Y%m%dT%H%M%SZ")
        return date, Scope(date[:8], self.region or key.region, self.service)
