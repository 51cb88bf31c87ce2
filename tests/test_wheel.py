"""The built wheel works in a project of a user's, whose own packages have the names of our folders."""

import os
import re
import signal
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from iot_authorizer_cdk.package.lambda_directory import build, directory_hash
from tests import ROOT, UV
from tests.cdk.configurations import POLICY

pytestmark = pytest.mark.slow

THEIRS = ("authorizer", "policies", "identities", "local", "cdk")
CONFIGURATION = """\
name           = "chat"
policy         = "policy.toml"
token_key_name = "token"

[anonymous]
principal = "guest"
"""
SUITE = """\
import urllib.request

import authorizer, cdk, identities, local, policies


def test_our_own_packages_are_ours():
    assert {each.THEIRS for each in (authorizer, cdk, identities, local, policies)} == {True}


def test_a_client_publishes(local_iot_core):
    headers = {"x-amz-customauthorizer-name": "chat", "token": local_iot_core.token("ann")}
    request = urllib.request.Request(f"{local_iot_core.url}/topics/users/ann/outbox", b"hello", headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
"""
APP = """\
import authorizer, cdk
from aws_cdk import App, Stack

from iot_authorizer_cdk import AuthorizerProps, IotCustomAuthorizer

app = App(outdir="cdk.out")
stack = Stack(app, "Theirs")
IotCustomAuthorizer(stack, "Authorizer", config="authorizer.toml", props=AuthorizerProps(memory_size=1024))
app.synth()
print(authorizer.THEIRS and cdk.THEIRS)
"""
HANDLER = """\
from pathlib import Path

import policies

from iot_authorizer.handler import lambda_handler

Path(__file__).with_name("loaded.txt").write_text(str(policies.THEIRS))
"""
RULES = """\
import iniconfig, policies

from iot_authorizer import Authorizer, Grant, LambdaHandler, Principal


def verify(credentials):
    return Principal(iniconfig.__name__, {"theirs": policies.THEIRS})


lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=lambda principal: Grant(connect=["{principal}"])))
"""
ASK = """\
import sys
sys.path[:] = [entry for entry in sys.path if "site-packages" not in entry]
sys.path.insert(0, "build/lambda")
from my_rules import lambda_handler
class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
print(lambda_handler({"protocolData": {"mqtt": {"clientId": "iniconfig"}}}, Context)["principalId"])
"""
WORKFLOW = ".github/workflows/test.yml"
TOOLS = ("pytest", "iniconfig", "packaging", "pluggy", "pygments")
"""pytest and its dependencies."""


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Runs a command without variables of this environment, and returns its output."""
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(command, cwd=cwd, env=environment | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with only the wheel, its locked dependencies and pytest."""
    folder = tmp_path_factory.mktemp("wheel")
    requirements, programs = folder / "requirements.txt", folder / "venv/bin"
    extras = ("--extra", "local", "--extra", "cdk", "--no-emit-project", "--output-file", str(requirements))
    run(UV, "export", "--quiet", "--locked", "--no-hashes", "--no-default-groups", *extras, cwd=ROOT)
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    tools = [f"{name}=={version(name)}" for name in TOOLS]
    install = ("pip", "install", "--quiet", "--no-deps", "--python", programs / "python")
    run(UV, *install, "--requirements", requirements, wheel, *tools, cwd=folder)
    return programs


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project."""
    for name in THEIRS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("THEIRS = True\n")
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "policy.toml").write_text(f"{POLICY}connect_with = []\n")
    return tmp_path


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as files:
        return {name: files.read(name) for name in files.namelist()}


def test_the_source_distribution_gives_the_wheel_of_the_repository(wheel: Path, tmp_path: Path) -> None:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, cwd=ROOT)
    assert contents(tmp_path / wheel.name) == contents(wheel)


def test_each_package_of_the_wheel_is_typed(wheel: Path) -> None:
    names = contents(wheel)
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert {package for package in packages if f"{package}/py.typed" not in names} == set()
    assert len(packages) == 6


def readme(wheel: Path) -> str:
    """The description that the wheel's metadata has."""
    with ZipFile(wheel) as files:
        (name,) = [each for each in files.namelist() if each.endswith(".dist-info/METADATA")]
        return files.read(name).decode().partition("\n\n")[2]


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_the_readme_of_the_wheel_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    """While the repository has no public address."""
    assert links(readme(wheel)) == []
    assert "with `iot-authorizer init`" in readme(wheel)


