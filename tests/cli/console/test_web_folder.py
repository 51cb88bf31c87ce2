"""The user's folder at `/web/`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.console.web_folder import mqtt_js_path
from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import Ask
from tests.clients.needs import needs


@pytest.fixture
def web(core: LocalIotCore) -> Iterator[Path]:
    """The folder, with a page."""
    core.web.mkdir()
    (core.web / "index.html").write_text("<p>ours")
    yield core.web
    for path in core.web.iterdir():
        path.unlink()
    core.web.rmdir()


def test_the_folder_without_its_slash_leads_to_the_one_with_it(ask: Ask) -> None:
    answer = ask("/web")
    assert (answer.status, answer.headers["location"].endswith("/web/")) == (307, True)


def test_without_a_folder_the_answer_says_how_to_write_a_page(ask: Ask) -> None:
    answer = ask("/web/")
    assert answer.status == 404
    assert re.search(r"no file index\.html\. .*/web && \S*iot-authorizer connect --for browser > ", answer.text)


def test_a_missing_file_beside_a_page_brings_no_command_that_would_replace_the_page(web: Path, ask: Ask) -> None:
    answer = ask("/web/app.js")
    assert (answer.status, "no file app.js" in answer.text, "connect" in answer.text) == (404, True, False)


def test_only_the_page_itself_may_embed_it_or_keep_its_window(web: Path, ask: Ask) -> None:
    """A sign-in in a frame ends with the page in that frame; one in a popup is opened by the page."""
    headers = ask("/web/").headers
    assert (headers["content-security-policy"], headers["cross-origin-opener-policy"]) == (
        "frame-ancestors 'self'",
        "same-origin-allow-popups",
    )


def test_a_file_that_is_written_later_is_served(web: Path, ask: Ask) -> None:
    answer = ask("/web/")
    assert (answer.status, answer.text, answer.headers["cache-control"]) == (200, "<p>ours", "no-cache")


def test_mqtt_js_is_that_of_the_package(web: Path, ask: Ask) -> None:
    needs("mqtt.js")
    path = mqtt_js_path()
    assert path is not None
    answer = ask("/web/mqtt.js")
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == (path.read_text(), "text/javascript")


def test_a_file_of_the_folder_comes_before_that_of_the_package(web: Path, ask: Ask) -> None:
    (web / "mqtt.js").write_text("// ours")
    assert ask("/web/mqtt.js").text == "// ours"


@pytest.mark.parametrize("path", ["/web/../authorizer.toml", "/web/%2e%2e/authorizer.toml", "/web/secret-link"])
def test_no_file_outside_the_folder_is_served(web: Path, ask: Ask, path: str) -> None:
    (web / "secret-link").symlink_to(web.parent / "authorizer.toml")
    answer = ask(path)
    assert (answer.status, "policy" in answer.text) == (404, False)
