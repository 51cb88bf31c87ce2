"""One account for all tests, and what is deployed into it. It ends with the last of them, and its threads with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.authorizer.tokens import mint
from tests.cloud.cloud import ACCOUNT, REGION, Cloud, running_cloud
from tests.cloud.credentials import query
from tests.cloud.deployed_function import DeployedFunctions
from tests.cloud.project import Project

BEFORE = "before"
"""The account's default authorizer, before anything is deployed."""
_CONFIGURATION = f"""\
name = "{BEFORE}"
policy = "policy.toml"

[anonymous]
principal = "anybody"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of each deployment waits for it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="package")
def core(folder: Path) -> Iterator[LocalIotCore]:
    """The account's IoT Core."""
    own = folder / "iot-core"
    own.mkdir()
    (own / "authorizer.toml").write_text(_CONFIGURATION)
    (own / "policy.toml").write_text('[[grant]]\nname = "all"\nconnect = ["{principal}"]\n')
    with LocalIotCore(own / "authorizer.toml", region=REGION, account=ACCOUNT) as core:
        yield core


@pytest.fixture(scope="package")
def cloud(core: LocalIotCore, folder: Path) -> Iterator[Cloud]:
    """The account, bootstrapped; its IoT Core calls what is deployed."""
    with running_cloud(folder, core.url) as cloud, pytest.MonkeyPatch.context() as patch:
        client = _lambda_client(cloud)
        patch.setattr(core.iot_core.invoker, "_invoke", DeployedFunctions(core, client).invoke)
        cloud.aws("iot", "set-default-authorizer", "--authorizer-name", BEFORE)
        cloud.cdk(folder, "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        yield cloud
        client.close()


def _lambda_client(cloud: Cloud) -> Any:  # noqa: ANN401
    session = boto3.Session(ACCOUNT, "secret", region_name=REGION)
    return cast("Callable[..., Any]", session.client)("lambda", endpoint_url=cloud.environment["AWS_ENDPOINT_URL"])


@pytest.fixture(scope="package")
def plain(cloud: Cloud, folder: Path) -> Project:
    """Deployed once, without an alias."""
    project = Project.written(folder, "plain", publish="rooms/plain", memory_size=256)
    project.deploy(cloud)
    return project


@pytest.fixture(scope="package")
def updated(cloud: Cloud, folder: Path) -> Project:
    """Deployed, used, changed and deployed again; with an alias and a table of identities."""
    settings = {"identity_table": True, "provisioned_concurrency": 1}
    project = Project.written(folder, "updated", publish="rooms/before", memory_size=256, **settings)
    project.deploy(cloud)
    cloud.ask(project.authorizer, http_context=query(mint()))  # An environment of the first version is warm by now.
    project.change(publish="rooms/after", memory_size=384, **settings)
    project.deploy(cloud)
    return project
