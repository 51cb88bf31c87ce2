"""`iot-authorizer password`: a hash for a password file."""

import typer

from iot_authorizer_cli.terminal import read_password
from iot_identities.passwords import hash_password


def password() -> None:
    """Print the hash of a password, for a password file.

    Asks for the password twice and does not show it. Without a terminal, reads it from standard input, without the
    line end. The hash is argon2id.
    """
    typer.echo(hash_password(read_password()))
