"""Keys from a URL: this URL, in time, or nothing."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from iot_authorizer import Reason, jwks
from iot_authorizer.cached import FetchError
from iot_authorizer.fetching import LARGEST, fetch
from iot_authorizer.jwks import KeySetUrl
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table, new_observer, printed, start
from tests.authorizer.key_server import KeyServer, key_server
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import mint

PATIENT = 60.0
"""Seconds: nothing here may depend on how busy this machine is."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    monkeypatch.setattr(jwks, "TIMEOUT", PATIENT)
    with key_server() as server:
        yield server


@pytest.fixture
def remote(server: KeyServer, tmp_path: Path) -> Running:
    """An authorizer whose issuer publishes its keys at a URL."""
    return start(tmp_path, jwt_table(jwks=server.url))


def test_keys_are_fetched_once_with_the_first_token_and_that_is_counted(server: KeyServer, remote: Running) -> None:
    assert server.paths == []
    counted = [remote(bearer(mint(sub=name))).counted for name in ("ann", "bob", "eve")]
    assert (counted, server.paths) == ([{"ColdStart", "KeysFetched", "Allowed"}, {"Allowed"}, {"Allowed"}], ["/keys"])


def test_a_token_that_is_refused_for_its_form_fetches_nothing(server: KeyServer, remote: Running) -> None:
    forms = ("a.b.c", f"{mint()}!", mint(head={"alg": "none"}), mint(iss="https://evil.example/"), mint(exp="never"))
    for token in forms:
        remote.verdict(bearer(token))
    assert server.paths == []


def test_without_keys_a_token_is_refused_and_the_failed_fetch_is_counted(server: KeyServer, remote: Running) -> None:
    server.status = 500
    outcome = remote(bearer(mint()))
    assert (outcome.verdict, outcome.counted) == (Reason.KEYS_UNAVAILABLE, {"ColdStart", "KeysNotFetched", "Refused"})


def test_a_token_is_refused_while_the_key_server_is_down(tmp_path: Path) -> None:
    with key_server() as gone:
        url = gone.url
    assert start(tmp_path, jwt_table(jwks=url)).verdict(bearer(mint())) == Reason.KEYS_UNAVAILABLE


def test_a_key_set_as_large_as_the_limit_is_used(server: KeyServer) -> None:
    server.body = server.body.ljust(LARGEST)
    assert KeySetUrl(server.url, PATIENT)().find("main-RS256", "RS256") is not None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: KeyServer, status: int) -> None:
    server.status, server.headers = status, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(FetchError, match=rf"^redirected .{status}. to {server.url}/elsewhere: set jwks to it"):
        KeySetUrl(server.url, PATIENT)()
    assert server.paths == ["/keys"]


def test_no_proxy_of_the_environment_is_asked(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with key_server() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        KeySetUrl(server.url, PATIENT)()
        assert proxy.paths == []


@pytest.mark.parametrize("scheme", ["file://{}", "file:{}", "data:application/json,{{}}", "ftp://127.0.0.1{}"])
def test_nothing_but_http_is_fetched(tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"keys": []}')
    with pytest.raises(FetchError):
        KeySetUrl(scheme.format(path))()


def test_a_server_that_never_finishes_is_not_waited_for(server: KeyServer) -> None:
    server.drips = True
    with pytest.raises(FetchError, match="no answer in time"):
        KeySetUrl(server.url, 0.01)()


def test_fetches_that_hang_are_neither_waited_for_nor_joined_by_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    never = Event()
    monkeypatch.setattr(jwks, "fetch", lambda url, timeout: str(never.wait()).encode())
    url = KeySetUrl("https://example.com/", 0.01)
    for _ in range(jwks.MOST_THREADS):
        with pytest.raises(FetchError, match="no answer in time"):
            url()
    with pytest.raises(FetchError, match="still run"):
        url()
    never.set()


def test_one_fetch_that_hangs_does_not_end_all_fetching(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    never = Event()
    url = KeySetUrl(server.url, 0.01)
    monkeypatch.setattr(jwks, "fetch", lambda url, timeout: str(never.wait()).encode())
    with pytest.raises(FetchError):
        url()
    monkeypatch.setattr(jwks, "fetch", fetch)
    url._timeout = PATIENT
    assert url().verifies_anything()
    never.set()


def test_the_text_of_a_fetchs_error_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(url: str, timeout: float) -> bytes:
        raise ValueError(f"{url} holds a secret")

    monkeypatch.setattr(jwks, "fetch", broken)
    with pytest.raises(FetchError) as failed:
        KeySetUrl("https://example.com/?s3cret", PATIENT)()
    assert str(failed.value) == "ValueError"


def test_the_log_names_the_cause_and_on_the_users_machine_the_url(server: KeyServer, tmp_path: Path) -> None:
    server.status = 404
    line = start(tmp_path, jwt_table(jwks=f"{server.url}?key=s3cret"))(bearer(mint())).decision
    assert line["detail"] == f"expected status 200, found 404 ({server.url}?…)"


def test_in_lambda_the_log_names_the_cause_without_the_url(
    server: KeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
    server.status = 404
    outcome = start(tmp_path, jwt_table(jwks=server.url), environment={"AWS_LAMBDA_FUNCTION_NAME": "authorizer"})(
        bearer(mint())
    )
    assert (outcome.decision["detail"], server.url in outcome.output) == ("expected status 200, found 404", False)


def test_the_cause_is_logged_too_while_the_old_keys_are_used(server: KeyServer) -> None:
    observer = new_observer()
    with printed() as output:
        observer.keys_fetched("expected status 200, found 404")
        observer.allowed({}, 0.0)
    assert '"detail":"expected status 200, found 404"' in output.text


def test_an_unknown_key_behind_a_url_is_refused(remote: Running) -> None:
    assert remote.verdict(bearer(mint(signing_key("RS256", "other")))) == Reason.UNKNOWN_KEY
