"""A deployed function that reads a deployed identity table."""

import time

import pytest

from iot_identities import revocations, user
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.passwords import hash_password
from iot_identities.revocations import Kind, Revocation
from iot_identities.user import StoredPassword, User
from tests.cloud.cloud import ACCOUNT, REGION, Cloud
from tests.cloud.credentials import login
from tests.cloud.project import PASSWORD, USER, Project

REVOKED = "pump-8"


@pytest.fixture(scope="module")
def asked(cloud: Cloud, updated: Project) -> Project:
    """The project with two users in its table; one is revoked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        url = cloud.environment["AWS_ENDPOINT_URL"]
        table = DynamoDbTable(updated.outputs(cloud)["IdentityTable"], endpoint_url=url)
    for name in (USER, REVOKED):
        table.write(user.to_item(User(name, (StoredPassword(hash_password(PASSWORD)),))))
    now = int(time.time())
    table.write(revocations.to_item(Revocation(Kind.PRINCIPAL, now, principal=REVOKED)))
    return updated


def answered(cloud: Cloud, project: Project, credentials: dict[str, str]) -> bool:
    return bool(cloud.ask(project.authorizer, mqttContext=credentials)["isAuthenticated"])


def test_the_right_password_of_a_user_in_the_table_is_accepted(cloud: Cloud, asked: Project) -> None:
    assert answered(cloud, asked, login(PASSWORD))


def test_a_wrong_password_is_refused(cloud: Cloud, asked: Project) -> None:
    assert not answered(cloud, asked, login("battery staple"))


def test_a_revoked_user_is_refused_with_the_reason(cloud: Cloud, asked: Project) -> None:
    assert not answered(cloud, asked, login(PASSWORD) | {"username": REVOKED, "clientId": REVOKED})
    arn = cloud.describe(asked.authorizer)["authorizerFunctionArn"]
    assert "principal_revoked" in {line.get("reason") for line in cloud.log(arn)}
