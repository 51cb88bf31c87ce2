"""What the console uses of IoT Core on this machine."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from iot_policies import PolicyTemplate

Record = Mapping[str, object]
"""A record of the feed, as `iot_core.feed` makes it."""


class Issuer(Protocol):
    """Mints tokens that this machine alone trusts."""

    def token(self, principal: str, claims: Mapping[str, object], expires_in: int) -> str:
        """A JWT for a principal; `expires_in` in seconds."""
        ...


class Feed(Protocol):
    """What happens: decisions, presence, reloads."""

    def recent(self) -> Iterator[Record]:
        """The last records, oldest first."""
        ...

    def follow(self) -> AsyncIterator[Record]:
        """Each record from the first `anext` on."""
        ...


class Configuration(Protocol):
    """`authorizer.toml` and the template that it names, reloaded when they are saved."""

    @property
    def name(self) -> str:
        """What it calls its authorizer."""
        ...

    @property
    def path(self) -> Path:
        """The configuration."""
        ...

    @property
    def policy_path(self) -> Path | None:
        """The template's file; None where grants come from code."""
        ...

    @property
    def template(self) -> PolicyTemplate | None:
        """The template that is in force; None where grants come from code."""
        ...

    @property
    def problem(self) -> str | None:
        """What is wrong with the files as they were last saved; what was in force before still is."""
        ...


class Authorizer(Protocol):
    """An authorizer, as `DescribeAuthorizer` shows it."""

    @property
    def name(self) -> str:
        """What clients call it."""
        ...

    @property
    def function_arn(self) -> str:
        """The Lambda function that it invokes."""
        ...

    @property
    def token_key_name(self) -> str | None:
        """Where clients put their token."""
        ...

    @property
    def signing_disabled(self) -> bool:
        """Whether tokens come without a signature for IoT Core to verify."""
        ...


class Authorizers(Protocol):
    """The authorizers there are."""

    def get(self, name: str) -> Authorizer | None:
        """The one with a name."""
        ...


class Core(Protocol):
    """IoT Core on this machine, as far as the console looks at it."""

    @property
    def region(self) -> str:
        """The AWS region that it stands for."""
        ...

    @property
    def account(self) -> str:
        """The AWS account that it stands for."""
        ...

    @property
    def url(self) -> str:
        """The plain endpoint, as in `http://127.0.0.1:8080`."""
        ...

    @property
    def tls_url(self) -> str:
        """The TLS endpoint, as in `https://127.0.0.1:8443`."""
        ...

    @property
    def ca_path(self) -> Path:
        """The certificate of the local CA, in PEM."""
        ...

    @property
    def issuer(self) -> Issuer:
        """The development issuer."""
        ...

    @property
    def feed(self) -> Feed:
        """What happens."""
        ...

    @property
    def configuration(self) -> Configuration:
        """What is configured, and whether the last save holds."""
        ...

    @property
    def authorizers(self) -> Authorizers:
        """The authorizers that clients can name."""
        ...
