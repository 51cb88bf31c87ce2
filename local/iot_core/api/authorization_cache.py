"""What was decided for a client that keeps its HTTP connection (API_CreateAuthorizer, `enableCachingForHttp`)."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from starlette.requests import Request

from iot_core.authorizers.invocation import Authorization
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.core import IotCore

_MOST = 1024
"""Authorizations that are kept; the one that was not used for longest goes first."""
_OF_THE_MESSAGE = frozenset({"content-length", "content-type", "date", "expect", "transfer-encoding"})
_MQTT_5 = "x-amz-mqtt5-"
_PARAMETERS = frozenset({"qos", "retain", "contentType", "responseTopic", "messageExpiry", "maxResults", "nextToken"})


class _Kept(NamedTuple):
    authorization: Authorization
    authorizer: AuthorizerDescription
    until: float


class AuthorizationCache:
    """Authorizations by connection and credentials, for as long as their answers say.

    A connection is known by the client's address. One that comes later from the same port finds what it would have
    been answered anyway: the key holds all of a request but what belongs to its message.
    """

    def __init__(self, core: IotCore) -> None:
        self._core = core
        self._clock = core.clock
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, request: Request) -> Authorization | None:
        """What holds for a request; None where the authorizer has to be asked, as when anything was configured anew."""
        key = self._key(request)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock() or not self._is_unchanged(kept):
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept.authorization

    def put(self, request: Request, authorization: Authorization) -> None:
        """Keeps an authorization, if its authorizer enables caching for HTTP."""
        authorizer = self._core.authorizers.get(authorization.authorizer)
        if authorizer is None or not authorizer.enable_caching_for_http:
            return
        answer = authorization.answer
        seconds = min(answer.refresh_after_in_seconds, answer.disconnect_after_in_seconds)
        self._kept[self._key(request)] = _Kept(authorization, authorizer, self._clock() + seconds)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def _is_unchanged(self, kept: _Kept) -> bool:
        core = self._core
        return (
            core.authorizers.generation == kept.authorization.generation
            and core.authorizers.get(kept.authorizer.name) == kept.authorizer
        )

    def _key(self, request: Request) -> Hashable:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name not in _OF_THE_MESSAGE and not name.startswith(_MQTT_5)
        ]
        query = [(name, value) for name, value in request.query_params.multi_items() if name not in _PARAMETERS]
        return request.client, self._core.authorizers.default, tuple(headers), tuple(query)
