"""Access keys of this machine's account, and the principals that own them.

- The account's owner has one key pair. It is made once and kept in the data folder, readable only by its owner.
- All other keys are temporary. They have a session token, which holds all that is known about them (`temporary_keys`).
- A principal's permissions are in layers, such as the policy of a role and a session policy. It may do only what each
  layer allows (IAM user guide, "Session policies").
"""

import json
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from iot_core.whole_file import require_private, write_whole
from iot_policies import InvalidFile
from iot_policies.account_region import AccountRegion
from iot_policies.connection import Connection
from iot_policies.documents import ParsedStatement, parse_document
from iot_policies.evaluator import Evaluator

OWNER = "owner"
"""The name of the account's owner in the feed."""
_FILE, _NAMES = "owner-credentials.json", ("AccessKeyId", "SecretAccessKey")
_ADVICE = "not an access key: remove the file, and a new key is made"
_EVERYTHING = parse_document(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
_ID_LETTERS = string.ascii_uppercase + "234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"


class LayeredEvaluator:
    """Decides by several sets of policy documents: each of them must allow an action."""

    def __init__(self, layers: Iterable[Evaluator]) -> None:
        self._layers = tuple(layers)
        self.doubts = tuple(doubt for layer in self._layers for doubt in layer.doubts)
        """Conditions and resources that could not be decided, each with its place."""

    def allows(self, action: str, resource: str) -> bool:
        """Whether an action is allowed on an ARN."""
        return bool(self._layers) and all(layer.allows(action, resource) for layer in self._layers)


@dataclass(frozen=True, slots=True)
class IamPrincipal:
    """The principal of a signed request."""

    name: str
    """The principal's name in the feed."""
    user_id: str
    """IAM's ID: `AIDA…` of a user, `AROA…:SESSION` of a role's session."""
    principal_id: str
    """In presence events."""
    arn: str
    layers: tuple[tuple[tuple[ParsedStatement, ...], ...], ...]
    """Sets of policy documents. Without any, nothing is allowed."""
    is_session: bool = False
    """Whether it is the session of a role."""

    def evaluator(self, connection: Connection) -> LayeredEvaluator:
        """The policy for a connection."""
        return LayeredEvaluator([Evaluator(documents, connection) for documents in self.layers])


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key with its secret."""

    key_id: str
    secret: str = field(repr=False)
    principal: IamPrincipal
    session_token: str | None = field(default=None, repr=False)
    """Of a temporary key; None for a long-term one."""
    expires_at: float | None = None
    """In seconds since 1970; None for a long-term key."""


class AccessKeys:
    """All access keys of the account."""

    def __init__(self, owner: AccessKey, open_token: Callable[[str], AccessKey | None]) -> None:
        """`open_token` gives the temporary key of a session token; None if this machine did not issue it."""
        self.owner = owner
        """The key of the account's owner."""
        self.open_token = open_token


def owner_key(folder: Path, place: AccountRegion) -> AccessKey:
    """The owner's key in a data folder; made if it is missing. Raises InvalidFile, OSError."""
    path = folder / _FILE
    if not path.exists():
        made = dict(zip(_NAMES, new_key_pair("AKIA"), strict=True))
        write_whole(path, f"{json.dumps(made)}\n".encode(), mode=0o600)
    require_private(path)
    key_id, secret = _read(path)
    return AccessKey(key_id, secret, owner_principal(key_id, place))


def owner_principal(key_id: str, place: AccountRegion) -> IamPrincipal:
    """The account's owner, who may do everything, by the ID of an access key."""
    # unmeasured: the principal ID of an IAM user is ACCOUNT/AIDA… in presence events (assumed from the form of a role's
    # session, ACCOUNT/AROA…:SESSION/AROA…:SESSION, and from `principal()` of rules, which is the user's ID).
    user_id = f"AIDA{key_id[4:]}"
    arn = f"arn:{place.partition}:iam::{place.account}:user/{OWNER}"
    return IamPrincipal(OWNER, user_id, f"{place.account}/{user_id}", arn, ((_EVERYTHING,),))


def new_key_pair(prefix: str) -> tuple[str, str]:
    """A new key ID that begins with `AKIA` or `ASIA`, and its secret."""
    return _random(prefix, 16, _ID_LETTERS), _random("", 40, _SECRET_LETTERS)


def _random(prefix: str, length: int, letters: str) -> str:
    return prefix + "".join(secrets.choice(letters) for _ in range(length))


def _read(path: Path) -> tuple[str, str]:
    """Reads a key ID and its secret. Raises InvalidFile."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    values = [found.get(name) if isinstance(found, dict) else None for name in _NAMES]
    key_id, secret = (value if isinstance(value, str) and value.isascii() else "" for value in values)
    if not (key_id.isalnum() and secret.isprintable() and secret):
        raise InvalidFile(path, None, "", _ADVICE)
    return key_id, secret
