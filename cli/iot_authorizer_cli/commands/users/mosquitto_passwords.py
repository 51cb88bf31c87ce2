"""Reads users from a password file of mosquitto, as `mosquitto_passwd` writes it. A problem never quotes a line.

1. A line is `NAME:HASH`. Empty lines, and lines that begin with `#`, are skipped.
2. `$7$ITERATIONS$SALT$DIGEST` is PBKDF2 with SHA-512, the default of mosquitto 2.0. `$6$SALT$DIGEST` is SHA-512 of the
   password and the salt, as before. `$argon2id$…` is the default of mosquitto 2.1.
3. Of the first two, argon2id hashes the digest: the weaker hash is stored nowhere. An argon2id hash is stored as it is.

Source: `pwfile__parse` and `unpwd__decode_passwords` in src/security_default.c of mosquitto 2.0.11, and
libcommon/password_common.c of 2.1.2.
"""

import binascii
import codecs
from base64 import b64decode

from iot_authorizer.user_claims import check_user_name
from iot_authorizer_cli.bad_lines import BadLine
from iot_authorizer_cli.commands.users.csv_file import Row, read_rows
from iot_identities.passwords import PasswordDigest, check_hash, check_iterations
from iot_identities.user import StoredPassword, User

_COLUMNS = frozenset(("name", "hash"))
_WHITESPACE = " \t\r\v\f"
"""What mosquitto removes at both ends of names and hashes. Other spaces are part of a name, and make it invalid."""
_DIGEST_BYTES = 64
_SALT_BYTES = range(8, 65)
_EXPECTED = (
    "expected a hash that begins with $7$, $6$ or $argon2id$; of a file with plain passwords, "
    "mosquitto_passwd -U makes one with hashes"
)


def read_mosquitto_users(content: bytes, now: int) -> tuple[list[Row], list[BadLine]]:
    """The users of a password file, created `now` (seconds since 1970), and the wrong lines."""
    lines = enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1)
    users = ((number, line) for number, line in lines if line.strip() and not line.startswith(b"#"))
    return read_rows(users, lambda line: _row(line, now))


def _row(line: bytes, now: int) -> Row:
    """Raises ValueError."""
    try:
        name, colon, encoded = line.decode().partition(":")
    except UnicodeDecodeError:
        raise ValueError("not in UTF-8") from None
    if not colon:
        raise ValueError("expected NAME:HASH, found no colon")
    name = check_user_name(name.strip(_WHITESPACE))
    found = _password(encoded.strip(_WHITESPACE))
    passwords = (StoredPassword(found, created_at=now),) if isinstance(found, str) else ()
    user = User(name, passwords, created_at=now, rotated_at=now)
    return Row(user, None if passwords else found, columns=_COLUMNS)


def _password(encoded: str) -> str | PasswordDigest:
    """An argon2id hash, or the digest of another one. Raises ValueError."""
    if encoded.startswith("$argon2id$"):
        return check_hash(encoded)
    match encoded.split("$"):
        case ["", "7", iterations, salt, digest]:
            return _digest(iterations, salt, digest)
        case ["", "6", salt, digest]:
            return _digest(None, salt, digest)
    raise ValueError(_EXPECTED)


def _digest(iterations: str | None, salt: str, digest: str) -> PasswordDigest:
    if iterations is not None and not (iterations.isascii() and iterations.isdecimal() and int(iterations[:9])):
        raise ValueError("expected $7$ITERATIONS$SALT$DIGEST, with a number of iterations above 0")
    try:
        found = PasswordDigest(
            b64decode(digest, validate=True), b64decode(salt, validate=True), int((iterations or "0")[:9])
        )
    except binascii.Error:
        raise ValueError("expected a salt and a digest in base64") from None
    if len(found.salt) not in _SALT_BYTES or len(found.digest) != _DIGEST_BYTES:
        raise ValueError(f"expected a salt of 8 to 64 bytes, and a digest of {_DIGEST_BYTES}")
    check_iterations(found.iterations)
    return found
