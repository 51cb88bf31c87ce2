"""IoT Core itself: the state of one AWS account on one event loop, without ports."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from iot_core.authorizers.invocation import AuthorizerInvoker
from iot_core.authorizers.registry import Authorizers
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.broker.broker import Broker
from iot_core.broker.limits import IOT_CORE, ConnectRate, Limits
from iot_core.broker.message import Message
from iot_core.broker.steady_clock import SteadyClock
from iot_core.broker.storage import Storage, StorageError
from iot_core.edge.client_authorization import ClientAuthorizer
from iot_core.edge.connection import MqttEndpoint
from iot_core.edge.connections import Connections
from iot_core.edge.outbox import Outbox
from iot_core.feed import Decisions, Explain, Feed, unexplained
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.iam.access_keys import AccessKeys, owner_key
from iot_core.iam.identity_pool import IdentityPool
from iot_core.iam.roles import GUEST_ROLE, USER_ROLE, Role, Roles
from iot_core.iam.temporary_keys import TemporaryKeys, sealing_key
from iot_core.iam.verifying import SignatureVerifier
from iot_core.rules.engine import RulesEngine
from iot_core.rules.rule_registry import TopicRules
from iot_core.rules.topic_rule import TopicRule
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion
from iot_policies.iam import parse_iam_document

DATABASE = "iot-core.sqlite"
"""The file of sessions, messages and Wills in the data folder."""


class IotCore:
    """The broker, the authorizers and the connections of one account.

    Nothing here is safe to call from another thread than that of its event loop.
    """

    def __init__(
        self,
        folder: Path,
        *,
        persistent: bool = True,
        place: AccountRegion = EXAMPLE_PLACE,
        limits: Limits = IOT_CORE,
        time_scale: float = 1,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Loads what an earlier run kept in the data folder. Raises InvalidFile, StorageError, OSError.

        If `persistent` is False, messages, sessions and Wills are only in memory. The seconds of an authorizer's
        answer pass `time_scale` times as fast. `clock` gives seconds from any start, for time-outs and refreshes;
        `wall_clock` gives seconds since 1970.
        """
        self.place = place
        self.arn_prefix = place.arn_prefix("iot")
        """What the ARN of everything in the account begins with."""
        self.limits = limits
        self.clock = clock
        self.wall_clock = wall_clock
        """Gives seconds since 1970."""
        secret = sealing_key(folder)
        self.identity_pool = IdentityPool(place.region, secret)
        self.roles = Roles(place, self.identity_pool.pool_id, wall_clock)
        """The roles of IAM."""
        self.temporary_keys = TemporaryKeys(secret, self.roles.principal)
        self.access_keys = AccessKeys(owner_key(folder, place), self.temporary_keys.open)
        self.signatures = SignatureVerifier(self.access_keys, place.region, wall_clock)
        self.time_scale = time_scale
        self.endpoint_address = ""
        """What DescribeEndpoint answers: the TLS port's `host:port`; the server sets it once it listens."""
        self.feed = Feed(wall_clock)
        """Decisions, presence, reloads."""
        self.decisions = Decisions(self.feed)
        self.authorizers = Authorizers(folder, wall_clock)
        self.configured_authorizer: str | None = None
        """The name of the configured authorizer."""
        self.invoker = AuthorizerInvoker(self.authorizers)
        self.rules = TopicRules(folder, wall_clock)
        self.rules_engine = RulesEngine(self.rules, self._publish, self.feed.add, limits, clock, wall_clock, time_scale)
        self._storage = Storage(folder / DATABASE if persistent else ":memory:")
        try:
            steady = SteadyClock(wall_clock, clock)
            self.broker = Broker(
                self._storage, limits=limits, clock=steady, report=self.feed.add, trigger=self.rules_engine.take
            )
            self.apply_rules()
        except (TypeError, ValueError) as error:
            self.close()
            raise StorageError(f"{folder}: {DATABASE} cannot be read, remove it: {error}") from None
        except BaseException:
            self.close()
            raise
        self.outbox = Outbox(self._storage, lambda error: self.feed.add("storage", problem=str(error)))
        endpoint = MqttEndpoint(
            broker=self.broker,
            outbox=self.outbox,
            decisions=self.decisions,
            authorizer=ClientAuthorizer(self.invoker, self.decisions, self.arn_prefix, time_scale, clock),
            connect_rate=ConnectRate(limits, clock),
            clock=clock,
        )
        self.connections = Connections(endpoint, self.authorizers)
        """The MQTT connections."""

    def arn(self, kind: str, name: str) -> str:
        """The ARN of something in the account: `arn:aws:iot:REGION:ACCOUNT:kind/name`."""
        return f"{self.arn_prefix}{kind}/{name}"

    def configure(
        self,
        authorizer: AuthorizerDescription,
        functions: Mapping[str, ExecutionEnvironments],
        explain: Explain = unexplained,
        *,
        default: bool = False,
    ) -> None:
        """Puts the configured authorizer and the functions, by ARN, into force. Raises InvalidAuthorizer.

        Each connected client is authorized again. `explain` explains the decisions from now on. `default` says whether
        the authorizer is the default one, unless the API has set another.
        """
        self.authorizers.put_configured(authorizer, default=default)
        self.configured_authorizer = authorizer.name
        self.invoker.functions = self.rules_engine.functions = functions
        self.decisions.explain = explain
        self.connections.check_time()

    def configure_rules(self, rules: Iterable[TopicRule]) -> None:
        """Puts the configured topic rules into force, in place of those before."""
        self.rules.put_configured(rules)
        self.apply_rules()

    def apply_rules(self) -> None:
        """Gives messages to the topic rules as they are now. Call it after each change of a rule."""
        self.broker.rule_filters.replace(self.rules.filters())

    def configure_identities(self, policy: str | None, problem: str = "", *, with_guests: bool = True) -> None:
        """Puts the role policy of the identity pool's users, and of its guests if it has some, into force.

        Each of their connections is authorized again if the policy is another one.
        Without a policy, the pool gives no credentials. `problem` says why it gives none, or guests none. Raises
        InvalidDocument.
        """
        self.identity_pool.problem = problem
        for name, exists in ((GUEST_ROLE, with_guests), (USER_ROLE, True)):
            if policy is None or not exists:
                self.roles.remove(name)
            else:
                self.roles.put(Role(name, parse_iam_document(policy), trusts_account=False))
        self.connections.check_time()

    def commit(self) -> None:
        """Stores what changed and sends what is waiting. Call it before you acknowledge anything over HTTP.

        Raises StorageError.
        """
        self.outbox.commit()

    def check_time(self) -> None:
        """Does what is due: time-outs, refreshes, delayed Wills, expiry. The server calls it four times a second."""
        self.connections.check_time()
        self.rules_engine.check_time()

    def _publish(self, message: Message, hops: int) -> None:
        self.broker.publish(message, hops=hops)
        self.outbox.flush()

    def close(self) -> None:
        """Writes what must survive, and closes the database."""
        self.rules_engine.close()
        try:
            self._storage.close()
        except StorageError:  # The outbox has reported it already.
            return
