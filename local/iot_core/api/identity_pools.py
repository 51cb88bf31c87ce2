"""Amazon Cognito federated identities: GetId and GetCredentialsForIdentity (Cognito API reference, JSON 1.1).

1. The operations are not signed. Browsers of any origin may call them.
2. Without `Logins`, an identity is a guest. With it, it is the user of a login: one provider, which is the issuer of
   its token without `https://`. The configured authorizer verifies the token, as that of an HTTPS request.
3. A guest needs only its ID for credentials. A user needs its login each time. A guest's ID with a login gives the
   credentials of the login's user.
4. Both roles have the policy that the template gives guests. Without such a policy, there are no credentials. Guests
   get none if the configured authorizer refuses clients without credentials.

In AWS, a user also needs an IoT policy that is attached to its identity (developer guide, "Authorization with Amazon
Cognito identities"). Here, none is needed.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.parameters import MOST_JSON, read_body
from iot_core.authorizers.event import ConnectionRequest, HttpContext
from iot_core.authorizers.invocation import AuthorizerCall, Refused
from iot_core.core import IotCore
from iot_core.iam.access_keys import AccessKey
from iot_core.iam.roles import GUEST_ROLE, USER_ROLE, RoleSession
from iot_core.reasons import IotCoreReason

TARGET = "AWSCognitoIdentityService."
"""What the header `x-amz-target` begins with; the operation's name follows."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
}
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "amz-sdk-invocation-id,amz-sdk-request,authorization,cache-control,content-type,"
    "x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-target,x-amz-user-agent",
    "Access-Control-Max-Age": "172800",
}
_ACTION = "cognito_identity"
"""In the feed."""
_JSON = "application/x-amz-json-1.1"
_SECONDS = 3600
"""How long credentials last."""
_SESSION_NAME = "CognitoIdentityCredentials"
_TOKENS = frozenset({"token", "header", "authorization"})
"""The credential sources that show that the authorizer verified the token."""
_ID = re.compile(r"[\w-]+:[0-9a-f-]+", re.ASCII)
_MOST_ID = 55
_MOST_PROVIDER = 128
"""Characters of an ID and of a provider's name (Cognito API reference)."""


def is_open(scope: Mapping[str, Any]) -> bool:
    """Whether pages of any origin may send a request: Cognito's operations, and the browser's question before.

    No other operation may be reached by what this accepts, so it compares as the routes do.
    """
    headers: Mapping[bytes, str] = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["path"] != "/":
        return False
    if scope["method"] == "OPTIONS":
        return "x-amz-target" in headers.get(b"access-control-request-headers", "").lower()
    return scope["method"] == "POST" and headers.get(b"x-amz-target", "").startswith(TARGET)


class IdentityError(Exception):
    """The answer to a request is an error. All have the status 400."""

    def __init__(self, error_type: str, message: str, refused: Refused | None = None) -> None:
        self.error_type = error_type
        """The exception's name in AWS's model."""
        self.refused = refused or Refused(IotCoreReason.CREDENTIALS_NOT_ISSUED, message)
        """What the feed says."""
        super().__init__(message)

    def response(self) -> Response:
        """Makes the HTTP answer."""
        headers = {"x-amzn-ErrorType": self.error_type, **CORS}
        return JSONResponse({"__type": self.error_type, "message": str(self)}, 400, headers, _JSON)


