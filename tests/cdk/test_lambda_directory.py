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

from iot_authorizer_cdk.build_command import directory_hash, report, zipped_size
from iot_authorizer_cdk.lambda_directory import SOURCES, all_below, build
from iot_authorizer_cdk.settings import InvalidSettings
from iot_authorizer_cdk.target import LAMBDA, this_machine
from iot_authorizer_cdk.uv_program import UvError
from iot_identities.passwords import hash_password
from iot_policies import InvalidFile
from tests import ROOT
from tests.cdk.keys import with_signing

HOST = this_machine()
CONFIGURATION = """\
name           = "fleet"
policy         = "policies/fleet.toml"
token_key_name = "token"

[passwords]
file = "users.toml"
"""
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
EVENT = {"protocolData": {"mqtt": {"username": "pump", "password": "c2VjcmV0", "clientId": "pump"}}}
USERS = """\
[users.pump]
hash   = "HASH"
claims = { role = "device" }
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a template and a password file."""
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "policies").mkdir()
    shutil.copy(ROOT / "policies/fleet.toml", folder / "policies")
    (folder / "users.toml").write_text(
        f'[users.pump]\nhash = "{hash_password("secret")}"\nclaims = {{ role = "device" }}\n'
    )
    (folder / "left-alone.txt").write_text("x")
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    with_signing(folder / "authorizer.toml")
    return folder / "authorizer.toml"


