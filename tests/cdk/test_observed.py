"""What alarms, dashboard and queries ask for is what the real function writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from iot_authorizer import Authorizer, Credentials, LambdaHandler, Principal, Refusal, VerifiedPrincipal
from iot_authorizer.observer import Observer
from iot_authorizer_cdk.authorizer_stack import AuthorizerStack
from iot_policies import PolicyTemplate

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
PERIOD = 300


class Metric(NamedTuple):
    """A metric of CloudWatch's."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class Context:
    """Of an invocation."""

    invoked_function_arn = ARN
    aws_request_id = "1"


def verify(credentials: Credentials) -> VerifiedPrincipal:
    """Lets in who brings `good`, though unchecked, and refuses for the reason that anybody else brings."""
    if credentials.token == "broken":
        raise ZeroDivisionError
    if credentials.token != "good":
        raise Refusal(credentials.token or "", "detail", principal=Principal("ann", {}))
    return VerifiedPrincipal(Principal("ann", {}), unchecked="ThrottlingException")


@pytest.fixture
def lines(code: Path, capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the real handler writes to its log, of all kinds."""
    observer = Observer("chat")
    grant = PolicyTemplate.load(code / "policy.toml")
    handler = LambdaHandler(Authorizer(verify=verify, grant=grant, token_key_name="token"), observer)
    observer.keys_fetched(False)
    for token in ("good", "broken", "table_unavailable", "malformed_item", "locked"):
        http = {"queryString": f"?token={token}"}
        handler({"protocolData": {"http": http, "mqtt": {"clientId": "ann"}}}, Context())
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


@pytest.fixture
def written(lines: list[dict[str, Any]]) -> set[Metric]:
    """The metrics that CloudWatch makes of these lines."""
    return {
        Metric(each["Namespace"], metric["Name"], frozenset((name, line[name]) for name in dimensions))
        for line in lines
        for each in line["_aws"]["CloudWatchMetrics"]
        for dimensions in each["Dimensions"]
        for metric in each["Metrics"]
    }


@pytest.fixture
def template(code: Path) -> Template:
    """The stack of an authorizer with a table."""
    return Template.from_stack(AuthorizerStack(App(), "Test", code=code, identity_table=True))


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template.find_resources(kind).values()]


def asked(alarm: dict[str, Any]) -> Iterator[Metric]:
    """The metrics of an alarm."""
    many = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    for each in many or [alarm]:
        dimensions = ((pair["Name"], str(pair["Value"])) for pair in each["Dimensions"])
        yield Metric(each["Namespace"], each["MetricName"], frozenset(dimensions))


def test_each_metric_that_an_alarm_looks_at_is_written(template: Template, written: set[Metric]) -> None:
    found = {metric for alarm in resources(template, "AWS::CloudWatch::Alarm") for metric in asked(alarm)}
    own = {metric for metric in found if metric.namespace != "AWS/Lambda"}
    assert len(own) == 8
    assert own - written == set()


def test_each_alarm_goes_off_above_its_bound_and_not_without_a_measurement(template: Template) -> None:
    """By the alarm's name in the template: what is counted, how, and the most that is no alarm."""
    found = template.find_resources("AWS::CloudWatch::Alarm")
    assert {re.sub("^Alarms|[0-9A-F]{8}$", "", name): bounds(each["Properties"]) for name, each in found.items()} == {
        "Errors": ("Errors", "Sum", 0),
        "Throttles": ("Throttles", "Sum", 0),
        "Slow": ("Duration", "p99", 2500),
        "Refused": (None, None, 50),
        "InternalErrors": ("Refused", "Sum", 0),
        "Keys": ("KeysNotFetched", "Sum", 0),
        "Table": ("Refused", "Sum", 0),
        "Unchecked": ("Unchecked", "Sum", 0),
        "Items": ("Refused", "Sum", 0),
        "Guessing": ("Refused", "Sum", 20),
    }
    for alarm in resources(template, "AWS::CloudWatch::Alarm"):
        assert (alarm["ComparisonOperator"], alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == (
            "GreaterThanThreshold",
            "notBreaching",
            1,
        )


def bounds(alarm: dict[str, Any]) -> tuple[str | None, str | None, float]:
    return alarm.get("MetricName"), alarm.get("Statistic", alarm.get("ExtendedStatistic")), alarm["Threshold"]


def test_an_alarm_looks_at_five_minutes(template: Template) -> None:
    for alarm in resources(template, "AWS::CloudWatch::Alarm"):
        parts = [each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each] or [alarm]
        assert {part["Period"] for part in parts} == {PERIOD}


def test_without_a_table_nothing_watches_one(code: Path) -> None:
    template = Template.from_stack(AuthorizerStack(App(), "Test", code=code))
    assert len(resources(template, "AWS::CloudWatch::Alarm")) == 6


@pytest.fixture
def widgets(template: Template) -> list[dict[str, Any]]:
    """The dashboard's, with what only a deployment knows left out."""
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard")
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else "X" for part in parts))
    return [widget["properties"] for widget in body["widgets"]]


def test_the_dashboard_shows_metrics_that_are_written(widgets: list[dict[str, Any]], written: set[Metric]) -> None:
    rows = [row for widget in widgets for row in widget["metrics"] if row[0] == "IotAuthorizer"]
    found = {Metric(row[0], row[1], frozenset(zip(row[2:-1:2], row[3:-1:2], strict=True))) for row in rows}
    assert {metric.name for metric in found} == {"Allowed", "Refused", "ColdStart"}
    assert found - written == set()


def test_refusals_by_reason_are_searched_as_they_are_written(
    widgets: list[dict[str, Any]], written: set[Metric]
) -> None:
    (search,) = (row[0]["expression"] for widget in widgets for row in widget["metrics"] if isinstance(row[0], dict))
    match = re.fullmatch(r"SEARCH\('\{(.+?)\} MetricName=\"(\w+)\" service=\"(\w+)\"', 'Sum', 60\)", search)
    assert match is not None
    namespace, *keys = match[1].split(",")
    found = [each for each in written if (each.namespace, each.name) == (namespace, match[2])]
    assert {
        dict(each.dimensions)["reason"]
        for each in found
        if sorted(dict(each.dimensions)) == sorted(keys) and ("service", match[3]) in each.dimensions
    } == {"internal_error", "table_unavailable", "malformed_item", "locked"}


def test_the_saved_queries_name_fields_of_the_log_lines(template: Template, lines: list[dict[str, Any]]) -> None:
    texts = [query["QueryString"] for query in resources(template, "AWS::Logs::QueryDefinition")]
    assert len(texts) == 2
    told = {"issuer"}  # Which this handler has none of: tests/authorizer looks at it.
    known = {"@timestamp", "refusals"} | told | {field for line in lines for field in line}
    for text in texts:
        plain = re.sub(r"'[^']*'", "", text)
        named = set(re.findall(r"@?\w+", plain)) - WORDS
        assert named - known == set(), text


WORDS = {"fields", "filter", "stats", "count", "as", "by", "sort", "limit", "desc", "ispresent", "50", "100"}
"""Of the language of Logs Insights."""
