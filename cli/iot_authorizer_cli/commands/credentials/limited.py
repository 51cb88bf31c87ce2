"""Temporary credentials for one principal with one client ID, limited by the project's template.

They are those that STS of `dev` would give for the role of clients and the session policy of the template. This command
makes them itself, with the key of the data folder, so `dev` need not run.
"""

import time
from pathlib import Path

import typer

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer.temporary_credentials import session_name
from iot_authorizer_cli.examples.proposal import propose
from iot_authorizer_cli.options import require_config
from iot_authorizer_cli.terminal import tell
from iot_core.iam.access_keys import AccessKey
from iot_core.iam.identity_pool import IdentityPool
from iot_core.iam.roles import CLIENT_ROLE, Roles, RoleSession
from iot_core.iam.temporary_keys import TemporaryKeys, sealing_key
from iot_policies import InvalidFile, PolicyTemplate, Principal
from iot_policies.account_region import AccountRegion
from iot_policies.errors import ClientIdNotGranted, PolicyError
from iot_policies.session_policy import compile_session_policy

_OPTIONS = {"principal": "--principal", "client_id": "--client-id"}
"""The options that values come from; all others come from --claims."""


def limited_key(
    folder: Path, config: Path, principal: Principal, client_id: str | None, place: AccountRegion, seconds: int
) -> AccessKey:
    """Makes a temporary key for a principal, and says on standard error what it is for.

    Without a client ID, it is one that the template allows the principal. Raises a usage error for values that the
    template does not allow, InvalidFile, PolicyError, OSError.
    """
    require_config(config)
    template = _template(config)
    if client_id is None:
        client_id = propose(template, principal).client_ids[0]
    policy = _session_policy(template, principal, client_id, place)
    now = int(time.time())
    session = RoleSession(CLIENT_ROLE, session_name(principal.name), now, now + seconds, policy)
    sealing = sealing_key(folder)
    roles = Roles(place, IdentityPool(place.region, sealing).pool_id, time.time)
    key = TemporaryKeys(sealing, roles.principal).issue(session)
    tell(f"for {principal.name} with the client ID {client_id}, until {key.expiration}")
    return key


def _template(config: Path) -> PolicyTemplate:
    found, _ = load_partial_configuration(config, only=("policy", "topic_prefix"))
    if found.policy is None:
        advice = "credentials for a principal need a policy template; without --principal they are the owner's"
        raise InvalidFile(config, None, "policy", f"not set: {advice}")
    with found.naming("policy"):
        return PolicyTemplate.load(config.parent / found.policy, found.topic_prefix)


def _session_policy(template: PolicyTemplate, principal: Principal, client_id: str, place: AccountRegion) -> str:
    try:
        return compile_session_policy(template, principal, client_id=client_id, place=place).text
    except PolicyError as error:
        if not error.source:
            raise
        advice = f", found {client_id}" if isinstance(error, ClientIdNotGranted) else ""
        raise typer.BadParameter(f"{error}{advice}", param_hint=_OPTIONS.get(error.source, "--claims")) from None
