"""An authorizer, as its owner described it."""

from dataclasses import dataclass, field
from typing import Literal

from iot_core.authorizers.authorizer_rules import (
    check_function_arn,
    check_name,
    check_public_keys,
    check_signing,
    check_status,
    check_token_key_name,
)

Status = Literal["ACTIVE", "INACTIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerDescription:
    """An authorizer, as DescribeAuthorizer tells it."""

    name: str
    function_arn: str
    token_key_name: str | None = None
    """Under which name a client sends its token."""
    public_keys: dict[str, str] = field(default_factory=dict)
    """Keys that verify the tokens' signatures: PEM by name."""
    status: Status = "INACTIVE"
    """What IoT Core gives an authorizer that is made without one."""
    signing_disabled: bool = False
    enable_caching_for_http: bool = False
    creation_date: float
    """Seconds since 1970."""
    last_modified_date: float
    """Seconds since 1970."""

    def check(self) -> None:
        """Checks it against IoT Core's rules. Raises InvalidAuthorizer."""
        check_name(self.name)
        check_status(self.status)
        if self.token_key_name is not None:
            check_token_key_name(self.token_key_name)
        check_function_arn(self.name, self.function_arn)
        check_signing(self.name, self.token_key_name, self.public_keys, self.signing_disabled)
        check_public_keys(self.name, self.public_keys)
