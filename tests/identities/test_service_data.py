"""The loader of botocore's data finds what botocore's own loader finds."""

import json
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.service_data import QuickLoader
from iot_identities.table import TableUnavailable


@pytest.fixture(scope="module")
def botocores() -> Loader:
    return Loader()


@pytest.fixture(scope="module")
def loader(botocores: Loader) -> QuickLoader:
    return QuickLoader(botocores.search_paths)


@pytest.mark.parametrize("service", ["dynamodb", "sts", "sso-oidc"])
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_the_data_of_a_service_is_that_of_botocores_own_loader(
    loader: QuickLoader, botocores: Loader, service: str, kind: str
) -> None:
    assert loader.load_service_model(service, kind) == botocores.load_service_model(service, kind)


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry", "sdk-default-configuration"])
def test_the_data_of_no_service_is_that_of_botocores_own_loader_and_from_the_same_file(
    loader: QuickLoader, botocores: Loader, name: str
) -> None:
    assert loader.load_data_with_path(name) == botocores.load_data_with_path(name)


def test_data_keeps_its_order(loader: QuickLoader, botocores: Loader) -> None:
    found, expected = (each.load_service_model("dynamodb", "service-2") for each in (loader, botocores))
    assert json.dumps(found) == json.dumps(expected)


def test_all_services_of_botocores_own_loader_are_available(loader: QuickLoader, botocores: Loader) -> None:
    assert {*botocores.list_available_services("service-2")} <= {*loader.list_available_services("service-2")}


@pytest.mark.parametrize(("service", "kind"), [("no-such-service", "service-2"), ("dynamodb", "no-such-data-1")])
def test_a_service_that_botocores_own_loader_does_not_know_is_unknown(
    loader: QuickLoader, botocores: Loader, service: str, kind: str
) -> None:
    for each in (loader, botocores):
        with pytest.raises(UnknownServiceError):
            each.load_service_model(service, kind)


def test_a_service_without_data_of_a_type_is_unknown_for_it(tmp_path: Path) -> None:
    with pytest.raises(UnknownServiceError):
        QuickLoader([str(tmp_path)]).load_service_model("dynamodb", "service-2")


def test_files_in_aws_data_path_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dynamodb" / "2012-08-10").mkdir(parents=True)
    (tmp_path / "dynamodb" / "2012-08-10" / "service-2.json").write_text("not JSON")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(TableUnavailable, match="Expecting"):
        DynamoDbTable("chat")


def test_other_clients_of_the_process_keep_botocores_own_loader() -> None:
    DynamoDbTable("chat")
    assert "sqs" in botocore.session.Session().get_available_services()


_PROFILE = """
[default]
region = eu-west-1
[profile of-a-role]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/operator
credential_source = Environment
"""


@pytest.mark.slow
def test_a_profile_that_assumes_a_role_is_used(
    aws: str, dynamodb_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(_PROFILE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws)
    monkeypatch.setenv("AWS_PROFILE", "of-a-role")
    assert DynamoDbTable(dynamodb_name).read(["user#ann"]) == {}
