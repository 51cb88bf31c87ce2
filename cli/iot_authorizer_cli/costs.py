"""What AWS bills a month for clients that a custom authorizer lets in: a usage goes in, items come out.

How it is metered, by the pages of AWS that say so:

- Connections are billed by the minute (aws.amazon.com/iot-core/pricing).
- Messages are billed in units of 5 KB: each CONNECT, SUBSCRIBE and PUBLISH, both ways, each PUBACK that a client
  sends, the body of an HTTP request and that of its answer (aws.amazon.com/iot-core/pricing/additional-details).
  Pings, CONNACK, SUBACK, UNSUBSCRIBE and DISCONNECT are free.
- An authorizer costs what its Lambda function costs (developer guide, "Creating and managing custom authorizers"): the
  pricing page knows no charge for it. IoT Core invokes it at each connect, each refresh and each HTTPS request.
- Lambda bills requests and GB-seconds in steps of 1 ms, the start of an environment too ("AWS Lambda standardizes
  billing for INIT phase", AWS Compute Blog).
- CloudWatch Logs bills what is written; what is kept costs less than a tenth of that and is left out.

There is no free tier, no discount and no tax in it.
"""

from dataclasses import dataclass
from decimal import Decimal

from iot_authorizer_cli.prices import Price, Prices

DAYS = 30
"""Of a month, as in AWS's own examples."""
MONTH = DAYS * 86_400
MESSAGE_UNIT = 5 * 1024
"""Bytes."""
LOG_SIZE = 1024
"""Bytes that a decision logs: its line, 450 to 520 where a JWT was verified, and the two that Lambda writes of each
invocation where logs are JSON (`platform.start` and `platform.report`), about 500."""
_GIBI = 2**30
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Clients that are always connected, and what they do."""

    connections: int
    refresh_after: int
    """Seconds."""
    disconnect_after: int
    """Seconds; every client comes back at once."""
    messages: int
    """A connection and day, published and delivered, with the PUBACKs that clients send."""
    message_size: int
    """Bytes of payload and topic."""
    duration: int
    """Milliseconds of an invocation in a warm environment."""
    cold_share: Decimal
    """Of the invocations, those that start an environment: 0 to 1."""
    cold_duration: int
    """Milliseconds that such a start adds."""
    memory: int
    """MB of the function."""
    https_requests: int
    """Publishes over HTTPS a month, without caching of answers."""
    log_size: int = LOG_SIZE
    """Bytes that a decision logs."""

    @property
    def connects(self) -> int:
        """A month."""
        return -(-self.connections * MONTH // self.disconnect_after)

    @property
    def refreshes(self) -> int:
        """A month: a connection's last one would come with its end, and does not."""
        return self.connects * (-(-self.disconnect_after // self.refresh_after) - 1)

    @property
    def invocations(self) -> int:
        """Of the function, a month."""
        return self.connects + self.refreshes + self.https_requests

    @property
    def billed_messages(self) -> int:
        """A month; a client sends one CONNECT and one SUBSCRIBE, and an HTTPS request has an answer."""
        units = -(-self.message_size // MESSAGE_UNIT)
        sent = self.connections * self.messages * DAYS * units
        return sent + 2 * self.connects + self.https_requests * (units + 1)

    @property
    def gb_seconds(self) -> Decimal:
        """Of the function, a month."""
        milliseconds = self.duration + self.cold_share * self.cold_duration
        return self.invocations * milliseconds * self.memory / (1000 * 1024)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill."""

    name: str
    quantity: Decimal
    """A month, rounded."""
    dollars: Decimal
    """US$, rounded to cents."""
    source: str
    """Of the price."""


def bill(usage: Usage, prices: Prices) -> tuple[Item, ...]:
    """The items of a month."""
    gigabytes = Decimal(usage.invocations * usage.log_size) / _GIBI
    return (
        _item("connection minutes", Decimal(usage.connections * MONTH // 60), prices.connection_minutes),
        _item("messages", Decimal(usage.billed_messages), prices.messages),
        _item("Lambda requests", Decimal(usage.invocations), prices.requests),
        _item("Lambda GB-seconds", usage.gb_seconds, prices.gb_seconds),
        _item("logs, GB", gigabytes, prices.logs, "0.01"),
    )


def total(items: tuple[Item, ...]) -> Decimal:
    """US$ of all items."""
    return sum((item.dollars for item in items), Decimal(0))


def _item(name: str, quantity: Decimal, price: Price, step: str = "1") -> Item:
    return Item(name, quantity.quantize(Decimal(step)), price.of(quantity).quantize(_CENT), price.source)
