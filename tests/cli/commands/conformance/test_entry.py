"""The checks of how a client gets in, at two endpoints: what they need, and what they never send."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.conformance.local_endpoint import add_signed_authorizer, local_endpoint
from iot_authorizer_cli.commands.conformance.project import SIGNED_NAME, read_project
from iot_authorizer_cli.commands.conformance.wire import connect_tls
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.roles import CLIENT_ROLE
from tests.cli.commands.conformance.entry import ELSEWHERE, ENTRY
from tests.cli.in_process import run_here


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
    with other_endpoint(project, tmp_path) as (other, there):
        environment = {**without_aws(tmp_path), **users_of(other)}
        needs = ("--signed-authorizer", SIGNED_NAME, "--role", other.iot_core.roles.arn(CLIENT_ROLE))
        checks = [part for name in ENTRY for part in ("--check", name)]
        done = run_here(project, "conformance", ".", *checks, *there, *needs, "--json", environment=environment)
        credentials = json.loads((project / "credentials.json").read_text())
    told = {each["check"]: each["agrees"] for each in json.loads(done.stdout)}
    untried = {"alpn-missing", "port-8883", "port-8443", "session-client-id"}
    assert (done.returncode, told) == (0, {name: None if name in untried else True for name in ENTRY})
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
