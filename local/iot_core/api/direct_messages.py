"""SendDirectMessage (API_iotdata_SendDirectMessage): sends a message to one connected client.

Rules:
- The sender needs iot:SendDirectMessage on `client/ID`, where `iot:Topic` is the topic. The receiver needs iot:Receive.
  The lack of either is answered by 403; the feed says which it is.
- unmeasured (checks direct-refused, direct-takes-less, direct-gone): the order of the checks, the status of a message
  that is larger than its receiver takes (assumed: 413), and of a receiver that disconnects before it acknowledges
  (assumed: 504, at once).
- unmeasured (check direct-text): the texts of the errors, except that of a client with a persistent session, and of the
  answer.
"""

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.connections import client_id_of
from iot_core.api.errors import ApiError, forbidden, gateway_timeout, invalid_member, not_found, throttled, too_large
from iot_core.api.http_authorization import HttpAuthorization, RequestedAction
from iot_core.api.parameters import query_boolean, query_integer, read_body
from iot_core.api.publish import check_topic, message_properties
from iot_core.broker.direct_messages import NotSent
from iot_core.broker.topics import check_message_topic
from iot_core.core import IotCore
from iot_core.mqtt import Publish
from iot_core.reasons import IotCoreReason
from iot_policies.topics import TO, as_written

LEAST_TIMEOUT, LONGEST_TIMEOUT, DEFAULT_TIMEOUT = 1, 15, 5
"""Seconds to wait for a confirmation."""
_NOT_CONNECTED = "The target client ID is not connected"
_OFFLINE = f"{_NOT_CONNECTED}, but it has an active persistent session"


class DirectMessageOperation:
    """The operation SendDirectMessage."""

    def __init__(self, core: IotCore, authorization: HttpAuthorization) -> None:
        self._core = core
        self._authorization = authorization

    async def send(self, request: Request) -> Response:
        """Sends a message. With confirmation, it waits until the receiver has acknowledged it. Raises ApiError."""
        limits = self._core.broker.limits
        payload = await read_body(request, limits.payload)
        client_id, topic = client_id_of(request), request.query_params.get("topic")
        permission = ("iot:SendDirectMessage", self._core.arn("client", client_id))
        asked = RequestedAction("http_send", as_written(f"{client_id}{TO}{topic or ''}"), (permission,), topic)
        await self._authorization.require(request, asked)
        if topic is None:
            raise invalid_member("topic", "Member must not be null")
        check_topic("topic", topic, check_message_topic, limits)
        confirmation = query_boolean(request, "confirmation")
        seconds = query_integer(request, "timeout", LEAST_TIMEOUT, LONGEST_TIMEOUT) if confirmation else None
        packet = Publish(topic, payload, int(confirmation), False, False, None, message_properties(request, limits))
        await self._deliver(client_id, packet, seconds or DEFAULT_TIMEOUT)
        return JSONResponse({"message": "OK", "traceId": str(uuid.uuid4())})

    async def _deliver(self, client_id: str, packet: Publish, seconds: int) -> None:
        broker = self._core.broker
        try:
            receipt = broker.direct_messages.send(client_id, broker.message(packet, packet.topic), seconds)
            self._core.commit()
            if receipt is not None:
                await receipt.ended.wait()
                if not receipt.acknowledged:
                    raise NotSent(IotCoreReason.NOT_ACKNOWLEDGED)
        except NotSent as error:
            if error.reason is not IotCoreReason.NOT_ALLOWED_BY_POLICY:  # That decision is in the feed already.
                self._core.feed.add("dropped", client_id=client_id, reason=error.reason, count=1)
            raise self._error(client_id, error.reason) from None

    def _error(self, client_id: str, reason: IotCoreReason) -> ApiError:
        if reason is IotCoreReason.RECEIVER_NOT_CONNECTED:
            return not_found(_NOT_CONNECTED if self._core.broker.session(client_id) is None else _OFFLINE)
        if reason is IotCoreReason.RECEIVER_BUSY:
            return throttled("The target client takes no more messages now")
        if reason is IotCoreReason.RECEIVER_TAKES_LESS:
            return too_large("The message is larger than the target client takes")
        if reason is IotCoreReason.NOT_ACKNOWLEDGED:
            return gateway_timeout("The target client has not acknowledged the message in time")
        return forbidden()
