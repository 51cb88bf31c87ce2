"""The directory that becomes the Lambda function."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from iot_authorizer_cdk import InvalidSettings
from iot_authorizer_cdk.package.lambda_directory import all_below, build, directory_hash, zipped_size
from iot_authorizer_cdk.package.target import MARK, this_machine
from iot_authorizer_cdk.package.uv import UvError
from iot_policies import InvalidFile
from tests import ROOT, UV
from tests.cdk.package.conftest import CONFIGURATION, issuers

HOST = this_machine()
AARCH64 = 183
"""e_machine of an ELF file (elf.h)."""
ANSWER = """\
import sys
sys.path[:] = [entry for entry in sys.path if "site-packages" not in entry]
sys.path.insert(0, sys.argv[1])
from iot_authorizer.handler import lambda_handler
class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
import json
print(json.dumps(lambda_handler(json.loads(sys.argv[2]), Context)))
"""
FORGING = """\
#!{python}
import os, re, sys
*options, file = sys.argv[1:]
with open(file) as locked, open("{forged}", "w") as forged:
    forged.write(re.sub("sha256:[0-9a-f]+", "sha256:" + "0" * 64, locked.read()))
os.execv("{uv}", ["{uv}", *options, "{forged}"])
"""
EVENT = {"protocolData": {"mqtt": {"username": "pump", "password": "c2VjcmV0", "clientId": "pump"}}}


@pytest.fixture(scope="module")
def for_lambda(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for the default target."""
    return build(fleet, tmp_path_factory.mktemp("lambda") / "code").directory


def files(directory: Path) -> list[Path]:
    return [path for path in all_below(directory) if path.is_file()]


def machines(directory: Path) -> set[int]:
    """The processors of all shared objects."""
    return {int.from_bytes(path.read_bytes()[18:20], "little") for path in directory.rglob("*.so")}


