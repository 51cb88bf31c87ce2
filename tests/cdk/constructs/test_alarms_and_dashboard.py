"""Alarms, dashboard and queries use the metrics and fields that the real function writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Environment, Stack, aws_sns
from aws_cdk.assertions import Template

from iot_authorizer import Authorizer, Credentials, LambdaHandler, Principal, Refusal, VerifiedPrincipal
from iot_authorizer.observer import Observer
from iot_authorizer_cdk import Alarms, InvalidSettings, IotCustomAuthorizer
from iot_authorizer_cdk.app.stacks import AuthorizerStack
from iot_authorizer_cdk.app.stages import Stage
from iot_policies import PolicyTemplate
from tests.cdk.conftest import write_code

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:alarms"
ALARM = "AWS::CloudWatch::Alarm"
PERIOD = 300


class Metric(NamedTuple):
    """A metric of CloudWatch."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class Context:
    """The context of an invocation."""

    invoked_function_arn = ARN
    aws_request_id = "1"


def verify(credentials: Credentials) -> VerifiedPrincipal:
    """Allows the token `good`, unchecked, and refuses any other with the reason code that it names."""
    if credentials.token == "broken":
        raise ZeroDivisionError
    if credentials.token != "good":
        raise Refusal(credentials.token or "", "detail", principal=Principal("ann", {}))
    return VerifiedPrincipal(Principal("ann", {}), unchecked="ThrottlingException")


