"""The operations on authorizers, and DescribeEndpoint, with boto3."""

from typing import Any

import pytest

from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.core import ARN, FUNCTION_ARN
from tests.local.api.server import Service
from tests.local.harness.signing_keys import Keys


def create(iot: Boto, name: str, **members: object) -> dict[str, Any]:
    known = {"authorizerFunctionArn": FUNCTION_ARN, "signingDisabled": True}
    return iot("create_authorizer", authorizerName=name, **{**known, **members})


def describe(iot: Boto, name: str) -> dict[str, Any]:
    found: dict[str, Any] = iot("describe_authorizer", authorizerName=name)["authorizerDescription"]
    return found


def test_an_authorizer_is_described_as_it_was_created(iot: Boto, keys: Keys) -> None:
    members = {
        "authorizerFunctionArn": FUNCTION_ARN,
        "tokenKeyName": "token",
        "tokenSigningPublicKeys": {"k1": keys[0].pem},
        "status": "ACTIVE",
        "signingDisabled": False,
        "enableCachingForHttp": True,
    }
    made = iot("create_authorizer", authorizerName="a=b,c@d", **members, tags=[{"Key": "team", "Value": "x"}])
    assert (made["authorizerName"], made["authorizerArn"]) == ("a=b,c@d", f"{ARN}authorizer/a=b,c@d")
    found = describe(iot, "a=b,c@d")
    assert {name: found[name] for name in members} == members


def test_dates_are_seconds_since_1970(iot: Boto, service: Service) -> None:
    create(iot, "a")
    service.core.clock.now += 60
    iot("update_authorizer", authorizerName="a", status="ACTIVE")
    found = describe(iot, "a")
    dates = [found[name].timestamp() for name in ("creationDate", "lastModifiedDate")]
    assert dates == [1_000_000, 1_000_060]


def test_an_update_changes_only_what_it_names_and_never_signing(send: Send, iot: Boto) -> None:
    create(iot, "a", tokenKeyName="token")
    send("PUT", "/authorizer/a", '{"enableCachingForHttp": true, "signingDisabled": false}')
    found = describe(iot, "a")
    names = ("enableCachingForHttp", "tokenKeyName", "status", "signingDisabled")
    assert [found[name] for name in names] == [True, "token", "INACTIVE", True]


def test_an_inactive_authorizer_is_deleted(iot: Boto) -> None:
    create(iot, "a", status="ACTIVE")
    iot("update_authorizer", authorizerName="a", status="INACTIVE")
    iot("delete_authorizer", authorizerName="a")
    with refused("ResourceNotFoundException", 404):
        describe(iot, "a")


def test_a_name_that_exists_is_a_conflict_with_the_arn(iot: Boto) -> None:
    with refused("ResourceAlreadyExistsException", 409) as refusal:
        create(iot, "chat")
    assert refusal.answer["resourceArn"] == f"{ARN}authorizer/chat"


def test_deleting_an_active_authorizer_is_an_invalid_request(iot: Boto) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        iot("delete_authorizer", authorizerName="chat")
    assert "Update status to INACTIVE and delete." in refusal.message


def test_deleting_the_default_authorizer_is_a_conflict(iot: Boto) -> None:
    iot("update_authorizer", authorizerName="chat", status="INACTIVE")
    with refused("DeleteConflictException", 409):
        iot("delete_authorizer", authorizerName="chat")


@pytest.mark.parametrize("operation", ["describe_authorizer", "update_authorizer", "delete_authorizer"])
def test_an_unknown_authorizer_is_not_found(iot: Boto, operation: str) -> None:
    with refused("ResourceNotFoundException", 404) as refusal:
        iot(operation, authorizerName="nobody")
    assert refusal.message == "Authorizer nobody not found"


@pytest.mark.parametrize("operation", ["describe_authorizer", "update_authorizer", "delete_authorizer"])
def test_a_wrong_name_is_an_invalid_request(iot: Boto, operation: str) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        iot(operation, authorizerName="a/b c")
    assert "'authorizerName'" in refusal.message


