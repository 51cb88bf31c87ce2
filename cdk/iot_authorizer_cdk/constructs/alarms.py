"""CloudWatch alarms for an authorizer."""

from aws_cdk import Duration, Stack, aws_cloudwatch, aws_cloudwatch_actions, aws_sns
from constructs import Construct

from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.metrics import Metrics
from iot_authorizer_cdk.constructs.places import called, check_region, place_of

_PERIOD = Duration.minutes(5)
_MOST_LOCKED = 20
"""Attempts in a lock in a period that do not raise an alarm: a user mistyped a password."""


class Alarms(Construct):
    """Alarms for errors, throttles, latency, refusals, floods and unreachable keys.

    With an identity table, also alarms for the table, its items, unchecked clients and password guessing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        authorizer: IotCustomAuthorizer,
        topic: aws_sns.ITopic | None = None,
        slow: Duration | None = None,
        refused_share: float = 50,
        least_decisions: int = 20,
        most_refused: int = 3_000,
    ) -> None:
        """The alarms notify `topic`. `slow` is the longest p99 latency that raises no alarm, 2.5 s by default.

        `refused_share` is in percent. It is ignored in periods with fewer than `least_decisions` decisions, which may
        come from one client. `most_refused` clients may be refused in 5 minutes, 10 a second: more are a flood, however
        many are allowed meanwhile. Raises InvalidSettings for a topic of another region.
        """
        super().__init__(scope, construct_id)
        if topic is not None:
            place = place_of(topic, topic.topic_arn)
            check_region(Stack.of(self), f"topic {called(topic, topic.topic_arn)}", place, "a topic in this region")
        metrics = Metrics.of_authorizer(authorizer)
        share = metrics.refused_share(_PERIOD, least_decisions)
        longest = (slow or Duration.millis(2500)).to_milliseconds()
        internal_errors = metrics.refused_because("internal_error", _PERIOD)
        self.alarms = [
            self._alarm("Errors", metrics.errors(_PERIOD), 0, "The function raised, or ran out of time or memory."),
            self._alarm("Throttles", metrics.throttles(_PERIOD), 0, "Lambda had no free concurrency: clients refused."),
            self._alarm("Slow", metrics.duration(_PERIOD), longest, "Near the 5 s limit, without cold starts."),
            self._alarm("Refused", share, refused_share, "Many clients are refused: check the reasons."),
            self._alarm("Flood", metrics.refused(_PERIOD), most_refused, "A flood: each refusal costs money."),
            self._alarm("InternalErrors", internal_errors, 0, "A bug in the authorizer: clients were refused."),
            self._alarm("Keys", metrics.keys_not_fetched(_PERIOD), 0, "The keys of an issuer cannot be fetched."),
        ]
        if authorizer.configuration.table is not None:
            self.alarms += self._table_alarms(metrics)
        if authorizer.rules is not None:
            waiting = authorizer.rules.queue.metric_approximate_number_of_messages_visible(
                period=_PERIOD, statistic="Maximum"
            )
            lost = "Messages that topic rules could not give to a function wait in the queue of errors."
            self.alarms.append(self._alarm("RuleErrors", waiting, 0, lost))
        if authorizer.credentials is not None:
            service = f"{authorizer.authorizer_name}-credentials"
            self.alarms += self._credentials_alarms(Metrics(authorizer.credentials.function, service), most_refused)
        if topic is not None:
            for alarm in self.alarms:
                alarm.add_alarm_action(aws_cloudwatch_actions.SnsAction(topic))

    def _credentials_alarms(self, metrics: Metrics, most_refused: int) -> list[aws_cloudwatch.Alarm]:
        internal, sts = (metrics.refused_because(reason, _PERIOD) for reason in ("internal_error", "sts_unavailable"))
        failed = "The credentials endpoint raised, or ran out of time or memory."
        return [
            self._alarm("CredentialsErrors", metrics.errors(_PERIOD), 0, failed),
            self._alarm("CredentialsThrottles", metrics.throttles(_PERIOD), 0, "Lambda had no free concurrency."),
            self._alarm("CredentialsFlood", metrics.refused(_PERIOD), most_refused, "A flood of refused requests."),
            self._alarm("CredentialsInternalErrors", internal, 0, "A bug in the credentials endpoint."),
            self._alarm("Sts", sts, 0, "AWS STS gives the credentials endpoint no session of the client role."),
        ]

    def _table_alarms(self, metrics: Metrics) -> list[aws_cloudwatch.Alarm]:
        unavailable, malformed, locked = (
            metrics.refused_because(reason, _PERIOD) for reason in ("table_unavailable", "malformed_item", "locked")
        )
        unchecked = "The identity table does not answer: clients that it might refuse are allowed."
        guessing = "Password guessing, or a client that keeps sending a wrong password."
        return [
            self._alarm("Table", unavailable, 0, "The identity table does not answer: clients were refused."),
            self._alarm("Unchecked", metrics.unchecked(_PERIOD), 0, unchecked),
            self._alarm("Items", malformed, 0, "The identity table contains an item that cannot be read."),
            self._alarm("Guessing", locked, _MOST_LOCKED, guessing),
        ]

    def _alarm(
        self, name: str, metric: aws_cloudwatch.IMetric, threshold: float, description: str
    ) -> aws_cloudwatch.Alarm:
        return aws_cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=aws_cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=aws_cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
