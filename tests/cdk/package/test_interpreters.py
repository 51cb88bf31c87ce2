"""The Lambda directory on each version of Python that a stage may choose, as far as this machine has them."""

import json
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.target import find_interpreter, this_machine
from iot_authorizer_cdk.properties import PythonVersion
from tests.cdk.package.test_lambda_directory import ANSWER, EVENT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", get_args(PythonVersion))
def test_with_only_the_standard_library_of_its_version_it_answers_from_bytecode(
    fleet: Path, tmp_path: Path, version: str
) -> None:
    interpreter = find_interpreter(version)
    if interpreter is None:
        pytest.skip(f"Python {version} is not on this machine")
    built = build(fleet, tmp_path / "code", this_machine(version))
    command = [str(interpreter), "-I", "-S", "-B", "-c", ANSWER, str(built.directory), json.dumps(EVENT)]
    done = subprocess.run(command, cwd=built.directory, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["isAuthenticated"] is True
    assert built.has_bytecode
