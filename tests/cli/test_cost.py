"""`iot-authorizer cost`, held against sums made by hand."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from iot_authorizer_cli.costs import LOG_SIZE, Item, Usage, bill, total
from iot_authorizer_cli.prices import PRICES
from iot_authorizer_cli.project.development import DevelopmentIssuer
from iot_authorizer_cli.project.handler import load_function
from iot_core.authorizers.event import ConnectionRequest, HttpContext, MqttContext, build_event
from tests.cli.conftest import Run

US = PRICES["us-east-1"]
LAMBDAS_LINES = 510
"""Bytes of `platform.start` and `platform.report`, with a long function name."""
USAGE = Usage(
    connections=1000,
    refresh_after=900,
    disconnect_after=86_400,
    messages=1440,
    message_size=1024,
    duration=20,
    cold_share=Decimal("0.01"),
    cold_duration=500,
    memory=512,
    https_requests=0,
)


def item(usage: Usage, name: str) -> Item:
    (found,) = (each for each in bill(usage, US) if each.name == name)
    return found


def test_a_month_of_connections_that_last_a_day_has_30_connects_each() -> None:
    assert USAGE.connects == 30_000


def test_connections_that_last_half_a_day_connect_twice_as_often() -> None:
    assert replace(USAGE, disconnect_after=43_200).connects == 60_000


def test_a_day_of_15_minutes_has_95_refreshes_and_a_connect() -> None:
    assert USAGE.refreshes == 95 * 30_000
    assert USAGE.invocations == 96 * 30_000


def test_two_hours_of_90_minutes_have_one_refresh() -> None:
    assert replace(USAGE, disconnect_after=7200, refresh_after=5400).refreshes == 360_000


@pytest.mark.parametrize("refresh_after", [86_400, 90_000])
def test_a_connection_that_ends_before_its_refresh_has_none(refresh_after: int) -> None:
    assert replace(USAGE, refresh_after=refresh_after).refreshes == 0


def test_connection_minutes_cost_8_cents_a_million() -> None:
    # 1,000 x 43,200 minutes = 43.2 million.
    assert item(USAGE, "connection minutes").dollars == Decimal("3.46")


def test_each_connect_is_a_message_for_connect_and_one_for_subscribe() -> None:
    assert replace(USAGE, messages=0).billed_messages == 60_000


@pytest.mark.parametrize(("size", "units"), [(1, 1), (5120, 1), (5121, 2), (131_072, 26)])
def test_a_message_is_billed_by_5_kb(size: int, units: int) -> None:
    # 1,000 x 1,440 x 30 = 43.2 million.
    assert replace(USAGE, message_size=size).billed_messages == 43_200_000 * units + 60_000


def test_an_https_request_is_an_invocation_and_two_messages() -> None:
    more = replace(USAGE, https_requests=1_000_000)
    assert more.invocations - USAGE.invocations == 1_000_000
    assert more.billed_messages - USAGE.billed_messages == 2_000_000


def test_lambda_bills_20_cents_a_million_requests() -> None:
    # 2.88 million.
    assert item(USAGE, "Lambda requests").dollars == Decimal("0.58")


def test_lambda_bills_time_by_memory_with_what_cold_starts_add() -> None:
    # 20 ms and 1 % of 500 ms are 25 ms; 2.88 million x 0.025 s x 0.5 GB = 36,000 GB-s; x 0.0000133334 = 0.48.
    assert item(USAGE, "Lambda GB-seconds").quantity == 36_000
    assert item(USAGE, "Lambda GB-seconds").dollars == Decimal("0.48")


def test_logs_are_billed_by_gb() -> None:
    # 2.88 million x 1 KB = 2.7466 GB; x 0.50.
    assert item(USAGE, "logs, GB").dollars == Decimal("1.37")


def test_the_total_is_the_sum_of_what_is_shown() -> None:
    # 3.46 + 43.26 + 0.58 + 0.48 + 1.37
    assert total(bill(USAGE, US)) == Decimal("49.15")


@pytest.mark.parametrize(
    ("millions", "dollars"), [(0, 0), (1000, 1000), (1500, 1000 + 400), (5000, 1000 + 3200), (6000, 1000 + 3200 + 700)]
)
def test_messages_cost_less_in_higher_tiers(millions: int, dollars: int) -> None:
    assert US.messages.of(Decimal(millions * 10**6)) == dollars


@pytest.mark.parametrize(
    ("terabytes", "dollars"), [(10, 5120), (11, 5120 + 256), (30, 5120 + 5120), (60, 5120 + 5120 + 2048 + 512)]
)
def test_logs_cost_less_in_higher_tiers(terabytes: int, dollars: int) -> None:
    assert US.logs.of(Decimal(terabytes * 1024)) == dollars


def test_lambda_time_costs_10_percent_less_above_7_and_a_half_billion() -> None:
    # 7.5 billion x 0.0000133334 = 100,000.50; 1 billion x 0.0000120001 = 12,000.10.
    assert US.gb_seconds.of(Decimal(8_500_000_000)) == Decimal("112000.60")


@pytest.mark.parametrize("region", PRICES)
def test_each_price_says_where_it_is_from(region: str) -> None:
    assert all("AWS" in each.source or "aws.amazon.com" in each.source for each in bill(USAGE, PRICES[region]))


@pytest.mark.parametrize("principal", ["ann", "auth0-5f7c8ec7c33c6c004bbafe82"])
def test_the_lines_of_a_decision_fit_what_is_reckoned_for_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, principal: str
) -> None:
    monkeypatch.chdir(folder)
    issuer = DevelopmentIssuer(folder / "keys")
    token = issuer.token(principal, {"rooms": ["lobby"]}, 60)
    request = ConnectionRequest(
        token=token,
        httpContext=HttpContext(queryString="?x-amz-customauthorizer-name=chat"),
        mqttContext=MqttContext(clientId=f"{principal}/browser"),
    )
    event = build_event(request, token_key_name="token", signature_verified=False)
    function = load_function(folder / "authorizer.toml", environment=issuer.environment())
    line = function.invoke(event).decision
    assert line["decision"] == "allowed"
    size = len(json.dumps(line, separators=(",", ":"))) + LAMBDAS_LINES
    assert LOG_SIZE * 0.9 < size <= LOG_SIZE * 1.05


def test_the_table_is_plain_where_it_is_piped(run: Run) -> None:
    done = run("cost", "--connections", "10", "--messages", "0")
    assert done.stdout == (
        "10 connections in us-east-1, 30 days: 300 connects, 28,500 refreshes\n"
        "\n"
        "item                a month   US$\n"
        "connection minutes  432,000  0.03\n"
        "messages                600  0.00\n"
        "Lambda requests      28,800  0.01\n"
        "Lambda GB-seconds       360  0.00\n"
        "logs, GB               0.03  0.01\n"
        "total                        0.05\n"
    )


def test_the_table_has_a_frame_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    command = [str(Path(sys.executable).parent / "iot-authorizer"), "cost"]
    with subprocess.Popen(command, stdout=theirs, env={**os.environ, "COLUMNS": "100"}):
        os.close(theirs)
        shown = _all(ours)
    assert "│ connection minutes │ 43,200,000 │  3.46 │" in shown


def _all(terminal: int) -> str:
    """What was written to a terminal until its other end was closed."""
    chunks = []
    try:
        while chunk := os.read(terminal, 4096):
            chunks.append(chunk)
    except OSError:  # Linux ends it so.
        pass
    finally:
        os.close(terminal)
    return b"".join(chunks).decode()


def test_json_has_each_item_with_where_its_price_is_from(run: Run) -> None:
    found = json.loads(run("cost", "--json").stdout)
    assert found["items"][0] == {
        "item": "connection minutes",
        "quantity": 43_200_000,
        "usd": 3.46,
        "price_from": US.connection_minutes.source,
    }
    assert (found["connects"], found["refreshes"], found["total_usd"]) == (30_000, 2_850_000, 49.15)


@pytest.mark.parametrize(
    ("option", "value", "item_name"),
    [
        ("--connections", "2000", "connection minutes"),
        ("--refresh-after", "1h", "Lambda requests"),
        ("--disconnect-after", "1h", "messages"),
        ("--messages", "10", "messages"),
        ("--message-size", "6KB", "messages"),
        ("--duration", "1s", "Lambda GB-seconds"),
        ("--memory", "1024", "Lambda GB-seconds"),
        ("--cold-share", "50%", "Lambda GB-seconds"),
        ("--cold-duration", "3s", "Lambda GB-seconds"),
        ("--https-requests", "1000000", "logs, GB"),
    ],
)
def test_each_option_changes_what_it_is_for(run: Run, option: str, value: str, item_name: str) -> None:
    usual, other = (json.loads(run("cost", "--json", *more).stdout)["items"] for more in ((), (option, value)))
    changed = {new["item"] for old, new in zip(usual, other, strict=True) if old["quantity"] != new["quantity"]}
    assert item_name in changed


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--region", "mars-1", "--region: expected a region whose prices are known: us-east-1"),
        ("--refresh-after", "4m", "--refresh-after: expected at least 5m"),
        ("--disconnect-after", "2d", "--disconnect-after: expected at most 24h"),
        ("--duration", "20", '--duration: expected whole milliseconds or seconds, as in "20ms" or "2s"'),
        ("--message-size", "1 KB", '--message-size: expected a number and a unit, as in "200B" or "1KB"'),
        ("--message-size", "0B", "--message-size: expected 1B to 128KB"),
        ("--message-size", "129KB", "--message-size: expected 1B to 128KB"),
        ("--duration", "5001ms", "--duration: expected at most 5s"),
        ("--cold-duration", "6s", "--cold-duration: expected at most 5s"),
        ("--cold-share", "101%", '--cold-share: expected a share from "0%" to "100%"'),
        ("--cold-share", "0.01", '--cold-share: expected a share from "0%" to "100%"'),
        ("--connections", "0", "--connections"),
        ("--memory", "64", "--memory"),
    ],
)
def test_a_wrong_value_is_one_line_that_says_what_is_expected(run: Run, option: str, value: str, message: str) -> None:
    done = run("cost", option, value)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
