"""Fetches the keys of an issuer from its JWKS URL."""

from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread

from jwt import PyJWK

from iot_authorizer.cached import Cached, FetchError
from iot_authorizer.fetching import fetch, public_url
from iot_authorizer.keys import KeySet
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

TIMEOUT = 1.5
"""Seconds for a whole fetch, including DNS and TLS: the Lambda has 5 in total."""
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

    def __init__(self, url: str, timeout: float | None = None, *, shows_url: bool = False) -> None:
        """`timeout`: seconds for a whole fetch, TIMEOUT by default. `shows_url`: whether errors name the URL."""
        self._url = url
        self._timeout = TIMEOUT if timeout is None else timeout
        self._shows_url = shows_url
        self._threads: list[Thread] = []

    def __call__(self) -> KeySet:
        """The key set. Raises FetchError with the cause, also while MOST_THREADS fetches hang."""
        try:
            found = KeySet.parse(self._body())
            if not found.verifies_anything():
                raise FetchError("found no key that could verify a token")
        except (FetchError, ValueError) as error:
            where = f" ({public_url(self._url)})" if self._shows_url else ""
            raise FetchError(f"{error}{where}") from None
        return found

    def _body(self) -> bytes:
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
        if isinstance(answer, FetchError):
            raise answer
        if isinstance(answer, Exception):
            raise FetchError(type(answer).__name__)
        return answer

    def _run(self, answers: "SimpleQueue[bytes | Exception]") -> None:
        try:
            answers.put(fetch(self._url, self._timeout))
        except Exception as error:  # noqa: BLE001 (the caller gets it)
            answers.put(error)
