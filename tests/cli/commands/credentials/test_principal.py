"""`iot-authorizer credentials --principal`: temporary credentials that the template limits."""

import json
import time
from datetime import datetime
from pathlib import Path

import boto3
import pytest

from iot_core.core import IotCore
from iot_core.iam.access_keys import AccessKey
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.connection import Connection
from tests.cli.conftest import Run, refused

ANN = ("credentials", "--principal", "ann", "--claims", '{"rooms": ["lobby"]}')
ARN = EXAMPLE_PLACE.arn_prefix("iot")


def opened(folder: Path, printed: str) -> AccessKey:
    """The key that is sealed into the session token of `--format process`."""
    found = json.loads(printed)
    core = IotCore(folder / ".iot-authorizer", persistent=False)
    try:
        key = core.temporary_keys.open(found["SessionToken"])
    finally:
        core.close()
    assert key is not None
    assert (key.key_id, key.secret) == (found["AccessKeyId"], found["SecretAccessKey"])
    return key


def allows(key: AccessKey, client_id: str, action: str, resource: str) -> bool:
    return key.principal.evaluator(Connection(client_id=client_id)).allows(action, ARN + resource)


def test_the_template_limits_what_the_credentials_allow(run: Run, folder: Path) -> None:
    done = run(*ANN, "--format", "process")
    key = opened(folder, done.stdout)
    found = {
        resource: allows(key, "ann", action, resource)
        for action, resource in [
            ("iot:Connect", "client/ann"),
            ("iot:Connect", "client/ann/phone"),
            ("iot:Connect", "client/bob"),
            ("iot:Subscribe", "topicfilter/rooms/lobby/#"),
            ("iot:Subscribe", "topicfilter/rooms/other/#"),
            ("iot:Publish", "topic/rooms/lobby/say/ann"),
            ("iot:Publish", "topic/rooms/lobby/say/bob"),
            ("iot:UpdateAuthorizer", "authorizer/chat"),
        ]
    }
    assert [resource for resource, allowed in found.items() if allowed] == [
        "client/ann",
        "topicfilter/rooms/lobby/#",
        "topic/rooms/lobby/say/ann",
    ]


def test_the_credentials_are_for_one_client_id_which_the_command_names(run: Run, folder: Path) -> None:
    done = run(*ANN, "--client-id", "ann/phone", "--format", "process")
    key = opened(folder, done.stdout)
    assert [allows(key, each, "iot:Connect", f"client/{each}") for each in ("ann/phone", "ann")] == [True, False]
    assert done.stderr.startswith("for ann with the client ID ann/phone, until 20")


@pytest.mark.parametrize(
    ("options", "seconds"), [((), 3600), (("--expires", "15m"), 900), (("--expires", "12h"), 43_200)]
)
def test_the_credentials_expire(run: Run, options: tuple[str, ...], seconds: int) -> None:
    printed = json.loads(run(*ANN, *options, "--format", "process").stdout)
    assert printed["Version"] == 1
    assert datetime.fromisoformat(printed["Expiration"]).timestamp() == pytest.approx(time.time() + seconds, abs=30)


def test_a_shell_gets_the_session_token_and_loses_the_profile(run: Run) -> None:
    lines = run(*ANN, "--region", "eu-west-1").stdout.splitlines()
    assert lines[0] == "unset AWS_PROFILE"
    names = [line.removeprefix("export ").partition("=")[0] for line in lines[1:]]
    assert names == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ]


def test_boto3_reads_the_profile(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    run(*ANN, "--format", "profile", "--profile", "ann")
    found = boto3.Session(profile_name="ann").get_credentials()
    assert found is not None
    assert (found.access_key[:4], bool(found.token)) == ("ASIA", True)


def test_an_owners_profile_loses_the_token_of_a_principal(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    run(*ANN, "--format", "profile")
    run("credentials", "--format", "profile")
    assert "aws_session_token" not in (folder / "credentials").read_text()


MANY = json.dumps({"rooms": [f"room-{number}" for number in range(20)]})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("--principal", "ann", "--client-id", "bob"),
            "--client-id: no entry of connect allows the client ID, or a deny denies it, found bob",
        ),
        (("--principal", "a/b"), "--principal"),
        (("--principal", "*"), "--principal"),
        (("--principal", ""), "--principal: expected a name"),
        (("--principal", "ann", "--claims", '{"rooms": ["a/b"]}'), "--claims"),
        (("--principal", "ann", "--claims", MANY), "2,048"),
        (("--principal", "ann", "--expires", "14m"), "--expires: expected at least 15m"),
        (("--principal", "ann", "--expires", "13h"), "--expires: expected at most 12h"),
        (("--principal", "ann", "--config", "other.toml"), "other.toml: file not found"),
        (("--client-id", "ann"), "--principal: required with --client-id and --claims"),
        (("--claims", '{"a": 1}'), "--principal: required with --client-id and --claims"),
    ],
)
def test_what_the_template_or_sts_would_refuse_is_refused(run: Run, arguments: tuple[str, ...], expected: str) -> None:
    assert expected in refused(run, "credentials", *arguments)


def test_grants_in_code_have_no_credentials_for_a_principal(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").write_text('name = "chat"\nhandler = "rules.lambda_handler"\n')
    assert "need a policy template" in refused(run, "credentials", "--principal", "ann")
