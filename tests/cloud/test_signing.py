"""A deployed stack whose signing is turned on: another authorizer takes the place of the first one."""

from tests.cloud.cloud import Cloud
from tests.cloud.project import Project


def test_the_authorizer_with_signing_is_active_and_the_previous_one_is_gone(cloud: Cloud, signed: Project) -> None:
    listed = cloud.client("iot").list_authorizers()["authorizers"]
    names = {each["authorizerName"] for each in listed if each["authorizerName"].startswith(signed.authorizer)}
    assert names == {f"{signed.authorizer}-signed"}
    assert cloud.describe(f"{signed.authorizer}-signed")["status"] == "ACTIVE"
