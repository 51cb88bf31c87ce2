"""The checks of how a client gets in, at two endpoints: what they need, and what they never send."""

import json
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.conformance.local_endpoint import local_endpoint, put_authorizers
from iot_authorizer_cli.commands.conformance.project import SIGNED_NAME, read_project
from iot_authorizer_cli.commands.conformance.wire import connect_tls
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.roles import CLIENT_ROLE, RoleSession
from tests.cli.commands.conformance.entry import ELSEWHERE, NEVER_HERE, WEB_NO
from tests.cli.in_process import run_here


@contextmanager
def other_endpoint(project: Path, folder: Path) -> Iterator[tuple[LocalIotCore, tuple[str, ...]]]:
    """Another IoT Core with the project's authorizers, and the options that name it."""
    with LocalIotCore(project / "authorizer.toml", folder=folder) as other:
        put_authorizers(other, read_project(project))
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
    with other_endpoint(project, tmp_path) as (other, there):
        environment = {**without_aws(tmp_path), **users_of(other)}
        needs = ("--signed-authorizer", SIGNED_NAME, "--role", other.iot_core.roles.arn(CLIENT_ROLE))
        done = run_here(project, "conformance", ".", *there, *needs, "--json", environment=environment)
    found = json.loads(done.stdout)
    differing = [each for each in found if each["agrees"] is False]
    untried = {each["check"] for each in found if each["agrees"] is None}
    assert (done.returncode, differing, untried) == (0, [], NEVER_HERE)
    credentials = json.loads((project / "credentials.json").read_text())
    secrets = [environment["AWS_SECRET_ACCESS_KEY"], *credentials.values()]
    assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []


@pytest.mark.parametrize(
    ("check", "environment", "reason"),
    [
        (
            "session-allowed",
            {},
            "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
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
            "sigv4",
            {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"},
            "the AWS credentials cannot be used: InvalidClientTokenId: check AWS_PROFILE, or sign in again",
        ),
    ],
)
def test_what_a_question_needs_and_does_not_have_is_said_and_is_no_difference(
    project: Path, tmp_path: Path, check: str, environment: Mapping[str, str], reason: str
) -> None:
    with other_endpoint(project, tmp_path) as (other, there):
        told = {**without_aws(tmp_path), "AWS_ENDPOINT_URL_STS": other.url, **environment}
        done = run_here(project, "conformance", ".", "--check", check, *there, environment=told)
    assert not_tried(done, check) == reason


def not_tried(done: subprocess.CompletedProcess[str], check: str) -> str:
    """Why the only check of a run was not tried at the other endpoint."""
    first, last = done.stdout.splitlines()
    name, _, reason = first.partition(": ")
    assert (done.returncode, name, last) == (0, f"not tried  {check}", "1 check, 0 differ, 1 not tried")
    return reason


@pytest.mark.parametrize(
    ("check", "allowed", "reason"),
    [
        ("sigv4", "Publish", f"your credentials may not connect ({WEB_NO}): they need iot:Connect and iot:Publish"),
        ("sigv4-expired", "Publish", f"a right signature gets {WEB_NO}: use credentials that may connect and publish"),
        ("sigv4-http-expired", "Connect", "a right signature gets 403: use credentials that may connect and publish"),
        ("session-allowed", "*", "AssumeRole of the role: AccessDenied"),
        ("sigv4-principal", "*", "needs the access key of an IAM user, and your credentials are temporary"),
    ],
)
def test_what_credentials_may_not_do_is_no_difference(
    project: Path, tmp_path: Path, check: str, allowed: str, reason: str
) -> None:
    policy = {"Effect": "Allow", "Action": f"iot:{allowed}", "Resource": "*"}
    session_policy = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    with other_endpoint(project, tmp_path) as (other, there):
        core, now = other.iot_core, int(time.time())
        session = RoleSession(CLIENT_ROLE, "user", now, now + 900, session_policy)
        key = other.call(lambda: core.temporary_keys.issue(session))
        environment = {
            **without_aws(tmp_path),
            **users_of(other),
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": str(key.session_token),
        }
        options = ("--check", check, "--role", core.roles.arn(CLIENT_ROLE))
        done = run_here(project, "conformance", ".", *options, *there, environment=environment)
    assert not_tried(done, check) == reason


def test_a_reason_is_told_once_with_all_its_checks(project: Path, tmp_path: Path) -> None:
    with other_endpoint(project, tmp_path) as (_, there):
        checks = ("--check", "signature", "--check", "retained", "--check", "signed-http")
        done = run_here(project, "conformance", ".", *checks, *there, environment=without_aws(tmp_path))
    told = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert told == ["agrees     retained", "not tried  signature, signed-http", "3 checks, 0 differ, 2 not tried"]


def test_sessions_need_a_role(project: Path, tmp_path: Path) -> None:
    with other_endpoint(project, tmp_path) as (other, there):
        environment = {**without_aws(tmp_path), **users_of(other)}
        done = run_here(project, "conformance", ".", "--check", "session-allowed", *there, environment=environment)
    reason = "no role: name one with --role that your credentials may assume and that allows iot:*"
    assert not_tried(done, "session-allowed") == reason


def test_an_answer_is_shown_that_only_the_other_endpoint_has(project: Path, tmp_path: Path) -> None:
    transcript = tmp_path / "conformance.json"
    transcript.write_text(json.dumps([{"check": "port-8883", "here": ELSEWHERE, "there": "TLS: ALERT"}]))
    done = run_here(project, "conformance", ".", "--against", str(transcript))
    here = ELSEWHERE.replace("not tried: ", "not tried  port-8883: here: ")
    lines = [here, "             there: TLS: ALERT", "1 check, 0 differ, 1 not tried"]
    assert (done.returncode, done.stdout.splitlines()) == (0, lines)


def test_credentials_go_to_no_server_whose_certificate_has_another_name(project: Path) -> None:
    with local_endpoint(read_project(project)) as here:
        wrong = replace(here, host="127.0.0.1", sends_server_name=False)
        with pytest.raises(OSError, match="another host"):
            connect_tls(wrong, "mqtt")
        untrusted = replace(here, ca=None, sends_server_name=False)
        with pytest.raises(ssl.SSLError):
            connect_tls(untrusted, "mqtt")
