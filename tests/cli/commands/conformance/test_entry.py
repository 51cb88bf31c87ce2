"""The checks of how a client gets in: what IoT Core on this machine answers, and what they need elsewhere."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.conformance.checks import ConformanceCheck
from iot_authorizer_cli.commands.conformance.credential_checks import CREDENTIAL_CHECKS
from iot_authorizer_cli.commands.conformance.local_endpoint import add_signed_authorizer, local_endpoint
from iot_authorizer_cli.commands.conformance.project import SIGNED_NAME, read_project
from iot_authorizer_cli.commands.conformance.session_checks import SESSION_CHECKS
from iot_authorizer_cli.commands.conformance.signing_checks import SIGNING_CHECKS
from iot_authorizer_cli.commands.conformance.sigv4_checks import SIGV4_CHECKS
from iot_authorizer_cli.commands.conformance.tls_checks import TLS_CHECKS
from iot_authorizer_cli.commands.conformance.wire import connect_tls
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.roles import CLIENT_ROLE
from tests.cli.in_process import run_here

YES, NO = "CONNACK 0x00", "CONNACK 0x87"
WEB_YES, WEB_NO = f"101, {YES}", f"101, {NO}"
ELSEWHERE = "not tried: needs an endpoint on port 443: on this machine, one port is used like all ports of IoT Core"
CREDENTIALS = {
    "name-encoded": YES,
    "name-key-encoded": NO,
    "name-key-case": NO,
    "name-twice": YES,
    "name-twice-last": NO,
    "name-after-metrics": YES,
    "user-name-space": YES,
    "user-name-plus": NO,
    "user-name-encoded": NO,
    "password-base64": NO,
    "password-missing": NO,
    "password-empty": NO,
    "password-token": YES,
    "token-in-user-name": YES,
    "signature-not-needed": YES,
    "websocket-query": WEB_YES,
    "websocket-headers": WEB_YES,
    "websocket-header-case": WEB_YES,
    "websocket-user-name": WEB_YES,
    "websocket-split": WEB_YES,
    "websocket-name-encoded": WEB_YES,
    "websocket-key-case": WEB_NO,
    "websocket-header-first": WEB_YES,
    "websocket-query-first": WEB_YES,
    "websocket-user-name-first": WEB_NO,
    "websocket-old-subprotocol": WEB_YES,
    "websocket-no-subprotocol": "400",
    "http-query": "200",
    "http-name-case": "200",
    "http-name-encoded": "200",
    "http-header-first": "200",
    "http-query-first": "401",
}
TLS = {
    "alpn-certificates": "closed",
    "alpn-http": "closed",
    "alpn-missing": ELSEWHERE,
    "port-8883": ELSEWHERE,
    "port-8443": ELSEWHERE,
    "server-name-missing": YES,
    "alpn-https-certificates": "closed",
}
SIGNING = {
    "signature": YES,
    "signature-raw": YES,
    "signature-plus": YES,
    "signature-unpadded": YES,
    "signature-url-safe": NO,
    "signature-wrong": NO,
    "signature-missing": NO,
    "signed-token-missing": NO,
    "signed-password": NO,
    "signature-key-case": NO,
    "signed-token-encoded": YES,
    "signed-token-key-case": NO,
    "signed-token-key-wrong": NO,
    "signature-twice": YES,
    "signature-twice-last": NO,
    "signed-query": WEB_YES,
    "signed-query-plus": WEB_YES,
    "signed-headers": WEB_YES,
    "signed-header-case": WEB_YES,
    "signed-split": WEB_YES,
    "signed-http": "200",
    "signed-http-wrong": "401",
}
SIGV4 = {
    "sigv4": WEB_YES,
    "sigv4-iotdata": WEB_YES,
    "sigv4-service": "403",
    "sigv4-region": "403",
    "sigv4-secret": "403",
    "sigv4-expired": "403",
    "sigv4-future": "403",
    "sigv4-expires-long": "403",
    "sigv4-expires-short": "403",
    "sigv4-order": WEB_YES,
    "sigv4-header": "403",
    "sigv4-authorizer": "403",
    "sigv4-user-name-authorizer": WEB_NO,
    "sigv4-metrics": WEB_YES,
    "sigv4-amplify": WEB_YES,
    "sigv4-session-appended": WEB_YES,
    "sigv4-session-signed": "403",
    "sigv4-session-missing": "403",
    "sigv4-http": "200",
    "sigv4-http-session": "200",
    "sigv4-http-session-unsigned": "403",
    "sigv4-http-service": "403",
    "sigv4-http-expired": "403",
    "sigv4-http-url": "403",
}
SESSION = {
    "session-allowed": "PUBACK 0x00",
    "session-publish-refused": "DISCONNECT 0x87, closed",
    "session-connect-refused": NO,
    "session-deny": "DISCONNECT 0x87, closed",
    "session-star": "PUBACK 0x00",
    "session-star-itself": "SUBACK 0x01",
    "session-star-only": "SUBACK 0x87",
    "session-plus": "SUBACK 0x87",
    "session-client-id": "not tried: AssumeRole of the role: MalformedPolicyDocument",
    "session-receive-refused": "nothing",
    "session-attributes": YES,
    "session-attributes-will": NO,
    "session-http": "200",
    "session-http-refused": "403",
}


@pytest.mark.parametrize(
    ("checks", "found"),
    [
        (CREDENTIAL_CHECKS, CREDENTIALS),
        (TLS_CHECKS, TLS),
        (SIGNING_CHECKS, SIGNING),
        (SIGV4_CHECKS, SIGV4),
        (SESSION_CHECKS, SESSION),
    ],
    ids=["credentials", "TLS", "signing", "SigV4", "sessions"],
)
def test_each_check_tells_what_iot_core_on_this_machine_answers(
    project: Path, checks: Mapping[str, ConformanceCheck], found: Mapping[str, str]
) -> None:
    with local_endpoint(read_project(project)) as here:
        assert {name: check.observe(here) for name, check in checks.items()} == found


@contextmanager
def other_endpoint(project: Path, folder: Path) -> Iterator[tuple[LocalIotCore, tuple[str, ...]]]:
    """Another IoT Core with the project's authorizers, and the options that name it."""
    with LocalIotCore(project / "authorizer.toml", folder=folder) as other:
        add_signed_authorizer(other, read_project(project))
        yield other, ("--endpoint", f"localhost:{other.tls_port}", "--ca", str(folder / "ca.pem"))


