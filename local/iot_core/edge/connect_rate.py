"""How many may connect a second: in the account, and with one client ID."""

from collections.abc import Callable

from iot_core.broker.limits import BrokenRule, Limits, RateLimit
from iot_core.mqtt import ReasonCode

_REMEMBERED = 10_000


class ConnectRate:
    """Counts CONNECTs."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._limits = limits
        self._clock = clock
        self._account = RateLimit(limits.connects_per_second, clock)
        self._clients: dict[str, RateLimit] = {}

    def count(self) -> None:
        """Counts a CONNECT of the account's. Raises BrokenRule where it is one too many."""
        if not self._account.take():
            raise self._broken("connections", self._limits.connects_per_second)

    def count_client(self, client_id: str) -> None:
        """Counts a connection of a client ID. Raises BrokenRule where it is one too many."""
        if self._limits.connects_per_client_per_second is None:
            return
        if len(self._clients) >= _REMEMBERED:
            self._clients.clear()
        rate = self._clients.get(client_id)
        if rate is None:
            rate = self._clients[client_id] = RateLimit(self._limits.connects_per_client_per_second, self._clock)
        if not rate.take():
            raise self._broken("connection with one client ID", self._limits.connects_per_client_per_second)

    def _broken(self, what: str, limit: int | None) -> BrokenRule:
        return BrokenRule(
            f"IoT Core takes {limit} {what} a second; --no-throttling takes all", ReasonCode.CONNECTION_RATE_EXCEEDED
        )