def run(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the handler on an event, with only the directory and the standard library."""
    handler = [sys.executable, "-I", "-S", *options, "-c", ANSWER, str(directory), json.dumps(EVENT)]
    return subprocess.run(handler, cwd=directory, capture_output=True, text=True, check=False)


def test_the_dependencies_are_the_locked_ones() -> None:
    """After a change of uv.lock, export them again with this command."""
    export = [UV, "export", "--locked", "--no-default-groups", "--no-emit-project", "--no-header", "--no-annotate"]
    locked = subprocess.run(export, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "cdk/iot_authorizer_cdk/package/requirements.txt").read_text() == locked


def test_every_shared_object_is_for_the_target(for_lambda: Path) -> None:
    assert machines(for_lambda) == {AARCH64}


def test_it_is_under_30_mb_and_11_mb_zipped_also_with_bytecode(for_lambda: Path) -> None:
    assert sum(path.stat().st_size for path in files(for_lambda)) < 30_000_000
    assert zipped_size(for_lambda) < 11_000_000


def test_two_builds_are_equal_whatever_the_variables_and_the_umask_are(
    fleet: Path, for_this_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHORIZER__POLICY", "not-named.txt")
    before = os.umask(0o077)
    try:
        again = build(fleet, tmp_path / "again", HOST).directory
    finally:
        os.umask(before)
    assert directory_hash(again) == directory_hash(for_this_machine)


def test_another_mode_or_content_of_a_file_changes_the_hash(for_this_machine: Path, tmp_path: Path) -> None:
    first, other, third = (shutil.copytree(for_this_machine / "iot_policies", tmp_path / name) for name in "abc")
    (other / "__init__.py").chmod(0o600)
    (third / "__init__.py").write_text("x")
    assert len({directory_hash(folder) for folder in (first, other, third)}) == 3


def test_it_has_the_sources_the_configuration_and_the_files_that_this_names(fleet: Path, for_lambda: Path) -> None:
    for name in ("authorizer.toml", "policies/fleet.toml", "users.toml", "signing.pem", "keys.json"):
        assert (for_lambda / name).read_bytes() == (fleet.parent / name).read_bytes()
    for folder, name in (("authorizer", "iot_authorizer/handler.py"), ("policies", "iot_policies/template.py")):
        assert (for_lambda / name).read_bytes() == (ROOT / folder / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        *("not-named.txt", "iot_core", "iot_authorizer_cdk", "iot_policies/proofs", "iot_policies/testing"),
        *("tests", "bin", ".lock", "boto3"),
    ],
)
def test_it_has_nothing_else(for_lambda: Path, name: str) -> None:
    assert not (for_lambda / name).exists()


def test_it_has_no_file_that_pytest_would_collect_from_the_output_folder_of_the_cdk(for_lambda: Path) -> None:
    assert [path for pattern in ("test_*.py", "*_test.py", "conftest.py") for path in for_lambda.rglob(pattern)] == []


def test_it_names_no_folder_of_the_machine_that_built_it(for_this_machine: Path) -> None:
    places = [str(place).encode() for place in (ROOT, for_this_machine.parent, Path.home() / ".cache")]
    assert [path for path in files(for_this_machine) if any(place in path.read_bytes() for place in places)] == []


def test_every_user_may_read_it_and_only_its_owner_write_it(for_lambda: Path) -> None:
    modes = {
        (path.is_dir() or path.suffix == ".so", stat.S_IMODE(path.stat().st_mode)) for path in all_below(for_lambda)
    }
    assert modes == {(True, 0o755), (False, 0o644)}


def test_with_only_the_standard_library_it_answers_an_event(for_this_machine: Path) -> None:
    done = run(for_this_machine, "-B")
    *lines, answer = done.stdout.splitlines()
    assert done.stderr == ""
    assert json.loads(answer)["isAuthenticated"] is True
    assert [json.loads(line).get("decision") for line in lines] == [None, "allowed"]


def test_no_source_is_compiled_again(for_this_machine: Path) -> None:
    """All times differ, as after Lambda unpacked a zip file."""
    loaded = re.findall(r"^# code object from '?([^'\n]+)", run(for_this_machine, "-B", "-v").stderr, re.MULTILINE)
    ours = [name for name in loaded if name.startswith(str(for_this_machine))]
    assert len(ours) > 100
    assert [name for name in ours if not name.endswith(".pyc")] == []


def test_bytecode_is_checked_by_neither_time_nor_hash(for_this_machine: Path) -> None:
    """PEP 552: the flags mean a hash that is not checked."""
    flags = {int.from_bytes(path.read_bytes()[4:8], "little") for path in for_this_machine.rglob("*.pyc")}
    assert flags == {0b01}


def test_it_shares_no_file_with_uvs_cache(for_this_machine: Path) -> None:
    assert {path.stat().st_nlink for path in files(for_this_machine)} == {1}


def broken(folder: Path, name: str, content: str = '[users.pump]\nhash = "secret"\n') -> Path:
    """A configuration whose password file cannot be used."""
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("iot_policies"))
    (folder / "users.toml").write_text(content)
    (folder / "authorizer.toml").write_text(CONFIGURATION.replace("users.toml", name))
    return folder / "authorizer.toml"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/users.toml", r"passwords\.file: found /etc/users\.toml, expected a file in the folder of the conf"),
        ("../users.toml", r"passwords\.file: found \.\./users\.toml, expected"),
        ("users.toml", r"users\.toml:2: users\.pump\.hash: "),
    ],
)
def test_a_configuration_that_the_lambda_could_not_load_is_not_built(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "project").mkdir()
    with pytest.raises(InvalidFile, match=message):
        build(broken(tmp_path / "project", name), tmp_path / "code")
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_files_with_names_of_the_lambdas_own_are_refused(tmp_path: Path) -> None:
    names = ["authorizer.toml", "iot_authorizer", "iot_policies/compiler.py"]
    shutil.copy(ROOT / "policies/fleet.toml", tmp_path / "fleet.toml")
    (tmp_path / "iot_policies").mkdir()
    for name in names:
        (tmp_path / name).write_text('{"keys": []}')
    config = tmp_path / "fleet-authorizer.toml"
    config.write_text(f'name = "fleet"\npolicy = "fleet.toml"\n{issuers(*names)}')
    with pytest.raises(InvalidFile, match=f"{', '.join(names)}: the Lambda has files with these names: rename yours"):
        build(config, tmp_path / "build/code", HOST)
    assert list((tmp_path / "build").iterdir()) == []


def test_an_interrupted_build_leaves_a_whole_directory(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = build(fleet, tmp_path / "code", HOST).directory
    whole, remove = directory_hash(directory), shutil.rmtree

    def interrupted(path: Path, ignore_errors: bool = False) -> None:
        if (path / MARK).is_file():
            (path / MARK).unlink()
            raise KeyboardInterrupt
        remove(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(fleet, directory, HOST)
    assert directory_hash(directory) == whole


def test_a_build_that_cannot_be_moved_to_its_place_keeps_the_directory_that_is_there(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = build(fleet, tmp_path / "code", HOST).directory
    whole, rename = directory_hash(directory), Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == f"{directory.name}.{os.getpid()}":
            raise PermissionError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        build(fleet, directory, HOST)
    assert directory_hash(directory) == whole
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["code"]


def test_a_symbolic_link_names_the_directory_to_replace(fleet: Path, tmp_path: Path) -> None:
    directory = build(fleet, tmp_path / "code", HOST).directory
    (directory / "authorizer.toml").unlink()
    (tmp_path / "link").symlink_to(directory)
    build(fleet, tmp_path / "link", HOST)
    assert (tmp_path / "link").is_symlink()
    assert (directory / "authorizer.toml").is_file()


def test_the_current_folder_is_not_replaced(fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build(fleet, tmp_path / "code", HOST).directory)
    with pytest.raises(InvalidSettings, match=r"\.: contains .*code, and a build replaces it"):
        build(fleet, Path(), HOST)


def test_a_directory_that_is_too_large_for_lambda_is_refused(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot_authorizer_cdk.package.lambda_directory.LARGEST", 1_000_000)
    with pytest.raises(InvalidSettings, match=r"the Lambda directory has \d+ MB, but Lambda takes at most 1: remove"):
        build(fleet, tmp_path / "code", HOST)
    assert list(tmp_path.iterdir()) == []


def test_a_dependency_whose_hash_is_not_the_locked_one_is_not_installed(
    fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a uv that is given other hashes."""
    forging = tmp_path / "uv"
    forging.write_text(FORGING.format(python=sys.executable, uv=UV, forged=tmp_path / "forged.txt"))
    forging.chmod(0o755)
    monkeypatch.setenv("UV", str(forging))
    with pytest.raises(UvError, match=r"^uv pip: .*[Hh]ash mismatch") as error:
        build(fleet, tmp_path / "code", HOST)
    assert "\n" not in str(error.value)
