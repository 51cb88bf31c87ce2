"""Alarms: what somebody should be woken for."""

from aws_cdk import Duration, aws_cloudwatch, aws_cloudwatch_actions, aws_sns
from constructs import Construct

from iot_authorizer_cdk.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.metrics import Metrics

_PERIOD = Duration.minutes(5)
_LOCKED = 20
"""Attempts in a wait that wake nobody: somebody has mistyped a password."""


class Alarms(Construct):
    """One alarm each for errors, throttles, slowness, refusals, guessing; for keys and a table that can't be read."""

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
    ) -> None:
        """All go to `topic`, where there is one. `slow` is 2.5 s unless given.

        `refused_share` is in percent, and counts from `least_decisions` in 5 minutes on: fewer may be one client.
        """
        super().__init__(scope, construct_id)
        self._metrics = metrics = Metrics(authorizer)
        share = metrics.refused_share(_PERIOD, least_decisions)
        most = (slow or Duration.millis(2500)).to_milliseconds()
        self.alarms = [
            self._alarm("Errors", metrics.errors(_PERIOD), 0, "the function raised, or ran out of time or memory"),
            self._alarm("Throttles", metrics.throttles(_PERIOD), 0, "clients were refused for want of concurrency"),
            self._alarm(
                "Slow", metrics.duration(_PERIOD), most, "near IoT Core's limit of 5 seconds, cold starts not counted"
            ),
            self._alarm("Refused", share, refused_share, "many clients are refused: see why"),
            self._refused(
                "InternalErrors", "internal_error", "a mistake in the authorizer: clients are refused for it"
            ),
            self._alarm("Keys", metrics.keys_not_fetched(_PERIOD), 0, "an issuer's keys can't be fetched"),
        ]
        if authorizer.settings.table is not None:
            self.alarms += [
                self._refused("Table", "table_unavailable", "the identity table does not answer"),
                self._alarm(
                    "Unchecked",
                    metrics.unchecked(_PERIOD),
                    0,
                    "clients are let in whom the identity table might refuse",
                ),
                self._refused("Items", "malformed_item", "the identity table holds what nobody should have written"),
                self._alarm(
                    "Guessing",
                    metrics.refused_because("locked", _PERIOD),
                    _LOCKED,
                    "somebody guesses passwords, or a client goes on with a wrong one",
                ),
            ]
        if topic is not None:
            for alarm in self.alarms:
                alarm.add_alarm_action(aws_cloudwatch_actions.SnsAction(topic))

    def _refused(self, name: str, reason: str, description: str) -> aws_cloudwatch.Alarm:
        """For a reason that is no client's mistake."""
        return self._alarm(name, self._metrics.refused_because(reason, _PERIOD), 0, description)

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
