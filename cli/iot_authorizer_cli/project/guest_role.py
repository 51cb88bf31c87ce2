"""The policy of the role that identities of the pool have on this machine, made from the project's template."""

from typing import NamedTuple

from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_policies import InvalidTopics, PolicyError
from iot_policies.account_region import AccountRegion
from iot_policies.cognito_role import compile_cognito_role


class GuestRole(NamedTuple):
    """The role's policy, or why there is none."""

    policy: str | None
    """An IAM policy; None if the template has none for guests."""
    problem: str = ""


def guest_role(configured: ProjectConfiguration, place: AccountRegion) -> GuestRole:
    """Compiles the role's policy, as `render --as cognito-role` does."""
    if configured.template is None:
        return GuestRole(None, "grants come from code: the role of guests needs a policy template")
    try:
        return GuestRole(compile_cognito_role(configured.template, place))
    except (InvalidTopics, PolicyError) as error:
        return GuestRole(None, f"{configured.policy_path} has no role for guests: {error}")