def without_aws(folder: Path) -> dict[str, str]:
    """Variables for an environment that has no credentials of AWS."""
    missing = str(folder / "missing")
    return {
        "AWS_CONFIG_FILE": missing,
        "AWS_SHARED_CREDENTIALS_FILE": missing,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"), ""),
    }


def users_of(other: LocalIotCore) -> dict[str, str]:
    """Variables with the owner's key of another IoT Core, and its STS."""
    key = other.iot_core.access_keys.owner
    return {
        "AWS_ACCESS_KEY_ID": key.key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_STS": other.url,
    }


@pytest.mark.slow
def test_both_endpoints_agree_where_both_are_iot_core_on_this_machine(project: Path, tmp_path: Path) -> None:
    names = [*CREDENTIALS, *TLS, *SIGNING, *SIGV4, *SESSION]
    with other_endpoint(project, tmp_path) as (other, there):
        environment = {**without_aws(tmp_path), **users_of(other)}
        needs = ("--signed-authorizer", SIGNED_NAME, "--role", other.iot_core.roles.arn(CLIENT_ROLE))
        checks = [part for name in names for part in ("--check", name)]
        done = run_here(project, "conformance", ".", *checks, *there, *needs, "--json", environment=environment)
        credentials = json.loads((project / "credentials.json").read_text())
    told = {each["check"]: each["agrees"] for each in json.loads(done.stdout)}
    untried = {"alpn-missing", "port-8883", "port-8443", "session-client-id"}
    assert (done.returncode, told) == (0, {name: None if name in untried else True for name in names})
    secrets = [environment["AWS_SECRET_ACCESS_KEY"], *credentials.values()]
    assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []


@pytest.mark.parametrize(
    ("check", "environment", "reason"),
    [
        ("signature", {}, "no authorizer with signing: deploy signed.toml, and name it with --signed-authorizer"),
        ("sigv4", {}, "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (
            "sigv4",
            {"AWS_PROFILE": "mistyped"},
            "the AWS credentials cannot be used: ProfileNotFound: check AWS_PROFILE, or sign in again",
        ),
        (
            "sigv4",
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"},
            "no AWS region is known: set AWS_REGION",
        ),
        (
            "sigv4-expired",
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"},
            "a right signature gets 403: use credentials that may connect and publish",
        ),
        (
            "session-allowed",
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"},
            "no role: name one with --role that your credentials may assume and that allows iot:*",
        ),
    ],
)
def test_what_a_question_needs_and_does_not_have_is_said_and_is_no_difference(
    project: Path, tmp_path: Path, check: str, environment: Mapping[str, str], reason: str
) -> None:
    with other_endpoint(project, tmp_path) as (_, there):
        told = {**without_aws(tmp_path), **environment}
        done = run_here(project, "conformance", ".", "--check", check, *there, environment=told)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[0].partition(":")[0], lines[2:]) == (
        0,
        f"not tried  {check}",
        [f"             there: not tried: {reason}", "1 check, 0 differ, 1 not tried"],
    )


def test_an_answer_is_shown_that_only_the_other_endpoint_has(project: Path, tmp_path: Path) -> None:
    transcript = tmp_path / "conformance.json"
    transcript.write_text(json.dumps([{"check": "port-8883", "here": ELSEWHERE, "there": "TLS: ALERT"}]))
    done = run_here(project, "conformance", ".", "--against", str(transcript))
    assert (done.returncode, done.stdout.splitlines()[1:3]) == (
        0,
        [f"             here:  {ELSEWHERE}", "             there: TLS: ALERT"],
    )


def test_credentials_go_to_no_server_whose_certificate_has_another_name(project: Path) -> None:
    with local_endpoint(read_project(project)) as here:
        wrong = replace(here, host="127.0.0.1", sends_server_name=False)
        with pytest.raises(OSError, match="another host"):
            connect_tls(wrong, "mqtt")
        untrusted = replace(here, ca=None, sends_server_name=False)
        with pytest.raises(ssl.SSLError):
            connect_tls(untrusted, "mqtt")