@pytest.fixture(scope="module")
def for_lambda(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed."""
    return build(ROOT, config, tmp_path_factory.mktemp("lambda") / "code").directory


@pytest.fixture(scope="module")
def for_this_machine(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for the interpreter that runs this test."""
    built = build(ROOT, config, tmp_path_factory.mktemp("host") / "code", HOST)
    assert built.compiled
    return built.directory


def files(directory: Path) -> list[Path]:
    return [path for path in all_below(directory) if path.is_file()]


def run(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the handler on an event, with nothing but the directory and the standard library."""
    command = [sys.executable, "-I", "-S", *options, "-c", ANSWER, str(directory), json.dumps(EVENT)]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_every_shared_object_is_for_arm64(for_lambda: Path) -> None:
    found = [path for path in files(for_lambda) if path.suffix == ".so"]
    assert found
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in found} == {AARCH64}


def test_it_is_under_30_mb_and_10_mb_zipped(for_lambda: Path) -> None:
    assert sum(path.stat().st_size for path in files(for_lambda)) < 30_000_000
    assert zipped_size(for_lambda) < 10_000_000


def test_two_builds_are_the_same(config: Path, for_this_machine: Path, tmp_path: Path) -> None:
    assert directory_hash(build(ROOT, config, tmp_path / "again", HOST).directory) == directory_hash(for_this_machine)


def test_a_file_of_another_mode_or_content_is_another_build(for_this_machine: Path, tmp_path: Path) -> None:
    first, other, third = (shutil.copytree(for_this_machine / "iot_policies", tmp_path / name) for name in "abc")
    (other / "__init__.py").chmod(0o600)
    (third / "__init__.py").write_text("x")
    assert len({directory_hash(folder) for folder in (first, other, third)}) == 3


def test_it_has_the_sources_the_configuration_and_what_that_names(config: Path, for_lambda: Path) -> None:
    for name in ("authorizer.toml", "policies/fleet.toml", "users.toml", "signing.pem"):
        assert (for_lambda / name).read_bytes() == (config.parent / name).read_bytes()
    for folder, name in (("authorizer", "iot_authorizer/handler.py"), ("policies", "iot_policies/template.py")):
        assert (for_lambda / name).read_bytes() == (ROOT / folder / name).read_bytes()


@pytest.mark.parametrize("name", ["left-alone.txt", "iot_core", "iot_authorizer_cdk", "tests", "bin", ".lock", "boto3"])
def test_it_has_nothing_else(for_lambda: Path, name: str) -> None:
    assert not (for_lambda / name).exists()


def test_it_names_no_folder_of_the_machine_that_built_it(for_this_machine: Path) -> None:
    places = [str(place).encode() for place in (ROOT, for_this_machine.parent, Path.home() / ".cache")]
    found = [path for path in files(for_this_machine) if any(place in path.read_bytes() for place in places)]
    assert found == []


def test_everybody_may_read_it_and_nobody_else_write_it(for_lambda: Path) -> None:
    modes = {
        (path.is_dir() or path.suffix == ".so", stat.S_IMODE(path.stat().st_mode)) for path in all_below(for_lambda)
    }
    assert modes == {(True, 0o755), (False, 0o644)}


def test_alone_it_answers_an_event(for_this_machine: Path) -> None:
    done = run(for_this_machine, "-B")
    *lines, answer = done.stdout.splitlines()
    assert done.stderr == ""
    assert json.loads(answer)["isAuthenticated"] is True
    assert [json.loads(line).get("decision") for line in lines] == [None, "allowed"]


def test_no_source_is_compiled_again(for_this_machine: Path) -> None:
    """Even where all times differ, as in a zip that Lambda has unpacked."""
    loaded = re.findall(r"^# code object from '?([^'\n]+)", run(for_this_machine, "-B", "-v").stderr, re.MULTILINE)
    ours = [name for name in loaded if name.startswith(str(for_this_machine))]
    assert len(ours) > 100
    assert [name for name in ours if not name.endswith(".pyc")] == []


def test_the_report_names_the_largest_parts_and_the_hash(for_lambda: Path) -> None:
    lines = report(for_lambda).splitlines()
    assert "cryptography" in lines[0]
    assert re.fullmatch(r" +\d+\.\d\d MB  .+, \d\.\d\d MB zipped", lines[-2])
    assert lines[-1] == f"sha256:{directory_hash(for_lambda)}"


@pytest.mark.parametrize("name", ["/etc/users.toml", "../users.toml"])
def test_a_file_that_is_not_beside_the_configuration_is_refused(config: Path, tmp_path: Path, name: str) -> None:
    other = config.with_name("other.toml")
    other.write_text(CONFIGURATION.replace("users.toml", name))
    with pytest.raises(InvalidFile, match=r"passwords\.file: expected a file beside the configuration"):
        build(ROOT, other, tmp_path / "code")
    assert list(tmp_path.iterdir()) == []


def test_what_the_lambda_could_not_load_is_not_built(config: Path, tmp_path: Path) -> None:
    config.with_name("broken.toml").write_text('[users.pump]\nhash = "secret"\n')
    other = config.with_name("other.toml")
    other.write_text(CONFIGURATION.replace("users.toml", "broken.toml"))
    with pytest.raises(InvalidFile, match=r"broken\.toml:2: users\.pump\.hash: "):
        build(ROOT, other, tmp_path / "code")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["iot_policies/compiler.py", "authorizer.toml", "iot_authorizer"])
def test_a_file_with_the_name_of_one_of_the_lambdas_own_is_refused(tmp_path: Path, name: str) -> None:
    shutil.copy(ROOT / "policies/fleet.toml", tmp_path / "fleet.toml")
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("")
    config = tmp_path / "fleet-authorizer.toml"
    config.write_text(f'name = "fleet"\npolicy = "fleet.toml"\n[passwords]\nfile = "{name}"\n')
    with pytest.raises(InvalidFile, match=f"{name}: the Lambda has a file of that name: give yours another"):
        build(ROOT, config, tmp_path / "build/code", HOST)
    assert list((tmp_path / "build").iterdir()) == []


def test_a_file_may_be_named_twice(config: Path, tmp_path: Path) -> None:
    issuer = '[[jwt]]\nissuer = "ISSUER"\naudience = ["fleet"]\nalgorithms = ["RS256"]\njwks = "JWKS"\n'
    config.with_name("keys.json").write_text('{"keys": []}')
    both = [issuer.replace("ISSUER", name).replace("JWKS", name) for name in ("keys.json", "./keys.json")]
    twice = config.with_name("twice.toml")
    twice.write_text(CONFIGURATION + "".join(both))
    assert (build(ROOT, twice, tmp_path / "code", HOST).directory / "keys.json").is_file()


def test_it_shares_no_file_with_the_cache_that_it_was_installed_from(for_this_machine: Path) -> None:
    assert {path.stat().st_nlink for path in files(for_this_machine)} == {1}


def test_a_variable_of_this_machine_does_not_choose_the_files(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHORIZER__POLICY", "left-alone.txt")
    assert not (build(ROOT, config, tmp_path / "code", HOST).directory / "left-alone.txt").exists()


def test_lambda_is_python_3_14_on_arm64() -> None:
    assert (LAMBDA.python, LAMBDA.platform) == ("3.14", "aarch64-manylinux_2_28")


def test_bytecode_is_checked_by_no_time_and_no_hash(for_this_machine: Path) -> None:
    """The flags of PEP 552: a hash, and not checked."""
    flags = {int.from_bytes(path.read_bytes()[4:8], "little") for path in for_this_machine.rglob("*.pyc")}
    assert flags == {0b01}


def test_a_dependency_whose_hash_is_not_the_locked_one_is_not_installed(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a uv that changes all hashes of what it exports."""
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    forging = tmp_path / "uv"
    forging.write_text(
        f'#!/bin/sh\n{uv} "$@" || exit\nif [ "$1" = export ]; then\n'
        '  for last; do [ "$before" = --output-file ] && file=$last; before=$last; done\n'
        '  sed -i.bak "s/sha256:[0-9a-f]*/sha256:$(printf %064d 0)/" "$file"; rm "$file.bak"\nfi\n'
    )
    forging.chmod(0o755)
    monkeypatch.setenv("UV", str(forging))
    with pytest.raises(UvError, match=r"^uv pip: .*[Hh]ash mismatch") as error:
        build(ROOT, config, tmp_path / "code", HOST)
    assert "\n" not in str(error.value)


def test_a_mistake_in_a_source_is_told_in_one_line(config: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in SOURCES:
        shutil.copytree(ROOT / name, root / name)
    for name in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    if (ROOT / ".uv").exists():  # What `make` brings where there is no uv stands beside the sources.
        (root / ".uv").symlink_to(ROOT / ".uv")
    (root / "authorizer/iot_authorizer/rooms.py").write_text("import re\nrooms = (\n")
    with pytest.raises(InvalidSettings, match=r"^iot_authorizer/rooms\.py:2: SyntaxError: '\(' was never closed$"):
        build(root, config, tmp_path / "code", HOST)
