"""The table of identities that a command uses, and what to do about errors of the table."""

from dataclasses import dataclass

import typer

from iot_authorizer_cli.options import DataFolder, TableName
from iot_authorizer_cli.project.development_issuer import DATA, make_folder, table_path
from iot_identities.backends import open_table
from iot_identities.table import Table, TableUnavailable

_NO_REGION = "set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE"
_NO_CREDENTIALS = "check the credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_NOT_THERE = "check the table's name, and the region: AWS_DEFAULT_REGION"
_ADVICE = {
    "AccessDeniedException": "these credentials lack the permission for this action on the table",
    "CredentialRetrievalError": _NO_CREDENTIALS,
    "ExpiredTokenException": "the credentials have expired",
    "NoCredentialsError": _NO_CREDENTIALS,
    "NoRegionError": _NO_REGION,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ProfileNotFound": "the profile does not exist: check AWS_PROFILE",
    "ResourceNotFoundException": _NOT_THERE,
    "UnrecognizedClientException": _NO_CREDENTIALS,
}
_ANYTHING = "check the table's name, the region and the credentials"


@dataclass(frozen=True)
class TableOptions:
    """The options that choose a table: DynamoDB's by its name, or else the development table of a data folder."""

    table: TableName = None
    data: DataFolder = DATA

    def open(self, *, make: bool = False) -> Table:
        """Opens the table. If `make` is true, a missing development table is made.

        Region and credentials of AWS come from the environment. Raises TableUnavailable and OSError, and a usage error
        if boto3 or the development table is missing.
        """
        if self.table is None:
            path = table_path(self.data)
            if not make and not path.exists():
                raise typer.BadParameter(
                    f"{self.data} has no table yet: add a user first, or give another folder", param_hint="--data"
                )
            return open_table(make_folder(self.data) / path.name)
        try:
            return open_table(self.table)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in ("boto3", "botocore"):
                raise
            problem = f"{missing} is not installed: install this package with its extra `aws`, or boto3"
            raise typer.BadParameter(problem, param_hint="--table") from None


def problem_of(error: TableUnavailable) -> str:
    """What went wrong with a table and what to check, in one line."""
    text = str(error)
    if not text.isidentifier():
        return text
    return f"DynamoDB: {text}: {_ADVICE.get(text, _ANYTHING)}"
