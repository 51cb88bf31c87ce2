"""Keys from a JWKS URL."""

import time
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from jwt import PyJWK

from iot_authorizer.cached import Cached, FetchError
from iot_authorizer.keys import KeySet
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

TIMEOUT = 1.5
"""Seconds for a whole fetch, name look-up and TLS included: the Lambda has 5 in all."""
LARGEST_JWKS = 256 * 1024
"""Bytes."""
MOST_THREADS = 3
"""That may hang at once: one alone would end all fetching, be it only frozen with its Lambda."""


class RemoteKeys:
    """The keys behind one URL; an unknown key ID is a reason to look there again, now and then."""

    def __init__(self, cached: Cached[KeySet]) -> None:
        self._cached = cached

    def find(self, key_id: str | None, algorithm: str) -> PyJWK:
        """The key to verify a token with. Raises Refusal."""
        try:
            return self._cached.get().find(key_id, algorithm)
        except Refusal as refusal:
            if refusal.reason != Reason.UNKNOWN_KEY or not self._cached.refresh():
                raise
        return self._cached.get().find(key_id, algorithm)


class KeySetUrl:
    """Fetches one URL's key set, each time in a thread: no socket's time-out bounds a server that drips bytes."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        """`timeout` in seconds, for a fetch as a whole; TIMEOUT where none is given."""
        self._url = url
        self._timeout = TIMEOUT if timeout is None else timeout
        self._threads: list[Thread] = []

    def __call__(self) -> KeySet:
        """The key set. Raises FetchError, also while MOST_THREADS fetches still hang."""
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
        except Exception as error:  # noqa: BLE001 (whatever it is, it is handed over)
            answers.put(error)


def _fetch(url: str, timeout: float) -> bytes:
    """No redirects, no `file:` and no proxies from the environment: this URL, or nothing."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    request = Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310 (HTTP and HTTPS alone are opened)
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
