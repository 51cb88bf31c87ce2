"""One account for all tests of this package, and the projects that are deployed into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.authorizer.tokens import mint
from tests.cdk.configurations import append
from tests.cloud.cloud import ACCOUNT, REGION, Cloud, running_cloud
from tests.cloud.credentials import query
from tests.cloud.deployed_function import DeployedFunctions
from tests.cloud.project import Project

BEFORE = "before"
"""The account's default authorizer, before anything is deployed."""
RULES_CODE = """\
import json
import os


def on_message(event, context):
    if event["topic"] == "rooms/fails":
        raise RuntimeError("no")
    print(json.dumps({"event": event, "files": os.listdir(os.environ["LAMBDA_TASK_ROOT"])}))
"""
"""A function for messages, which logs its event and the names of the files beside it."""
_CONFIGURATION = f"""\
name = "{BEFORE}"
policy = "policy.toml"

[anonymous]
principal = "guest"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allows more time, because the first test of each deployment waits for it."""
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
    """The bootstrapped account, whose IoT Core invokes the deployed functions."""
    with running_cloud(folder, core.url) as cloud, pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.iot_core.invoker, "_invoke", DeployedFunctions(core, cloud.client("lambda")).invoke)
        cloud.client("iot").set_default_authorizer(authorizerName=BEFORE)
        cloud.cdk(folder, "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        yield cloud


@pytest.fixture(scope="package")
def plain(cloud: Cloud, folder: Path) -> Project:
    """A project that was deployed once."""
    project = Project.written(folder, "plain", publish="rooms/plain", memory_size=256)
    project.add_rule("on_say", "rooms/+", RULES_CODE)
    project.deploy(cloud)
    return project


@pytest.fixture(scope="package")
def updated(cloud: Cloud, folder: Path) -> Project:
    """A project with an identity table and the credentials endpoint: deployed, used, changed and deployed again."""
    settings = {"identity_table": True, "provisioned_concurrency": 1}
    first = {"memory_size": 256, "caching_for_http": False, "status": "ACTIVE"}
    project = Project.written(folder, "updated", publish="rooms/before", **first, **settings)
    append(project.folder / "authorizer.toml", "[credentials]")
    project.deploy(cloud)
    cloud.ask(project.authorizer, httpContext=query(mint()))  # Now an environment of the first version is warm.
    project.change(publish="rooms/after", memory_size=384, caching_for_http=True, **settings)
    project.deploy(cloud)
    return project
