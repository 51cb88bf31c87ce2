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
