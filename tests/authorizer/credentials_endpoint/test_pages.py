"""Pages of other origins: which may ask (CORS), and that no answer is stored."""

from pathlib import Path

import pytest

from tests.authorizer.credentials_endpoint.endpoint import PAGE, Endpoint, ann, request, start

ALLOW = "access-control-allow-origin"


def test_a_page_of_an_allowed_origin_gets_an_answer_that_its_browser_lets_it_read(endpoint: Endpoint) -> None:
    for event in (ann(origin=PAGE), request(origin=PAGE)):
        headers = endpoint(event).answer["headers"]
        assert (headers[ALLOW], headers["vary"], headers["cache-control"]) == (PAGE, "Origin", "no-store")


def test_no_answer_can_be_loaded_by_another_page_or_as_another_type(endpoint: Endpoint) -> None:
    events: list[dict[str, object]] = [ann(), request(), request(method="OPTIONS"), {"headers": []}]
    for event in events:
        headers = endpoint(event).answer["headers"]
        found = [headers[name] for name in ("x-content-type-options", "cross-origin-resource-policy", "cache-control")]
        assert found == ["nosniff", "same-origin", "no-store"]


def test_a_preflight_says_what_a_page_may_send(endpoint: Endpoint) -> None:
    outcome = endpoint(request(method="OPTIONS", origin=PAGE))
    headers = outcome.answer["headers"]
    assert (outcome.status, headers[ALLOW]) == (204, PAGE)
    assert headers["access-control-allow-methods"] == "GET, POST"
    assert headers["access-control-allow-headers"] == "authorization, content-type, token"
    assert "decision" not in outcome.output


@pytest.mark.parametrize("origin", ["https://evil.example", f"{PAGE}.evil.example", "null", "", PAGE.upper()])
def test_a_page_of_another_origin_gets_nothing_that_it_can_read(endpoint: Endpoint, origin: str) -> None:
    outcome = endpoint(ann(origin=origin))
    assert (outcome.status, ALLOW in outcome.answer["headers"]) == (403, False)


def test_a_program_needs_no_origin_and_gets_no_header_for_pages(endpoint: Endpoint) -> None:
    outcome = endpoint(ann())
    assert (outcome.status, ALLOW in outcome.answer["headers"]) == (200, False)


def test_all_origins_are_allowed_only_if_the_configuration_says_so(tmp_path: Path) -> None:
    endpoint = start(tmp_path, origins=["*"])
    assert endpoint(ann(origin="https://any.example")).answer["headers"][ALLOW] == "https://any.example"
