"""Access keys of this machine's account, and the principals that own them.

- The account's owner has one key pair. It is made once and kept in the data folder, readable only by its owner.
- All other keys are temporary. They have a session token, which holds all that is known about them (`temporary_keys`).
"""

import json
import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

from iot_core.whole_file import require_private, write_once
from iot_policies import InvalidFile
from iot_policies.account_region import AccountRegion
from iot_policies.connection import Connection
from iot_policies.documents import ParsedStatement
from iot_policies.durations import utc_text
from iot_policies.evaluator import Evaluator
from iot_policies.iam import Caller, SignedConnection, parse_iam_document

Documents = tuple[tuple[ParsedStatement, ...], ...]
"""Policy documents, each with its statements."""

OWNER = "owner"
"""The name of the account's owner in the feed."""
_FILE, _NAMES = "owner-credentials.json", ("AccessKeyId", "SecretAccessKey")
_ADVICE = "not an access key: remove the file, and a new key is made"
_EVERYTHING = parse_iam_document(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
_ID_LETTERS = string.ascii_uppercase + "234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"
_KEY_ID, _SECRET = re.compile(r"[A-Z0-9]+"), re.compile(r"[A-Za-z0-9+/]+")
"""What a shell reads as one word, as it stands."""


@dataclass(frozen=True, slots=True)
class IamPrincipal:
    """The principal of a signed request."""

    name: str
    """The principal's name in the feed."""
    principal_id: str
    """In presence events."""
    arn: str
    """Of the session, if the principal is one."""
    caller: Caller
    policies: Callable[[], Documents] = field(repr=False, compare=False)
    """Gives the policies of now: those of a role can change."""
    session_policies: tuple[Documents, ...] = ()
    """Each must allow a request too."""
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)
    """Gives seconds since 1970."""

    @property
    def is_session(self) -> bool:
        """Whether it is the session of a role."""
        return self.caller.issued_at is not None

    def evaluator(self, connection: Connection) -> Evaluator:
        """The policy for a connection."""
        known = {each.name: getattr(connection, each.name) for each in fields(connection)}
        signed = SignedConnection(**known, caller=self.caller, now=self.clock())
        return Evaluator(self.policies(), signed, within=self.session_policies)


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

    @property
    def expiration(self) -> str | None:
        """When it expires, as AWS writes it; None for a long-term key."""
        return None if self.expires_at is None else utc_text(self.expires_at)


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
        write_once(path, f"{json.dumps(made)}\n".encode(), mode=0o600)
    require_private(path)
    key_id, secret = _read(path)
    return AccessKey(key_id, secret, owner_principal(key_id, place))


def owner_principal(key_id: str, place: AccountRegion) -> IamPrincipal:
    """The account's owner, who may do everything, by the ID of an access key."""
    # unmeasured (checks sigv4-principal, session-principal): the principal ID of an IAM user is ACCOUNT/AIDA… in
    # presence events (assumed from the form of a role's session, ACCOUNT/AROA…:SESSION/AROA…:SESSION, and from
    # `principal()` of rules, which is the user's ID).
    user_id = f"AIDA{key_id[4:]}"
    arn = f"arn:{place.partition}:iam::{place.account}:user/{OWNER}"
    caller = Caller(user_id, place.account, arn, OWNER)
    return IamPrincipal(OWNER, f"{place.account}/{user_id}", arn, caller, lambda: (_EVERYTHING,))


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
    key_id, secret = (value if isinstance(value, str) else "" for value in values)
    if not (_KEY_ID.fullmatch(key_id) and _SECRET.fullmatch(secret)):
        raise InvalidFile(path, None, "", _ADVICE)
    return key_id, secret
