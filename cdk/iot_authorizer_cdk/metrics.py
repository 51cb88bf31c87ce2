"""The metrics of an authorizer: Lambda's own, and those of its log lines."""

from aws_cdk import Duration, aws_cloudwatch

from iot_authorizer_cdk.custom_authorizer import IotCustomAuthorizer

NAMESPACE = "IotAuthorizer"
"""Where the function's log lines put theirs."""


class Metrics:
    """All of them; each is asked for with the period that it is summed over."""

    def __init__(self, authorizer: IotCustomAuthorizer) -> None:
        self._function = authorizer.function.function
        self._service = authorizer.authorizer_name

    def errors(self, period: Duration) -> aws_cloudwatch.Metric:
        """How often the function failed."""
        return self._function.metric_errors(period=period)

    def throttles(self, period: Duration) -> aws_cloudwatch.Metric:
        """How often there was no room for it."""
        return self._function.metric_throttles(period=period)

    def concurrency(self, period: Duration) -> aws_cloudwatch.Metric:
        """How many ran at once, at most."""
        return self._function.metric("ConcurrentExecutions", statistic="Maximum", period=period)

    def duration(self, period: Duration, statistic: str = "p99") -> aws_cloudwatch.Metric:
        """How long it took, in milliseconds, without what an environment takes to begin: Lambda's Duration."""
        return self._function.metric_duration(statistic=statistic, period=period)

    def keys_not_fetched(self, period: Duration) -> aws_cloudwatch.Metric:
        """How often an issuer's keys could not be fetched."""
        return self._own("KeysNotFetched", period)

    def cold_starts(self, period: Duration) -> aws_cloudwatch.Metric:
        """How many environments began."""
        return self._own("ColdStart", period)

    def allowed(self, period: Duration) -> aws_cloudwatch.Metric:
        """How many clients were let in."""
        return self._own("Allowed", period)

    def refused(self, period: Duration) -> aws_cloudwatch.Metric:
        """How many were not."""
        return self._own("Refused", period)

    def refused_because(self, reason: str, period: Duration) -> aws_cloudwatch.Metric:
        """How many were refused with one reason code."""
        return self._own("Refused", period, reason=reason)

    def unchecked(self, period: Duration) -> aws_cloudwatch.Metric:
        """How many were let in while nobody could say whether they are revoked."""
        return self._own("Unchecked", period)

    def refused_share(self, period: Duration, least_decisions: int) -> aws_cloudwatch.MathExpression:
        """Of all decisions, in percent; 0 where there were fewer."""
        decisions = "(refused + FILL(allowed, 0))"
        return aws_cloudwatch.MathExpression(
            expression=f"IF({decisions} >= {least_decisions}, 100 * refused / {decisions}, 0)",
            using_metrics={"allowed": self.allowed(period), "refused": self.refused(period)},
            label="refused, %",
            period=period,
        )

    def refused_by_reason(self, period: Duration) -> aws_cloudwatch.MathExpression:
        """One line for each reason code."""
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
