"""Access keys of this machine's account, and the principals that own them.

- The account's owner has one key pair. It is made once and kept in the data folder, readable only by its owner.
- All other keys are temporary: they have a session token and expire. They are only in memory.
"""

import json
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from iot_core.whole_file import require_private, write_once
from iot_policies import InvalidFile
from iot_policies.account_region import AccountRegion
from iot_policies.connection import Connection
from iot_policies.documents import ParsedStatement, parse_document
from iot_policies.evaluator import Evaluator

OWNER = "owner"
"""The name of the account's owner in the feed."""
_FILE = "owner-credentials.json"
_ADVICE = "not an access key: remove the file, and a new key is made"
_EVERYTHING = parse_document(
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
    policies: tuple[tuple[ParsedStatement, ...], ...]

    def evaluator(self, connection: Connection) -> Evaluator:
        """The policy for a connection."""
        return Evaluator(self.policies, connection)


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

    def __init__(self, owner: AccessKey, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self.owner = owner
        """The key of the account's owner."""
        self._clock = clock
        self._temporary: dict[str, AccessKey] = {}

    def find(self, key_id: str) -> AccessKey | None:
        """The key with an ID, expired or not; None if this machine did not issue it."""
        return self.owner if key_id == self.owner.key_id else self._temporary.get(key_id)

    def add(self, key: AccessKey) -> None:
        """Adds a temporary key, and drops those that expired more than a day ago."""
        yesterday = self._clock() - 86_400
        for each in list(self._temporary.values()):
            if each.expires_at is not None and each.expires_at < yesterday:
                del self._temporary[each.key_id]
        self._temporary[key.key_id] = key


def owner_key(folder: Path, place: AccountRegion) -> AccessKey:
    """The owner's key in a data folder; made if it is missing. Raises InvalidFile, OSError."""
    path = folder / _FILE
    if not path.exists():
        made = {"AccessKeyId": _random("AKIA", 16, _ID_LETTERS), "SecretAccessKey": _random("", 40, _SECRET_LETTERS)}
        write_once(path, f"{json.dumps(made)}\n".encode(), mode=0o600)
    require_private(path)
    key_id, secret = _read(path)
    return AccessKey(key_id, secret, owner_principal(key_id, place))


def owner_principal(key_id: str, place: AccountRegion) -> IamPrincipal:
    """The account's owner, who may do everything, by the ID of an access key."""
    # unmeasured: the principal ID of an IAM user is ACCOUNT/AIDA… in presence events (assumed from the form of a role's
    # session, ACCOUNT/AROA…:SESSION/AROA…:SESSION, and from `principal()` of rules, which is the user's ID).
    return IamPrincipal(OWNER, f"{place.account}/AIDA{key_id[4:]}", (_EVERYTHING,))


def _random(prefix: str, length: int, letters: str) -> str:
    return prefix + "".join(secrets.choice(letters) for _ in range(length))


def _read(path: Path) -> tuple[str, str]:
    """Reads a key ID and its secret. Raises InvalidFile."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    values = [found.get(name) if isinstance(found, dict) else None for name in ("AccessKeyId", "SecretAccessKey")]
    key_id, secret = (value if isinstance(value, str) else "" for value in values)
    if not (_KEY_ID.fullmatch(key_id) and _SECRET.fullmatch(secret)):
        raise InvalidFile(path, None, "", _ADVICE)
    return key_id, secret
