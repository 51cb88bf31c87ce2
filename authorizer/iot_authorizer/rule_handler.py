"""The Lambda function of a `[[rule]]`: calls a function of the user's for each message, `on_message(event, context)`.

1. The variable AUTHORIZER_RULE_FUNCTION names the function. It is imported when this function starts.
2. Its event has `topic`, `client_id` (None if the message did not come from an MQTT client), `principal`
   (None for a message of IoT Core itself), `timestamp` (milliseconds since 1970), and the payload: as JSON in
   `payload`, or in base64 in `payload_base64` if it is not JSON.
3. JSON that parsers read differently is not JSON here: a duplicate key, a number that no float holds, and half of a
   surrogate pair, which the function could not even print.
4. What the function returns is ignored. If it raises, Lambda calls it again for the same message: after one minute, and
   once more after two.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from iot_authorizer.rule_settings import RULE_FUNCTION
from iot_identities.strict_json import STRICT
from iot_policies import InvalidFile

_NOT_MQTT = "n/a"
"""What IoT Core's `clientid()` is for a message that did not come from an MQTT client, or came from one of this ID."""


def message_event(selected: Mapping[str, object]) -> dict[str, object]:
    """The event of a user's function, made of the selection of a topic rule."""
    client_id = selected.get("client_id")
    found = {
        "topic": selected["topic"],
        "client_id": None if client_id == _NOT_MQTT else client_id,
        "principal": selected.get("principal"),
        "timestamp": selected["timestamp"],
    }
    encoded = str(selected["payload_base64"])
    try:
        return {**found, "payload": _read(base64.b64decode(encoded).decode())}
    except ValueError:
        return {**found, "payload_base64": encoded}


def _read(text: str) -> object:
    """The JSON of a payload. Raises ValueError."""
    found: object = STRICT.decode(text)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # Raises UnicodeEncodeError, which is a ValueError.
    return found


def _imported(name: str) -> Callable[[Mapping[str, object], object], object]:
    module, _, attribute = name.rpartition(".")
    found = getattr(import_module(module), attribute, None)
    if not callable(found):
        raise InvalidFile(f"{module.replace('.', '/')}.py", None, "", f"there is no function {attribute}")
    return cast("Callable[[Mapping[str, object], object], object]", found)


_on_message = _imported(os.environ[RULE_FUNCTION])


def lambda_handler(event: Mapping[str, object], context: object) -> dict[str, object]:
    """Calls the function."""
    _on_message(message_event(event), context)
    return {}