def test_a_wrong_name_is_not_tested(send: Send) -> None:
    assert send("POST", "/authorizer/a%20b/test", "{}").error == (400, "InvalidRequestException")


def test_a_wrong_key_is_an_invalid_request(iot: Boto) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        create(iot, "a", signingDisabled=False, tokenKeyName="token", tokenSigningPublicKeys={"k1": "no key"})
    assert refusal.message == "Authorizer a public key for key name k1 not a valid RSA key"


@pytest.fixture
def six(iot: Boto, service: Service) -> list[str]:
    """Six authorizers, oldest first."""
    names = ["chat", "e", "d", "c", "b", "a"]
    for name in names[1:]:
        service.core.clock.now += 1
        create(iot, name, status="ACTIVE" if name in "bd" else "INACTIVE")
    return names


def listed(iot: Boto, **parameters: object) -> list[str]:
    pages = iot.pages("list_authorizers", **parameters)
    return [one["authorizerName"] for page in pages for one in page["authorizers"]]


@pytest.mark.parametrize("size", [None, 1, 4])
@pytest.mark.parametrize("ascending", [True, False])
def test_authorizers_are_listed_newest_first_or_ascending(
    iot: Boto, six: list[str], size: int | None, ascending: bool
) -> None:
    pages = {"PaginationConfig": {"PageSize": size}} if size else {}
    assert listed(iot, ascendingOrder=ascending, **pages) == (six if ascending else six[::-1])
    assert listed(iot, ascendingOrder=not ascending, status="ACTIVE", **pages) == (
        ["b", "d", "chat"] if ascending else ["chat", "d", "b"]
    )


WRONG_LISTS = [
    "pageSize=0",
    "pageSize=251",
    "pageSize=x",
    "marker=%21",
    "marker=/w==",
    "status=BUSY",
    "isAscendingOrder=1",
]


@pytest.mark.parametrize("query", WRONG_LISTS)
def test_a_wrong_list_is_an_invalid_request(send: Send, query: str) -> None:
    answer = send("GET", f"/authorizers/?{query}")
    assert answer.error == (400, "InvalidRequestException")
    assert query.partition("=")[0] in answer.json["message"]


def test_another_authorizer_becomes_the_default(iot: Boto) -> None:
    assert iot("describe_default_authorizer")["authorizerDescription"] == describe(iot, "chat")
    create(iot, "a")
    made = iot("set_default_authorizer", authorizerName="a")
    assert (made["authorizerName"], made["authorizerArn"]) == ("a", f"{ARN}authorizer/a")
    assert iot("describe_default_authorizer")["authorizerDescription"]["authorizerName"] == "a"


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [("chat", "ResourceAlreadyExistsException", 409), ("nobody", "ResourceNotFoundException", 404)],
)
def test_neither_the_default_nor_an_unknown_authorizer_becomes_the_default(
    iot: Boto, name: str, code: str, status: int
) -> None:
    with refused(code, status):
        iot("set_default_authorizer", authorizerName=name)


def test_a_cleared_default_is_not_found(iot: Boto) -> None:
    iot("clear_default_authorizer")
    for operation in ("describe_default_authorizer", "clear_default_authorizer"):
        with refused("ResourceNotFoundException", 404):
            iot(operation)


@pytest.mark.parametrize("members", [{}, {"endpointType": "iot:Data"}, {"endpointType": "iot:Data-ATS"}])
@pytest.mark.parametrize("address", ["localhost:8443", pytest.param("localhost", id="port 443")])
def test_the_data_endpoint_is_the_tls_port(iot: Boto, service: Service, members: dict[str, str], address: str) -> None:
    service.core.endpoint_address = address
    assert iot("describe_endpoint", **members)["endpointAddress"] == address


@pytest.mark.parametrize("endpoint_type", ["iot:Jobs", "iot:CredentialProvider", "data", ""])
def test_another_endpoint_is_an_invalid_request(iot: Boto, endpoint_type: str) -> None:
    with refused("InvalidRequestException", 400) as refusal:
        iot("describe_endpoint", endpointType=endpoint_type)
    assert f"Endpoint type {endpoint_type} not recognized" in refusal.message
