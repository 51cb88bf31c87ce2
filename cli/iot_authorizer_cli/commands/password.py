"""`iot-authorizer password`: a hash for a password file."""

import typer

from iot_authorizer_cli.prompts import asked_password
from iot_identities.passwords import hash_password


def password() -> None:
    """Print the argon2id hash of a password, as it stands in a password file.

    It asks for the password twice and shows nothing of it. Where standard input is no terminal, the password is what
    stands there, without the line's end.
    """
    typer.echo(hash_password(asked_password()))
