"""`iot-authorizer conformance`: what the checks find, here and at another endpoint."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.conformance.checks import ConformanceCheck
from iot_authorizer_cli.commands.conformance.command import CHECKS
from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.commands.conformance.connected import CONNECTED
from tests.cli.commands.conformance.entry import ENTRY
from tests.cli.in_process import run_here

FOUND: Mapping[str, str] = {
    "wrong-password-3": "CONNACK 0x05",
    "wrong-password-5": "CONNACK 0x87",
    "no-authorizer-3": "CONNACK 0x05",
    "no-authorizer-5": "CONNACK 0x87",
    "client-id-refused-3": "CONNACK 0x05",
    "client-id-refused-5": "CONNACK 0x87",
    "client-id-long-3": "CONNACK 0x02",
    "client-id-long-5": "CONNACK 0x85",
    "client-id-empty-3": "CONNACK 0x05",
    "client-id-empty-5": "CONNACK 0x87",
    "taken-over-3": "closed",
    "taken-over-5": "DISCONNECT 0x8e, closed",
    "second-connect-3": "closed",
    "second-connect-5": "DISCONNECT 0x82, closed",
    "subscribe-refused-3": "SUBACK 0x80",
    "subscribe-refused-5": "SUBACK 0x87",
    "subscribe-qos-2-3": "closed",
    "subscribe-qos-2-5": "DISCONNECT 0x9b, closed",
    "publish-allowed-3": "PUBACK 0x00",
    "publish-allowed-5": "PUBACK 0x00",
    "publish-refused-3": "closed",
    "publish-refused-5": "DISCONNECT 0x87, closed",
    "publish-qos-2-3": "closed",
    "publish-qos-2-5": "DISCONNECT 0x9b, closed",
    "retain-refused-3": "closed",
    "retain-refused-5": "DISCONNECT 0x87, closed",
    "publish-slashes-3": "closed",
    "publish-slashes-5": "DISCONNECT 0x90, closed",
    "publish-wildcard-3": "closed",
    "publish-wildcard-5": "DISCONNECT 0x81, closed",
    "publish-large-3": "closed",
    "publish-large-5": "DISCONNECT 0x95, closed",
    "echo-3": "SUBACK 0x01, PUBLISH QoS 1: hello",
    "echo-5": "SUBACK 0x01, PUBLISH QoS 1: hello",
    "server-properties": "maximum_packet_size=149504, maximum_qos=1, receive_maximum=100, retain_available=True, "
    "server_keep_alive=1200, shared_subscription_available=True, subscription_identifier_available=False, "
    "topic_alias_maximum=8, wildcard_subscription_available=True",
    "nine-filters": "DISCONNECT 0x97, closed",
    "topic-alias": "DISCONNECT 0x94, closed",
    "no-local": "PUBACK 0x00",
    "retained": "PUBLISH QoS 1, retained: hello",
    "session": "CONNACK 0x00 with a session, PUBLISH QoS 1: hello",
    "will": "PUBLISH QoS 1: gone",
    "shared": "SUBACK 0x00, 4 of 4 messages to 2 of 2 members",
    "subscription-identifier": "DISCONNECT 0xa1, closed",
    "presence-connected": "clientId, eventType, ipAddress, principalIdentifier, sessionIdentifier, timestamp, "
    "versionNumber",
    "presence-disconnected": "clientId, clientInitiatedDisconnect, disconnectReason, eventType, principalIdentifier, "
    "sessionIdentifier, timestamp, versionNumber, CONNECTION_LOST",
    "http-publish": "200",
    "http-publish-refused": "403",
    "http-publish-qos-2": "400",
    "http-publish-retain": "200",
    "http-retain-refused": "403",
    "http-publish-large": "413",
    "http-wildcard": "400",
    "http-wrong-token": "401",
    "http-no-token": "401",
    "http-no-authorizer": "401",
    "http-header-case": "200",
    "http-to-mqtt": "200, PUBLISH QoS 1: hello",
    "http-retained-refused": "403",
    "properties": "content_type, correlation_data, message_expiry_interval, response_topic, user_properties",
    "presence-time": "less than two minutes wrong",
}
PAGE = Path(__file__).parents[4] / "docs/how-to/compare-with-your-account.md"
QUICK = ("--check", "publish-allowed-5", "--check", "retained", "--check", "http-publish")


def test_the_project_has_a_password_of_its_own_that_only_its_owner_reads(project: Path) -> None:
    password = json.loads((project / "credentials.json").read_text())["password"]
    assert len(password) == 32
    assert stat.S_IMODE((project / "credentials.json").stat().st_mode) == 0o600
    assert password not in (project / "passwords.toml").read_text()


@pytest.mark.slow
def test_each_check_tells_what_iot_core_on_this_machine_answers(project: Path) -> None:
    found = json.loads(run_here(project, "conformance", ".", "--slow", "--json").stdout)
    assert {each["check"]: each["here"] for each in found} == {**FOUND, **ENTRY, **CONNECTED}


def test_the_page_says_how_many_questions_there_are() -> None:
    assert f"questions, more than {len(CHECKS) // 100}00," in PAGE.read_text("utf-8")


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_check_is_known_by_its_name_and_asks_one_question(check: ConformanceCheck) -> None:
    assert (CHECKS[check.name], check.asks[-1], "\n" in check.asks) == (check, "?", False)


@pytest.mark.slow
def test_checks_that_wait_run_last_and_their_seconds_pass_faster_here(project: Path) -> None:
    told = run_here(project, "conformance", ".", "--check", "disconnect-after", "--check", "keep-alive").stdout
    assert told.splitlines() == ["keep-alive: 30", f"disconnect-after: {CONNECTED['disconnect-after']}"]


def test_both_endpoints_agree_where_both_are_iot_core_on_this_machine(project: Path) -> None:
    with LocalIotCore(project / "authorizer.toml", folder=project / "other") as other:
        there = ("--endpoint", f"localhost:{other.tls_port}", "--ca", str(project / "other/ca.pem"))
        done = run_here(project, "conformance", ".", *QUICK, *there)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "agrees     publish-allowed-5: PUBACK 0x00",
            "agrees     retained: PUBLISH QoS 1, retained: hello",
            "agrees     http-publish: 200",
            "3 checks, 0 differ",
        ],
    )


def test_a_difference_is_shown_with_both_answers_and_ends_with_1(project: Path) -> None:
    with LocalIotCore(project / "authorizer.toml", folder=project / "other") as other:
        there = ("--endpoint", f"localhost:{other.tls_port}", "--ca", str(project / "other/ca.pem"))
        done = run_here(project, "conformance", ".", "--check", "publish-allowed-5", *there, "--authorizer", "mistyped")
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            "DIFFERS    publish-allowed-5: What does a PUBLISH with QoS 1 get (MQTT 5)?",
            "             here:  PUBACK 0x00",
            "             there: a client that the check needs gets CONNACK 0x87",
            "1 check, 1 differ",
        ],
    )


def test_an_earlier_run_is_compared_with_this_machine(project: Path, tmp_path: Path) -> None:
    transcript = tmp_path / "conformance.json"
    transcript.write_text(run_here(project, "conformance", ".", *QUICK, "--json").stdout)
    same = run_here(project, "conformance", ".", "--against", str(transcript))
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "3 checks, 0 differ")
    transcript.write_text(transcript.read_text().replace("PUBACK 0x00", "PUBACK 0x10"))
    other = run_here(project, "conformance", ".", "--against", str(transcript))
    assert (other.returncode, other.stdout.splitlines()[2].strip()) == (1, "there: PUBACK 0x10")


def test_of_an_earlier_run_what_its_endpoint_did_is_compared(project: Path, tmp_path: Path) -> None:
    transcript = tmp_path / "conformance.json"
    transcript.write_text(json.dumps([{"check": "retained", "here": "CONNACK 0x00", "there": FOUND["retained"]}]))
    assert run_here(project, "conformance", ".", "--against", str(transcript)).returncode == 0


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"check": 1}', "[1]", '[{"check": "retained"}]'])
def test_another_file_than_that_of_a_run_is_a_mistake(project: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    done = run_here(project, "conformance", ".", "--against", str(tmp_path / "other.json"))
    assert (done.returncode, "expected the output of conformance with --json" in done.stderr) == (2, True)


def test_an_endpoint_that_nothing_listens_at_is_a_difference(project: Path) -> None:
    done = run_here(project, "conformance", ".", "--check", "publish-allowed-5", "--endpoint", "localhost:1")
    assert (done.returncode, "there: no connection: " in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--check", "x"), f"Invalid value for --check: x: expected one of {', '.join(CHECKS)}"),
        (
            ("--endpoint", "a", "--against", "b"),
            "Invalid value for --against: expected --endpoint or --against, found both",
        ),
        (("--endpoint", "https://a"), "Invalid value for --endpoint: https://a: expected HOST or HOST:PORT, without"),
    ],
)
def test_a_mistake_is_named(project: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run_here(project, "conformance", ".", *arguments)
    assert (done.returncode, done.stderr.startswith(f"iot-authorizer: {told}")) == (2, True)


def test_a_folder_of_the_users_is_left_alone(tmp_path: Path) -> None:
    done = run_here(tmp_path, "conformance", ".")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_what_is_found_has_neither_the_password_nor_the_token(project: Path) -> None:
    secret = json.loads((project / "credentials.json").read_text())
    done = run_here(project, "conformance", ".", *QUICK, "--json")
    assert [each for each in ("eyJ", *secret.values()) if each in done.stdout + done.stderr] == []
