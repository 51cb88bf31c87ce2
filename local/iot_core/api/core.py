"""What the HTTP APIs use of IoT Core on this machine."""

from typing import Protocol

from iot_core.authorizers.authorization import Gateway
from iot_core.authorizers.authorizers import Authorizers
from iot_core.broker.broker import Broker
from iot_core.decisions import Decisions


class Configuration(Protocol):
    """`authorizer.toml` and what it names, reloaded when they are saved."""

    @property
    def configured(self) -> object:
        """What is in force; another object after each reload."""
        ...


class Core(Protocol):
    """IoT Core on this machine, as far as the HTTP APIs use it."""

    @property
    def broker(self) -> Broker:
        """The message broker."""
        ...

    @property
    def gateway(self) -> Gateway:
        """What lets clients in."""
        ...

    @property
    def authorizers(self) -> Authorizers:
        """The account's authorizers."""
        ...

    @property
    def configuration(self) -> Configuration:
        """What is configured."""
        ...

    @property
    def decisions(self) -> Decisions:
        """Where decisions are told."""
        ...

    @property
    def tls_url(self) -> str:
        """The TLS port's URL, as in `https://localhost:8443`."""
        ...

    def commit(self) -> None:
        """Stores what changed, so that it may be acknowledged. Raises StorageError."""
        ...

    def arn(self, kind: str, name: str) -> str:
        """The ARN of something of the account's: `arn:aws:iot:REGION:ACCOUNT:kind/name`."""
        ...