def test_the_links_of_the_readme_lead_to_the_address_of_the_repository(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as source:
        source.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    (folder / "PKG-INFO").unlink()  # Hatchling would take the README from there.
    settings, address = folder / "pyproject.toml", "https://git.example/them/theirs"
    settings.write_text(settings.read_text().replace("[project.urls]", f'[project.urls]\nRepository = "{address}"'))
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, cwd=folder)
    found = links(readme(tmp_path / wheel.name))
    assert f"{address}/raw/HEAD/docs/console.png" in found
    paths = [re.sub(rf"^{address}/(?:blob|raw)/HEAD/|#.*", "", target) for target in found]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_their_suite_uses_the_fixture(programs: Path, project: Path) -> None:
    (project / "test_chat.py").write_text(SUITE)
    options = ("-q", "-p", "no:cacheprovider", "-W", "error")
    assert "2 passed" in run(programs / "python", "-m", "pytest", *options, cwd=project)


def greeting(programs: Path, project: Path, *options: str) -> str:
    """Runs `dev` until it has printed how to end it, ends it, and returns what it printed."""
    command = [str(programs / "iot-authorizer"), "dev", "--port", "0", "--tls-port", "0", *options]
    lines = []
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        finally:
            process.kill()
    return "".join(lines)


def test_dev_runs_in_their_project(programs: Path, project: Path) -> None:
    assert "with the authorizer chat of authorizer.toml" in greeting(programs, project)


def test_the_wheel_has_what_the_page_and_the_first_program_need(programs: Path, project: Path) -> None:
    used = "from iot_authorizer_cli.console.web_folder import mqtt_js_path as path; import paho.mqtt; "
    used += "print(path().read_text())"
    expected = (ROOT / "node_modules/mqtt/dist/mqtt.esm.js").read_text()
    assert run(programs / "python", "-c", used, cwd=project).rstrip() == expected.rstrip()
    assert "transformWsUrl(" in run(programs / "iot-authorizer", "connect", "--for", "browser", cwd=project)


def test_dev_runs_their_own_handler_in_a_file_named_authorizer(programs: Path, project: Path) -> None:
    (project / "authorizer/__init__.py").unlink()
    (project / "authorizer").rmdir()
    (project / "authorizer.py").write_text(HANDLER)
    assert "with the authorizer chat" in greeting(programs, project, "--handler", "authorizer.lambda_handler")
    assert (project / "loaded.txt").read_text() == "True"


def test_rules_of_their_own_are_built_with_a_package_of_their_own(programs: Path, project: Path) -> None:
    (project / "authorizer.toml").write_text('name = "chat"\nhandler = "my_rules.lambda_handler"\n')
    (project / "my_rules.py").write_text(RULES)
    assert 'added requirements = "lambda.txt"' in run(programs / "iot-authorizer", "lock", "iniconfig", cwd=project)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    run(programs / "iot-authorizer", "build", "--python", python, "--architecture", "host", cwd=project)
    *_, principal = run(programs / "python", "-I", "-S", "-c", ASK, cwd=project).splitlines()
    assert principal == "iniconfig"
    deployed = {path.name for path in (project / "build/lambda").iterdir()}
    assert deployed & {*THEIRS, "my_rules.py"} == {"policies", "my_rules.py"}


def test_their_cdk_app_deploys_what_the_wheel_builds(programs: Path, project: Path) -> None:
    """The repository builds the same, byte for byte."""
    said = run(programs / "iot-authorizer", "build", cwd=project)
    assert f"sha256:{directory_hash(build(project / 'authorizer.toml', project / 'ours').directory)}" in said
    (project / "app.py").write_text(APP)
    assert run(programs / "python", "app.py", cwd=project) == "True\n"
    assert '"AWS::IoT::Authorizer"' in (project / "cdk.out/Theirs.template.json").read_text()


def test_in_an_empty_folder_the_commands_work_that_init_prints(programs: Path, wheel: Path, tmp_path: Path) -> None:
    """With an empty HOME. The cache of uv only saves downloads."""
    home, folder = tmp_path / "home", tmp_path / "chat"
    home.mkdir()
    folder.mkdir()
    cache = run(UV, "cache", "dir", cwd=tmp_path).strip()
    own = {"HOME": str(home), "UV_CACHE_DIR": cache, "UV_PYTHON": sys.executable, "UV": UV}
    said = run(programs / "iot-authorizer", "init", "--auth0", "a.example", "--audience", "chat", cwd=folder, **own)
    assert (folder / "vendor" / wheel.name).read_bytes() == wheel.read_bytes()
    printed = [line.partition("#")[0].split() for line in said.partition("Next:")[2].splitlines() if line]
    checked = [line.split()[2:] for line in (folder / WORKFLOW).read_text().splitlines() if "run: uv run" in line]
    commands = [[UV, *command[1:]] for command in (*printed, *checked) if command[-1] not in {"dev", "deploy"}]
    assert len(commands) == 5
    for command in commands:
        run("sh", "-c", " ".join(command), cwd=folder, **own)
    assert (folder / "build/lambda/authorizer.toml").is_file()
    assert "with the authorizer chat" in greeting(folder / ".venv/bin", folder)
