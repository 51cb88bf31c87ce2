"""MQTT.js in Chromium, on the page that the server serves."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from threading import Thread
from typing import TypeVar

from playwright.async_api import async_playwright

from tests.clients.connection import PATIENCE, Connection
from tests.clients.needs import needs
from tests.clients.server import Server

Result = TypeVar("Result")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
_MODULE = Path(__file__).parent / "mqtt_js_client.mjs"
_CONNECT = """async ([url, clientId]) => {
  const { default: mqtt } = await import("/console/mqtt.js");
  const { connect } = await import("/mqtt_js_client.mjs");
  const timerVariant = "native"; // The page's policy allows no worker.
  window.client = connect(mqtt, url, { clientId, protocolVersion: 5, timerVariant }, window.happened);
}"""


class ChromiumConnection(Connection):
    """Drives a browser from an event loop in a thread."""

    def __init__(self, server: Server, client_id: str, token: str, *, signed: str | None = None) -> None:
        """`signed` is the query string of a signed URL, to use instead of the token."""
        super().__init__()
        program = needs("chromium")
        needs("mqtt.js")
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        query = signed or f"x-amz-customauthorizer-name=chat&token={token}"
        url = f"ws://{server.host}:{server.port}/mqtt?{query}"
        try:
            self._do(self._open(program, server.console_url, url, client_id))
        except BaseException:
            self._stop()
            raise

    def _do(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _open(self, program: str, page_url: str, url: str, client_id: str) -> None:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        self._page = await self._browser.new_page()
        await self._page.expose_function("happened", self.happened)
        await self._page.route("**/mqtt_js_client.mjs", lambda route: route.fulfill(path=_MODULE))
        await self._page.goto(page_url)
        await self._page.evaluate(_CONNECT, [url, client_id])

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._do(self._page.evaluate("(topic) => void client.subscribe(topic)", topic_filter))

    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""
        self._do(self._page.evaluate("(message) => void client.publish(...message)", [topic, payload]))

    async def _close(self) -> None:
        await self._page.evaluate("() => void client.close()")
        await self._browser.close()
        await self._playwright.stop()

    def close(self) -> None:
        """End the connection and the browser."""
        self._do(self._close())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