@pytest.fixture
def lines(code: Path, capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """One log line of each kind, which the real handler writes."""
    observer = Observer("chat")
    grant = PolicyTemplate.load(code / "policy.toml")
    handler = LambdaHandler(Authorizer(verify=verify, grant=grant, token_key_name="token"), observer)
    observer.keys_fetched("no answer in time")
    for token in ("good", "broken", "table_unavailable", "malformed_item", "locked"):
        http = {"queryString": f"?token={token}"}
        handler({"protocolData": {"http": http, "mqtt": {"clientId": "ann"}}}, Context())
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


@pytest.fixture
def written(lines: list[dict[str, Any]]) -> set[Metric]:
    """The metrics that CloudWatch extracts from these lines."""
    return {
        Metric(each["Namespace"], metric["Name"], frozenset((name, line[name]) for name in dimensions))
        for line in lines
        for each in line["_aws"]["CloudWatchMetrics"]
        for dimensions in each["Dimensions"]
        for metric in each["Metrics"]
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack of an authorizer with a table and a topic for alarms."""
    config = write_code(tmp_path_factory.mktemp("observed") / "project") / "authorizer.toml"
    stage = Stage(identity_table=True, alarm_topic_arn=TOPIC_ARN)
    return Template.from_stack(AuthorizerStack(App(), "Test", config=config, stage=stage))


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template.find_resources(kind).values()]


def asked(alarm: dict[str, Any]) -> Iterator[Metric]:
    """The metrics of an alarm."""
    many = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    for each in many or [alarm]:
        dimensions = ((pair["Name"], str(pair["Value"])) for pair in each["Dimensions"])
        yield Metric(each["Namespace"], each["MetricName"], frozenset(dimensions))


def test_each_metric_of_an_alarm_is_written(template: Template, written: set[Metric]) -> None:
    found = {metric for alarm in resources(template, ALARM) for metric in asked(alarm)}
    own = {metric for metric in found if metric.namespace != "AWS/Lambda"}
    assert len(own) == 8
    assert own - written == set()


def test_each_alarm_is_raised_above_its_threshold(template: Template) -> None:
    """By the alarm's name in the template: the metric, its statistic, and the highest value without an alarm."""
    found = template.find_resources(ALARM)
    assert {re.sub("^Alarms|[0-9A-F]{8}$", "", name): bounds(each["Properties"]) for name, each in found.items()} == {
        "Errors": ("Errors", "Sum", 0),
        "Throttles": ("Throttles", "Sum", 0),
        "Slow": ("Duration", "p99", 2500),
        "Refused": (None, None, 50),
        "Flood": ("Refused", "Sum", 3000),
        "InternalErrors": ("Refused", "Sum", 0),
        "Keys": ("KeysNotFetched", "Sum", 0),
        "Table": ("Refused", "Sum", 0),
        "Unchecked": ("Unchecked", "Sum", 0),
        "Items": ("Refused", "Sum", 0),
        "Guessing": ("Refused", "Sum", 20),
    }


def bounds(alarm: dict[str, Any]) -> tuple[str | None, str | None, float]:
    return alarm.get("MetricName"), alarm.get("Statistic", alarm.get("ExtendedStatistic")), alarm["Threshold"]


def test_a_topic_of_another_region_is_refused(tmp_path: Path) -> None:
    stack = Stack(App(), "Test", env=Environment(account="123456789012", region="us-east-1"))
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=write_code(tmp_path / "lambda"))
    topic = aws_sns.Topic.from_topic_arn(stack, "Topic", TOPIC_ARN)
    with pytest.raises(InvalidSettings, match=f"topic {TOPIC_ARN}: found eu-west-1, but the stack is in us-east-1"):
        Alarms(stack, "Alarms", authorizer=authorizer, topic=topic)


def test_every_alarm_notifies_the_topic_after_five_minutes_with_a_measurement(template: Template) -> None:
    for alarm in resources(template, ALARM):
        parts = [each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each] or [alarm]
        assert {part["Period"] for part in parts} == {PERIOD}
        comparison = (alarm["ComparisonOperator"], alarm["TreatMissingData"], alarm["EvaluationPeriods"])
        assert comparison == ("GreaterThanThreshold", "notBreaching", 1)
        assert alarm["AlarmActions"] == [TOPIC_ARN]


def test_refusals_of_a_few_clients_raise_no_alarm(template: Template) -> None:
    (alarm,) = (alarm for alarm in resources(template, ALARM) if "Metrics" in alarm)
    (share,) = (metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric)
    decisions = "(refused + FILL(allowed, 0))"
    assert share == f"IF({decisions} >= 20, 100 * refused / {decisions}, 0)"


def test_without_a_table_there_are_no_alarms_for_it(config: Path) -> None:
    template = Template.from_stack(AuthorizerStack(App(), "Test", config=config, stage=Stage()))
    assert len(resources(template, ALARM)) == 7


@pytest.fixture
def widgets(template: Template) -> list[dict[str, Any]]:
    """The dashboard's widgets, with X for values that only the deployment knows."""
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == {"Fn::Join": ["", ["iot-authorizer-chat-", {"Ref": "AWS::Region"}]]}
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else "X" for part in parts))
    return [widget["properties"] for widget in body["widgets"]]


def test_the_dashboard_shows_metrics_that_are_written(widgets: list[dict[str, Any]], written: set[Metric]) -> None:
    rows = [row for widget in widgets for row in widget["metrics"] if row[0] == "IotAuthorizer"]
    found = {Metric(row[0], row[1], frozenset(zip(row[2:-1:2], row[3:-1:2], strict=True))) for row in rows}
    assert {metric.name for metric in found} == {"Allowed", "Refused", "ColdStart"}
    assert found - written == set()


def test_the_search_for_refusals_by_reason_finds_the_written_metrics(
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
    queries = {query["Name"]: query["QueryString"] for query in resources(template, "AWS::Logs::QueryDefinition")}
    names = {"why was this client refused", "top refused principals"}
    assert queries.keys() == {f"iot-authorizer/chat/{name}" for name in names}
    other = {"issuer"}  # This handler has no issuer: tests/authorizer checks the field.
    known = {"@timestamp", "refusals"} | other | {field for line in lines for field in line}
    for text in queries.values():
        plain = re.sub(r"'[^']*'", "", text)
        named = set(re.findall(r"@?\w+", plain)) - WORDS
        assert named - known == set(), text


WORDS = {"fields", "filter", "stats", "count", "as", "by", "sort", "limit", "desc", "ispresent", "50", "100"}
"""Words of the query language of Logs Insights."""
