"""The metrics of an authorizer: Lambda's, and those that the function's log lines contain."""

from aws_cdk import Duration, aws_cloudwatch

from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.function import AuthorizerFunction

NAMESPACE = "IotAuthorizer"
"""The namespace of the metrics in the log lines."""


class Metrics:
    """The metrics of one function. Each method takes the period that a value covers."""

    def __init__(self, function: AuthorizerFunction, service: str) -> None:
        """`service` is the name in the function's log lines."""
        self._function = function.function
        self._service = service

    @classmethod
    def of_authorizer(cls, authorizer: IotCustomAuthorizer) -> "Metrics":
        """The metrics of an authorizer."""
        return cls(authorizer.function, authorizer.authorizer_name)

    def errors(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts failed invocations."""
        return self._function.metric_errors(period=period)

    def throttles(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts invocations that Lambda refused for lack of concurrency."""
        return self._function.metric_throttles(period=period)

    def concurrency(self, period: Duration) -> aws_cloudwatch.Metric:
        """Measures the most invocations at the same time."""
        return self._function.metric("ConcurrentExecutions", statistic="Maximum", period=period)

    def duration(self, period: Duration, statistic: str = "p99") -> aws_cloudwatch.Metric:
        """Measures an invocation in milliseconds, without the start of its environment: Lambda's Duration."""
        return self._function.metric_duration(statistic=statistic, period=period)

    def keys_not_fetched(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts failed fetches of an issuer's keys."""
        return self._own("KeysNotFetched", period)

    def cold_starts(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts environments that started."""
        return self._own("ColdStart", period)

    def allowed(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts clients that were allowed."""
        return self._own("Allowed", period)

    def refused(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts clients that were refused."""
        return self._own("Refused", period)

    def refused_because(self, reason: str, period: Duration) -> aws_cloudwatch.Metric:
        """Counts clients that were refused with one reason code."""
        return self._own("Refused", period, reason=reason)

    def unchecked(self, period: Duration) -> aws_cloudwatch.Metric:
        """Counts clients that were allowed while revocations could not be read."""
        return self._own("Unchecked", period)

    def refused_share(self, period: Duration, least_decisions: int) -> aws_cloudwatch.MathExpression:
        """Measures refusals in percent of all decisions; 0 if there were fewer than `least_decisions`."""
        decisions = "(refused + FILL(allowed, 0))"
        return aws_cloudwatch.MathExpression(
            expression=f"IF({decisions} >= {least_decisions}, 100 * refused / {decisions}, 0)",
            using_metrics={"allowed": self.allowed(period), "refused": self.refused(period)},
            label="refused (%)",
            period=period,
        )

    def refused_by_reason(self, period: Duration) -> aws_cloudwatch.MathExpression:
        """Counts refusals, in one line for each reason code."""
        search = f'{{{NAMESPACE},service,reason}} MetricName="Refused" service="{self._service}"'
        return aws_cloudwatch.MathExpression(
            expression=f"SEARCH('{search}', 'Sum', {period.to_seconds()})", using_metrics={}, label="", period=period
        )

    def _own(self, name: str, period: Duration, **dimensions: str) -> aws_cloudwatch.Metric:
        return aws_cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": self._service, **dimensions},
            statistic="Sum",
            period=period,
        )
