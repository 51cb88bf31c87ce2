"""GetRetainedMessage and ListRetainedMessages (API_iotdata_GetRetainedMessage, API_iotdata_ListRetainedMessages)."""

import base64
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.callers import Callers, Intent
from iot_core.api.errors import invalid_member, not_found
from iot_core.api.members import query_integer
from iot_core.api.operations import label
from iot_core.api.pages import InvalidToken, page
from iot_core.core import IotCore

_MOST_RESULTS = 200


class RetainedMessageOperations:
    """The operations."""

    def __init__(self, core: IotCore, callers: Callers) -> None:
        self._core = core
        self._callers = callers

    async def get(self, request: Request) -> Response:
        """The retained message of a topic. Raises ApiError."""
        topic = label(request, "topic")
        permission = ("iot:GetRetainedMessage", self._core.arn("topic", topic))
        await self._callers.require(request, Intent("http_get_retained", topic, (permission,)))
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
        """The topics that have retained messages, in pages. Raises ApiError."""
        size = query_integer(request, "maxResults", 1, _MOST_RESULTS) or _MOST_RESULTS
        permission = ("iot:ListRetainedMessages", "*")
        await self._callers.require(request, Intent("http_list_retained", "*", (permission,)))
        try:
            shown, following = page(
                self._core.broker.retained.items(),
                lambda retained: retained.message.topic,
                size,
                request.query_params.get("nextToken"),
            )
        except InvalidToken:
            raise invalid_member("nextToken", "Member must be a token of an answer before") from None
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
    """As in Publish: base64 of `[{"name": "value"}, …]`."""
    return base64.b64encode(json.dumps([{name: value} for name, value in pairs]).encode()).decode() if pairs else None
