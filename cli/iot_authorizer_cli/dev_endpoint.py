"""Asks a running `iot-authorizer dev` over HTTP, and says what is wrong if it does not answer.

1. What is secret goes to the TLS port. Another user of the machine can listen at a port before `dev` does, but only
   `dev` has a certificate of the CA in its data folder, or the one of which the folder has a copy.
2. A socket's time-out does not limit a server that sends a byte now and then: `within` limits a whole answer.
"""

import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Thread
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from iot_core.edge.certificate_authority import ca_path
from iot_core.edge.own_certificate import copy_path

Answer = TypeVar("Answer")

DEV = "http://127.0.0.1:8080"
"""The plain port of `iot-authorizer dev`, unless it is given another one."""
DEV_TLS = "https://localhost:8443"
"""Its TLS port, unless it is given another one."""
_SOCKET_TIMEOUT = 5.0
"""Seconds that an endpoint has for each part of an answer."""


class Unreachable(Exception):
    """An endpoint does not answer. The text says which one and what to do."""


class NothingListens(Unreachable):
    """Nothing listens at an endpoint, so no client is connected there."""


class OperationFailed(Exception):
    """An operation failed. The text says why, in a few words."""


class HttpAnswer(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    content: bytes


class DevEndpoint:
    """A port of `iot-authorizer dev`."""

    def __init__(self, url: str, expected: str, trust: ssl.SSLContext | None = None) -> None:
        """`trust` is `trusted_dev` for the TLS port; None for the plain port.

        Raises ValueError with `expected` for a URL that is not one of such a port.
        """
        parts = urlsplit(url)
        if parts.scheme != ("http" if trust is None else "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(expected)
        self.url = url
        """The URL as it was given."""
        self._kind = "plain" if trust is None else "TLS"
        if trust is None:
            self._open = partial(HTTPConnection, parts.hostname, parts.port or 80)
        else:
            self._open = partial(HTTPSConnection, parts.hostname, parts.port or 443, context=trust)

    def ask(self, method: str, path: str, longest: int, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """An answer; of its content, at most one byte more than `longest`. Raises Unreachable, OperationFailed."""
        connection = self._open(timeout=_SOCKET_TIMEOUT)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return HttpAnswer(answer.status, found, answer.read(longest + 1))
        except ConnectionRefusedError:
            advice = f"start `iot-authorizer dev`, or name its {self._kind} port with --endpoint-url"
            raise NothingListens(f"nothing listens at {self.url}: {advice}") from None
        except TimeoutError:
            raise Unreachable(f"{self.url}: no answer") from None
        except ssl.SSLError:
            advice = "name the data folder of the running `dev` with --data, or its TLS port with --endpoint-url"
            raise Unreachable(f"{self.url} is not the `dev` of this data folder: {advice}") from None
        except (OSError, HTTPException) as error:
            raise OperationFailed(f"{self.url}: {error or type(error).__name__}") from None
        finally:
            connection.close()


def trusted_dev(folder: Path) -> ssl.SSLContext | None:
    """A context that trusts only the `dev` of a data folder; None if no `dev` has run with it. Raises OSError.

    The user's own certificate may lack the name of the URL, and its CA may be unknown here: the copy is trusted itself.
    """
    if copy_path(folder).exists():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(copy_path(folder))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
        return context
    return ssl.create_default_context(cafile=ca_path(folder)) if ca_path(folder).exists() else None


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What a function returns or raises. Raises Unreachable if that takes longer; the function is left running."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001 (raised again by future.result)
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        raise Unreachable(f"no complete answer within {seconds:g}s") from None
