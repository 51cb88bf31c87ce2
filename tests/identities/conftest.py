"""What the tests of identities share: both tables, with a clock that is set."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from moto.dynamodb.responses import DynamoHandler

from iot_identities import dynamodb_table
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.sqlite_table import SqliteTable
from iot_identities.table import Table
from tests.clock import Clock
from tests.identities.questions import NOW
from tests.local_aws import local_aws, made_up_credentials

OpenTable = Callable[[], Table]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The URL of a local AWS, whose DynamoDB does one thing at a time: moto's own changes are not atomic."""
    lock = Lock()
    call_action = DynamoHandler.call_action

    def one_at_a_time(handler: DynamoHandler) -> object:
        with lock:
            return call_action(handler)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DynamoHandler, "call_action", one_at_a_time)
        with local_aws() as url:
            yield url


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up_credentials(monkeypatch)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for a machine that is busy with other things."""
    patient = dynamodb_table.CLIENT_CONFIG.merge(Config(connect_timeout=60, read_timeout=60))
    monkeypatch.setattr(dynamodb_table, "CLIENT_CONFIG", patient)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def dynamodb_name(aws: str, patient: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table in DynamoDB, as the stack makes it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", aws)
    client = boto3.client("dynamodb")
    name = f"identities-{uuid4().hex}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
    return name


@pytest.fixture(params=["sqlite", "dynamodb"])
def open_table(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> OpenTable:
    """Opens the same table, as often as it is called."""
    if request.param == "sqlite":
        return lambda: SqliteTable(tmp_path / "identities.sqlite", clock)
    name = request.getfixturevalue("dynamodb_name")
    return lambda: DynamoDbTable(name, clock=clock)


@pytest.fixture
def table(open_table: OpenTable) -> Table:
    return open_table()


@pytest.fixture
def place(request: pytest.FixtureRequest, table: Table, tmp_path: Path) -> tuple[str, str]:
    """The kind of the table, and what another process opens it by."""
    if isinstance(table, SqliteTable):
        return "sqlite", str(tmp_path / "identities.sqlite")
    return "dynamodb", request.getfixturevalue("dynamodb_name")
