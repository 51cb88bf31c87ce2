"""The requests of one decision to DynamoDB begin within 1.5 seconds, so that IoT Core gets its answer in 5."""

from collections.abc import Callable, Iterator

import pytest

from iot_authorizer import Credentials, CredentialSource, Reason, Refusal, VerifiedPrincipal
from iot_authorizer.stored_identities import Lookups, StoredIdentities
from iot_authorizer.table_passwords import TablePasswords
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.guessing import GuessingLimits
from iot_identities.table import Table
from iot_policies import Principal
from tests.identities.fake_dynamodb import FakeDynamoDb, answer, fake_dynamodb
from tests.local_aws import made_up_credentials


class Slow:
    """A timer by which a second passes whenever a request could begin."""

    seconds = 0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDynamoDb]:
    made_up_credentials(monkeypatch)
    with fake_dynamodb() as server:
        yield server


def with_password(table: Table) -> object:
    credentials = Credentials(CredentialSource.PASSWORD, user_name="ann", password=b"guess", client_id="ann/x")
    return TablePasswords(table, GuessingLimits()).verify(credentials)


def with_token(table: Table) -> object:
    return StoredIdentities(table, Lookups()).check(VerifiedPrincipal(Principal("ann", {}), "issuer"))


NOTHING: dict[str, object] = {"Responses": {"chat": []}}
LEFT_OVER = {**NOTHING, "UnprocessedKeys": {"chat": {"Keys": [{"id": {"S": "a"}}]}}}


@pytest.mark.parametrize(
    ("decide", "first"),
    [
        pytest.param(with_password, NOTHING, id="a password, read and then counted"),
        pytest.param(with_password, LEFT_OVER, id="a password, read twice"),
        pytest.param(with_token, LEFT_OVER, id="a token, read twice"),
    ],
)
def test_a_decision_that_would_take_too_long_is_a_refusal_with_a_reason(
    server: FakeDynamoDb, decide: Callable[[Table], object], first: object
) -> None:
    server.answers = [answer(first)]
    with pytest.raises(Refusal, match=Reason.TABLE_UNAVAILABLE) as refused:
        decide(DynamoDbTable("chat", endpoint_url=server.url, timer=Slow()))
    assert (refused.value.detail, len(server.asked)) == ("no time left for another request", 1)
