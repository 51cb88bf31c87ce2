"""GetRetainedMessage and ListRetainedMessages (API_iotdata_GetRetainedMessage, API_iotdata_ListRetainedMessages)."""

import base64
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import not_found
from iot_core.api.http_authorization import HttpAuthorization, RequestedAction
from iot_core.api.parameters import first_page, invalid_next_token, key_of, label, query_integer
from iot_core.core import IotCore

_MOST_RESULTS = 200


class RetainedMessageOperations:
    """The operations on retained messages."""

    def __init__(self, core: IotCore, authorization: HttpAuthorization) -> None:
        self._core = core
        self._authorization = authorization

    async def get(self, request: Request) -> Response:
        """GetRetainedMessage. Raises ApiError."""
        topic = label(request, "topic")
        permission = ("iot:GetRetainedMessage", self._core.arn("topic", topic))
        await self._authorization.require(request, RequestedAction("http_get_retained", topic, (permission,)))
        found = self._core.broker.retained.get(topic)
        if found is None:
            raise not_found("The specified topic has no retained message")
        message, modified_ms = found
        return JSONResponse(
            {
                "topic": topic,
                "payload": base64.b64encode(message.payload).decode(),
                "qos": message.qos,
                "lastModifiedTime": modified_ms,
                "userProperties": _user_properties(message.properties.user_properties),
            }
        )

    async def list(self, request: Request) -> Response:
        """ListRetainedMessages. Raises ApiError."""
        size = query_integer(request, "maxResults", 1, _MOST_RESULTS) or _MOST_RESULTS
        permission = ("iot:ListRetainedMessages", "*")
        await self._authorization.require(request, RequestedAction("http_list_retained", "*", (permission,)))
        token = request.query_params.get("nextToken")
        after = "" if token is None else key_of(token, invalid_next_token())
        ordered = self._core.broker.retained.items(after)
        shown, following = first_page(ordered, lambda retained: retained.message.topic, size)
        topics = [
            {
                "topic": message.topic,
                "payloadSize": len(message.payload),
                "qos": message.qos,
                "lastModifiedTime": modified_ms,
            }
            for message, modified_ms in shown
        ]
        return JSONResponse({"retainedTopics": topics, "nextToken": following})


def _user_properties(pairs: tuple[tuple[str, str], ...]) -> str | None:
    """Writes `[{"name": "value"}, …]` in base64, as in Publish."""
    return base64.b64encode(json.dumps([{name: value} for name, value in pairs]).encode()).decode() if pairs else None
