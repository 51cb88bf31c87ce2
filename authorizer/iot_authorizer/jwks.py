"""Fetches the keys of an issuer from its JWKS URL."""

import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from jwt import PyJWK

from iot_authorizer.cached import Cached, FetchError
from iot_authorizer.keys import KeySet
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

TIMEOUT = 1.5
"""Seconds for a whole fetch, including DNS and TLS: the Lambda has 5 in total."""
LARGEST_JWKS = 256 * 1024
"""Bytes."""
MOST_THREADS = 3
"""Fetches that may hang at the same time. With a limit of 1, one that hangs or is frozen would end all fetching."""


class RemoteKeys:
    """The keys of one URL. An unknown key ID causes another fetch, but not too often."""

    def __init__(self, cached: Cached[KeySet]) -> None:
        self._cached = cached

    def find(self, key_id: str | None, algorithm: str) -> Sequence[PyJWK]:
        """The keys to verify a token with. Raises Refusal."""
        try:
            return self._cached.get().find(key_id, algorithm)
        except Refusal as refusal:
            if refusal.reason != Reason.UNKNOWN_KEY or not self._cached.refresh():
                raise
        return self._cached.get().find(key_id, algorithm)


class KeySetUrl:
    """Fetches a key set in a thread, since a socket's timeout does not limit a server that sends byte by byte."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        """`timeout`: seconds for a whole fetch, TIMEOUT by default."""
        self._url = url
        self._timeout = TIMEOUT if timeout is None else timeout
        self._threads: list[Thread] = []

    def __call__(self) -> KeySet:
        """The key set. Raises FetchError, also while MOST_THREADS fetches hang."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= MOST_THREADS:
            raise FetchError("the last fetches still run")
        answers: SimpleQueue[bytes | Exception] = SimpleQueue()
        thread = Thread(target=self._run, args=(answers,), daemon=True)
        self._threads.append(thread)
        thread.start()
        try:
            answer = answers.get(timeout=self._timeout)
        except Empty:
            raise FetchError("no answer in time") from None
        if isinstance(answer, Exception):
            raise FetchError(type(answer).__name__)
        try:
            found = KeySet.parse(answer)
        except ValueError as error:
            raise FetchError(str(error)) from None
        if not found.verifies_anything():
            raise FetchError("no key that could verify a token")
        return found

    def _run(self, answers: "SimpleQueue[bytes | Exception]") -> None:
        try:
            answers.put(_fetch(self._url, self._timeout))
        except Exception as error:  # noqa: BLE001 (the caller gets it)
            answers.put(error)


def _fetch(url: str, timeout: float) -> bytes:
    """Fetches exactly this URL: no redirects, no `file:` and no proxies from the environment."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    request = Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310 (only HTTP and HTTPS are opened)
    with opener.open(request, timeout=timeout) as response:
        if response.status != 200:
            raise FetchError("expected status 200")
        body = b""
        deadline = time.monotonic() + timeout
        while chunk := response.read1(LARGEST_JWKS):
            body += chunk
            if len(body) > LARGEST_JWKS or time.monotonic() > deadline:
                raise FetchError("expected at most 256 KiB, in time")
        return body