class _Question(BaseModel):
    """The members of both operations. Unknown members are ignored, as AWS does."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", strict=True, hide_input_in_errors=True)

    identity_pool_id: str | None = None
    identity_id: str | None = None
    logins: dict[str, str] = {}
    custom_role_arn: str | None = None


class IdentityPools:
    """The operations of Cognito."""

    def __init__(self, core: IotCore) -> None:
        self._core = core
        self._operations = {"GetId": self._get_id, "GetCredentialsForIdentity": self._get_credentials}

    async def answer(self, request: Request) -> Response:
        """Answers a request. Raises ApiError for a body that is too large."""
        operation = request.headers.get("x-amz-target", "").removeprefix(TARGET)
        body = await read_body(request, MOST_JSON)
        try:
            perform = self._operations.get(operation)
            if perform is None:
                known = "GetId and GetCredentialsForIdentity (the enhanced flow)"
                raise IdentityError("UnknownOperationException", f"{operation} is not served here: use {known}")
            return JSONResponse(await perform(_read(body)), 200, CORS, _JSON)
        except IdentityError as error:
            self._core.decisions.refused(error.refused, _ACTION, operation)
            return error.response()

    async def _get_id(self, question: _Question) -> Mapping[str, object]:
        pool, asked = self._core.identity_pool, _checked("identityPoolId", question.identity_pool_id)
        if asked != pool.pool_id:
            advice = f"this machine has the pool {pool.pool_id}"
            raise IdentityError("ResourceNotFoundException", f"IdentityPool '{asked}' not found: {advice}.")
        if question.logins:
            return {"IdentityId": await self._user(question.logins)}
        self._require_role(GUEST_ROLE)
        return {"IdentityId": pool.new_guest()}

    async def _get_credentials(self, question: _Question) -> Mapping[str, object]:
        pool, identity = self._core.identity_pool, _checked("identityId", question.identity_id)
        if question.custom_role_arn is not None:
            raise IdentityError("InvalidParameterException", "CustomRoleArn is not supported on this machine")
        is_guest = pool.is_guest(identity)
        if not (is_guest or pool.is_user(identity)):
            raise IdentityError("ResourceNotFoundException", f"Identity '{identity}' not found.")
        role = USER_ROLE if question.logins else GUEST_ROLE
        if question.logins:
            user = await self._user(question.logins)
            if not is_guest and user != identity:
                raise IdentityError("NotAuthorizedException", "Logins don't match. The login is of another identity.")
            identity = user
        elif not is_guest:
            raise IdentityError("NotAuthorizedException", f"Access to Identity '{identity}' is forbidden.")
        self._require_role(role)
        now, provider = int(self._core.wall_clock()), next(iter(question.logins), None)
        session = RoleSession(role, _SESSION_NAME, now, now + _SECONDS, identity=identity, provider=provider)
        key = self._core.temporary_keys.issue(session)
        self._core.decisions.by_policy(key.principal, None, _ACTION, role, True)
        return {"IdentityId": identity, "Credentials": _credentials(key)}

    def _require_role(self, role: str) -> None:
        if self._core.roles.find(role) is not None:
            return
        refused = Refused(IotCoreReason.CREDENTIALS_NOT_ISSUED, self._core.identity_pool.problem)
        if role == USER_ROLE:
            message = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
            raise IdentityError("InvalidIdentityPoolConfigurationException", message, refused)
        message = "Unauthenticated access is not supported for this identity pool."
        raise IdentityError("NotAuthorizedException", message, refused)

    async def _user(self, logins: Mapping[str, str]) -> str:
        """The identity of a login."""
        if len(logins) > 1:
            raise IdentityError("InvalidParameterException", "Logins: expected one provider on this machine")
        ((provider, token),) = logins.items()
        if len(provider) > _MOST_PROVIDER:  # As a token that is in the name's place, which no answer or feed may show.
            message = f"Logins: found a name of {len(provider)} characters, expected a provider's, with its token"
            raise IdentityError("InvalidParameterException", message)
        if provider not in _names(_issuer(token)):
            message = "Token is not from a supported provider of this identity pool."
            raise IdentityError("NotAuthorizedException", f"{message} Logins names {provider}")
        try:
            call = await self._call(token)
        except Refused as refused:
            raise IdentityError("NotAuthorizedException", f"Invalid login token: {refused.reason}", refused) from None
        if call.principal is None or call.source not in _TOKENS:
            message = "Invalid login token: the authorizer does not say whose token it is."
            raise IdentityError("NotAuthorizedException", message)
        return self._core.identity_pool.user(provider.removesuffix("/"), call.principal)

    async def _call(self, token: str) -> AuthorizerCall:
        """The invocation of the authorizer that accepts a token, as for an HTTPS request. Raises Refused."""
        authorizer = self._core.authorizers.get(self._core.configured_authorizer or "")
        if authorizer is None or authorizer.status != "ACTIVE":
            detail = "logins need the configured authorizer, and it is not there or not active"
            raise Refused(IotCoreReason.AUTHORIZER_INACTIVE, detail)
        key = authorizer.token_key_name
        headers = {key: token} if key else {"authorization": f"Bearer {token}"}
        request = ConnectionRequest.model_construct(http_context=HttpContext.model_construct(headers=headers))
        authorization, _ = await self._core.invoker.invoke(authorizer, request)
        return authorization.call


def _read(body: bytes) -> _Question:
    try:
        return _Question.model_validate_json(body or b"{}")
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        message = f"The body is not a valid request{f': {place}' if place else ''}"
        raise IdentityError("SerializationException", message) from None


def _issuer(token: str) -> str:
    """The issuer of a JWT, which is not verified yet; empty if it has none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError, RecursionError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


def _names(issuer: str) -> Sequence[str]:
    """The names that Cognito knows an issuer by: its URL without the scheme, with or without a last slash."""
    name = issuer.removeprefix("https://")
    return [each for each in (name, name.removesuffix("/")) if each]


def _checked(member: str, found: str | None) -> str:
    """Checks the form of an ID."""
    if found is not None and len(found) <= _MOST_ID and _ID.fullmatch(found):
        return found
    constraint = (
        "Member must not be null"
        if found is None
        else rf"Member must satisfy regular expression pattern: {_ID.pattern}, with at most {_MOST_ID} characters"
    )
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    raise IdentityError("InvalidParameterException", message)


def _credentials(key: AccessKey) -> Mapping[str, object]:
    return {
        "AccessKeyId": key.key_id,
        "SecretKey": key.secret,
        "SessionToken": key.session_token,
        "Expiration": key.expires_at,
    }
