"""A handler that `authorizer.toml` names: a function of a module beside this file, from any current folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.handler import choose_handler
from iot_core.functions.lambda_function import BrokenHandler
from iot_policies import InvalidFile
from tests.cli.in_process import run_here
from tests.local.harness.function import allow
from tests.local.harness.running import UNLIMITED, Running
from tests.local.harness.saving import save

CONFIGURATION = 'name = "chat"\nhandler = "my_rules.lambda_handler"\n'
HANDLER = """\
import json

from names import NAME


def lambda_handler(event, context):
    print(json.dumps({{"decision": "allowed", "principal": NAME}}))
    return {answer!r} | {{"principalId": NAME}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a handler and a module that it imports; the current folder is another one."""
    monkeypatch.syspath_prepend(tmp_path)  # Puts the path back at the end.
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    (folder / "my_rules.py").write_text(HANDLER.format(answer=allow()))
    (folder / "names.py").write_text('NAME = "ann"\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


@contextmanager
def running(project: Path, *, in_process: bool = True) -> Iterator[Running]:
    core = LocalIotCore(project / "authorizer.toml", limits=UNLIMITED, in_process=in_process, default_authorizer=True)
    with core, Running.around_core(core) as running:
        yield running


def principal(running: Running, client_id: str) -> object:
    """The principal of a new client."""
    assert running.client().connect(client_id, user_name=None).reason_code == 0
    return running.record("decision", action="connect", client_id=client_id)["principal"]


@pytest.mark.parametrize("in_process", [True, False])
def test_it_authorizes_clients(project: Path, in_process: bool) -> None:
    with running(project, in_process=in_process) as core:
        assert principal(core, "first") == "ann"


def test_a_saved_module_that_it_imports_takes_effect(project: Path) -> None:
    with running(project) as core:
        for number, name in enumerate(("bob", "eve")):  # Both within a second, and of the same length.
            save(project / "names.py", f'NAME = "{name}"\n')
            core.record("reload", ok=True)
            assert principal(core, f"client{number}") == name


def test_a_broken_module_that_it_imports_changes_nothing_until_it_is_repaired(project: Path) -> None:
    with running(project) as core:
        save(project / "names.py", "NAME = (")
        assert "names.py:1" in core.record("reload", ok=False)["problem"]
        assert principal(core, "first") == "ann"
        save(project / "names.py", 'NAME = "bob"\n')
        core.record("reload", ok=True)
        assert principal(core, "second") == "bob"


def test_another_handler_of_a_saved_configuration_takes_effect(project: Path) -> None:
    (project / "names.py").write_text(
        'import json\nNAME = "bob"\n'
        "def handle(event, context):\n"
        '    print(json.dumps({"decision": "allowed", "principal": "eve"}))\n'
        f"    return {allow()}\n"
    )
    with running(project) as core:
        save(project / "authorizer.toml", CONFIGURATION.replace("my_rules.lambda_handler", "names.handle"))
        core.record("reload", ok=True)
        assert principal(core, "first") == "eve"


def test_invoke_runs_it(project: Path) -> None:
    done = run_here(project.parent, "invoke", "--config", "project/authorizer.toml", "--token", "any")
    assert (done.returncode, '"principalId": "ann"' in done.stdout) == (0, True), done.stderr


def test_an_option_names_another_one_of_the_current_folder(project: Path) -> None:
    assert choose_handler(project / "authorizer.toml", "app.handle") == ("app.handle", Path.cwd())


def test_the_option_may_name_it_with_slashes_as_lambda_takes_it(project: Path) -> None:
    assert choose_handler(project / "authorizer.toml", "src/app.handle").name == "src.app.handle"


@pytest.mark.parametrize(
    "name", ["lambda_handler", "my_rules/lambda_handler", "my-rules.lambda_handler", ".handler", 7]
)
def test_what_cannot_be_a_handler_is_refused_with_its_line(project: Path, name: object) -> None:
    (project / "authorizer.toml").write_text(f'name = "chat"\nhandler = {name!r}\n')
    with pytest.raises(InvalidFile, match=r"authorizer\.toml:2: handler: expected "):
        LocalIotCore(project / "authorizer.toml").__enter__()


def test_one_that_is_missing_is_named(project: Path) -> None:
    (project / "my_rules.py").unlink()
    with pytest.raises(BrokenHandler, match=r"my_rules\.lambda_handler: no module named my_rules"):
        LocalIotCore(project / "authorizer.toml").__enter__()
