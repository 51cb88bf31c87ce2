"""A CloudWatch dashboard, and saved queries of Logs Insights."""

from aws_cdk import Duration, Stack, aws_cloudwatch, aws_logs
from constructs import Construct

from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.metrics import Metrics
from iot_authorizer_cdk.properties import plain_name

_PERIOD = Duration.minutes(1)
_LONGEST_NAME = 128


class Dashboard(Construct):
    """Decisions by reason, latency, cold starts and concurrency.

    The dashboard's name contains the region, because dashboard names are unique in an account, not in a region.
    """

    def __init__(self, scope: Construct, construct_id: str, *, authorizer: IotCustomAuthorizer) -> None:
        super().__init__(scope, construct_id)
        metrics = Metrics.of_authorizer(authorizer)
        name = plain_name(authorizer.authorizer_name, "-_", _LONGEST_NAME)
        self.dashboard = aws_cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=f"iot-authorizer-{name}-{Stack.of(self).region}"
        )
        self.dashboard.add_widgets(
            _graph("Decisions", metrics.allowed(_PERIOD), metrics.refused(_PERIOD)),
            _graph("Refusals by reason", metrics.refused_by_reason(_PERIOD)),
        )
        self.dashboard.add_widgets(
            _graph("Latency (ms)", *(metrics.duration(_PERIOD, each) for each in ("p50", "p99", "Maximum"))),
            _graph("Cold starts", metrics.cold_starts(_PERIOD)),
            _graph("Concurrency and throttles", metrics.concurrency(_PERIOD), metrics.throttles(_PERIOD)),
        )


class Queries(Construct):
    """Saved queries: why a client was refused, and which principals are refused most often."""

    def __init__(self, scope: Construct, construct_id: str, *, authorizer: IotCustomAuthorizer) -> None:
        super().__init__(scope, construct_id)
        logs = [authorizer.function.log_group]
        prefix = f"iot-authorizer/{plain_name(authorizer.authorizer_name, '-_', _LONGEST_NAME)}"
        aws_logs.QueryDefinition(
            self,
            "WhyRefused",
            query_definition_name=f"{prefix}/why was this client refused",
            log_groups=logs,
            query_string=aws_logs.QueryString(
                fields=["@timestamp", "reason", "detail", "principal", "issuer", "source", "request_id"],
                filter_statements=["decision = 'refused'", "client_id = 'CLIENT-ID'"],
                sort="@timestamp desc",
                limit=100,
            ),
        )
        aws_logs.QueryDefinition(
            self,
            "TopRefused",
            query_definition_name=f"{prefix}/top refused principals",
            log_groups=logs,
            query_string=aws_logs.QueryString(
                filter_statements=["decision = 'refused'", "ispresent(principal)"],
                stats_statements=["count(*) as refusals by principal, reason"],
                sort="refusals desc",
                limit=50,
            ),
        )


def _graph(title: str, *metrics: aws_cloudwatch.IMetric) -> aws_cloudwatch.GraphWidget:
    return aws_cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, period=_PERIOD)
