"""The backends of the table of identities, and how one is chosen.

A backend is a class that does what `iot_identities.table.Table` says. It is imported when it is first opened, because
botocore takes longer to load than everything else.
"""

from pathlib import Path

from iot_identities.table import Table


def open_table(place: Path | str) -> Table:
    """Opens a table: a path is a file of SQLite, a text is the name or the ARN of a table in DynamoDB.

    Raises ModuleNotFoundError if botocore is needed and not installed.
    """
    if isinstance(place, Path):
        from iot_identities.sqlite_table import SqliteTable

        return SqliteTable(place)
    from iot_identities.dynamodb_table import DynamoDbTable

    return DynamoDbTable(place)


def open_named(place: Path | str) -> Table:
    """Opens the table of a service: as `open_table`, but a text with a slash that is not an ARN is a file, too.

    A name in DynamoDB has no slash. So a variable can name a table in AWS and a file during development. Raises
    FileNotFoundError if the folder of the file does not exist.
    """
    if isinstance(place, str) and (place.startswith("arn:") or "/" not in place):
        return open_table(place)
    path = Path(place)
    if not path.parent.is_dir():
        advice = "start iot-authorizer dev in the folder of your project, which makes its data folder"
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}: {advice}")
    return open_table(path)
