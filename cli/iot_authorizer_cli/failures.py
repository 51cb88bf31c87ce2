"""What the command line says about errors. It imports all that can fail, so `app` loads it only after a failure."""

from iot_authorizer_cdk.package.uv import UvError
from iot_authorizer_cdk.properties import InvalidSettings
from iot_authorizer_cli.project.identity_table import problem_of
from iot_authorizer_cli.project.key_ring import KeyRefused
from iot_core.functions.lambda_function import BrokenHandler
from iot_identities.table import TableUnavailable
from iot_policies import InvalidFile, PolicyError


def message_of(error: Exception) -> str | None:
    """The message for an error that a user can mend; None for any other, which is a bug."""
    match error:
        case BrokenHandler(__cause__=TableUnavailable() as cause):
            return problem_of(cause)
        case TableUnavailable():
            return problem_of(error)
        case BrokenHandler() | InvalidFile() | InvalidSettings() | PolicyError() | KeyRefused() | UvError():
            return str(error)
        case UnicodeEncodeError():
            return f"standard output's encoding, {error.encoding}, cannot represent this: set PYTHONIOENCODING=utf-8"
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    return None
