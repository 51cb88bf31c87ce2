"""The roles of this machine's account, and the principals of their sessions.

1. Clients have the role `iot-authorizer-client`. Its policy allows the data plane, for every client ID and topic of
   this account. STS gives it to the account's owner, with a session policy that limits one client.
2. Identities of the identity pool have the role `iot-authorizer-guest` or `iot-authorizer-user`. Only the pool gives
   these. Their policy comes from the template, so they exist only if there is one.
3. A session may do what its role's policy and its session policy both allow (IAM user guide, "Session policies"). The
   role's policy is the one of now, as in AWS.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from iot_core.iam.access_keys import Documents, IamPrincipal
from iot_policies.account_region import AccountRegion
from iot_policies.documents import ParsedStatement
from iot_policies.iam import Caller, parse_iam_document

CLIENT_ROLE = "iot-authorizer-client"
GUEST_ROLE = "iot-authorizer-guest"
USER_ROLE = "iot-authorizer-user"
_DATA_PLANE = {
    "client": ["iot:Connect", "iot:SendDirectMessage"],
    "topic": ["iot:Publish", "iot:RetainPublish", "iot:Receive", "iot:GetRetainedMessage"],
    "topicfilter": ["iot:Subscribe"],
}
"""What clients do, by the kind of the resource."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the account."""

    name: str
    policy: tuple[ParsedStatement, ...]
    trusts_account: bool = True
    """Whether principals of the account may assume it. If not, only the identity pool gives it."""


@dataclass(frozen=True, slots=True)
class RoleSession:
    """A session of a role: what a session token holds."""

    role: str
    """The role's name."""
    name: str
    """The session's name."""
    issued_at: int
    """In seconds since 1970, as is its end."""
    expires_at: int
    policy: str | None = None
    """The session policy; None for no further limit."""
    identity: str | None = None
    """The ID of an identity of the pool; None if STS gave the role."""
    provider: str | None = None
    """The provider of the identity's login; None for a guest."""


class Roles:
    """The account's roles."""

    def __init__(self, place: AccountRegion, pool_id: str, clock: Callable[[], float]) -> None:
        """`pool_id` is the identity pool's; `clock` gives seconds since 1970."""
        self._place = place
        self._pool_id = pool_id
        self._clock = clock
        self._prefix = f"arn:{place.partition}:iam::{place.account}:role/"
        self._roles: dict[str, Role] = {}
        self.put(Role(CLIENT_ROLE, parse_iam_document(_data_plane(place))))

    def put(self, role: Role) -> None:
        """Adds a role, or replaces one."""
        self._roles[role.name] = role

    def remove(self, name: str) -> None:
        """Removes a role, if it exists. Its sessions may do nothing from then on."""
        self._roles.pop(name, None)

    def find(self, name: str) -> Role | None:
        """The role with a name."""
        return self._roles.get(name)

    def with_arn(self, arn: str) -> Role | None:
        """The role with an ARN."""
        return self.find(arn.removeprefix(self._prefix)) if arn.startswith(self._prefix) else None

    def arn(self, name: str) -> str:
        """The ARN of a role."""
        return f"{self._prefix}{name}"

    def principal(self, session: RoleSession) -> IamPrincipal:
        """The principal of a session. Raises InvalidDocument for an invalid session policy."""
        user_id = f"{self._role_id(session.role)}:{session.name}"
        place = self._place
        return IamPrincipal(
            name=session.identity or f"{session.role}/{session.name}",
            principal_id=f"{place.account}/{user_id}/{user_id}",
            arn=f"arn:{place.partition}:sts::{place.account}:assumed-role/{session.role}/{session.name}",
            caller=self._caller(session, user_id),
            policies=partial(self._policies, session.role),
            session_policies=((parse_iam_document(session.policy),),) if session.policy is not None else (),
            clock=self._clock,
        )

    def _policies(self, name: str) -> Documents:
        role = self.find(name)
        return (role.policy,) if role else ()

    def _caller(self, session: RoleSession, user_id: str) -> Caller:
        arn, account = self.arn(session.role), self._place.account
        if session.identity is None:
            return Caller(user_id, account, arn, issued_at=session.issued_at)
        login = ("authenticated", session.provider) if session.provider else ("unauthenticated",)
        return Caller(
            user_id,
            account,
            arn,
            issued_at=session.issued_at,
            identity_id=session.identity,
            identity_pool_id=self._pool_id,
            login=login,
        )

    def _role_id(self, name: str) -> str:
        digest = hashlib.sha256(f"{self._place.account}/{name}".encode()).digest()
        return f"AROA{base64.b32encode(digest).decode()[:17]}"


def _data_plane(place: AccountRegion) -> Mapping[str, object]:
    prefix = place.arn_prefix("iot")
    statements = [_allow(actions, f"{prefix}{kind}/*") for kind, actions in _DATA_PLANE.items()]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: Iterable[str], resource: str) -> Mapping[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
