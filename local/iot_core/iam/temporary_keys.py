"""Temporary access keys: each is sealed into its session token, so that nothing is stored.

1. A session token is encrypted and authenticated (AES-GCM) with a key of the data folder. It holds the access key's ID
   and secret, the role, the session policy and the end. AWS's tokens hold as much: that is why they have a size limit.
2. So temporary keys survive a restart, and any process with the same data folder can issue them.
3. A token that was changed, or that another data folder's key sealed, does not open.
"""

import base64
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from iot_core.iam.access_keys import AccessKey, IamPrincipal, new_key_pair
from iot_core.iam.roles import RoleSession
from iot_core.whole_file import require_private, write_once
from iot_policies import InvalidFile

_FILE = "session-token-key"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_PURPOSE = b"iot_core session token 1"
"""Another form of the content needs another number."""


class TemporaryKeys:
    """Issues temporary access keys, and opens their session tokens."""

    def __init__(self, sealing_key: bytes, principal: Callable[[RoleSession], IamPrincipal]) -> None:
        """`principal` gives the principal of a session. It raises InvalidDocument for an invalid session policy."""
        self._cipher = AESGCM(sealing_key)
        self._principal = principal

    def issue(self, session: RoleSession) -> AccessKey:
        """A new key of a session. Raises InvalidDocument if the session policy is invalid."""
        key_id, secret = new_key_pair("ASIA")
        principal = self._principal(session)
        content = zlib.compress(json.dumps([key_id, secret, asdict(session)]).encode())
        nonce = os.urandom(_NONCE_BYTES)
        token = base64.b64encode(nonce + self._cipher.encrypt(nonce, content, _PURPOSE)).decode()
        return AccessKey(key_id, secret, principal, token, session.expires_at)

    def open(self, token: str) -> AccessKey | None:
        """The key of a session token, expired or not; None if it was not sealed here."""
        try:
            sealed = base64.b64decode(token, validate=True)
            if base64.b64encode(sealed).decode() != token:
                return None
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
            key_id, secret, members = json.loads(zlib.decompress(content))
            session = RoleSession(**members)
            principal = self._principal(session)
        # ValueError: also a session policy that was valid once. TypeError: another version of this program sealed it.
        except (TypeError, ValueError, InvalidTag):
            return None
        return AccessKey(key_id, secret, principal, token, session.expires_at)


def sealing_key(folder: Path) -> bytes:
    """The key of a data folder that seals session tokens; made if it is missing. Raises InvalidFile, OSError."""
    path = folder / _FILE
    if not path.exists():
        write_once(path, os.urandom(_KEY_BYTES).hex().encode() + b"\n", mode=0o600)
    require_private(path)
    try:
        key = bytes.fromhex(path.read_bytes().decode())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InvalidFile(path, None, "", "not a key: remove the file, and a new one is made")
    return key
