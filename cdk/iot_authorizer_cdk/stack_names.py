"""What a stage's stacks are called."""

from dataclasses import dataclass

from iot_authorizer_cdk.names import plain

_LONGEST_NAME = 60
"""Letters of the authorizer's name in a stack's, which takes 128 in all."""


@dataclass(frozen=True, slots=True)
class StackNames:
    """Of an authorizer in a stage."""

    authorizer: str
    domain: str

    @classmethod
    def of(cls, configured_name: str, stage: str) -> "StackNames":
        """By the name in `authorizer.toml`. A stage has no hyphen: no other two make the same."""
        name = f"{plain(configured_name, '-', _LONGEST_NAME)}-{stage}"
        return cls(f"IotAuthorizer-{name}", f"IotAuthorizerDomain-{name}")
