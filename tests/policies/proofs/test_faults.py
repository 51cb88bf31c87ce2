"""A fault in the compiler is found, and the counterexample is a real one.

Each fault is a change of the compiler's source. The proofs run in a process of their own that has the changed compiler.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from tests import ROOT
from tests.effort import sample
from tests.policies.iam_reference import IDENTITY, decide
from tests.policies.proofs.faults_of_claims import CLAIM_FAULTS
from tests.policies.proofs.faults_of_documents import DOCUMENT_FAULTS
from tests.policies.proofs.faults_of_entries import ENTRY_FAULTS
from tests.policies.proofs.faults_of_targets import TARGET_FAULTS

pytestmark = pytest.mark.slow

SOURCES = ROOT / "policies/iot_policies"
PROGRAM, TARGET_PROGRAM = "tests.policies.proofs.faults", "tests.policies.proofs.target_templates"
FAULTS = ENTRY_FAULTS | CLAIM_FAULTS | DOCUMENT_FAULTS


def compiler_with(fault: tuple[str, str, str], folder: Path) -> Path:
    """A copy of the package with a fault."""
    name, old, new = fault
    shutil.copytree(SOURCES, folder / "iot_policies", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "iot_policies" / name
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    return folder


def test_each_fault_is_a_change_of_one_place_of_the_source() -> None:
    """Also of the faults that only `make test-long` tries."""
    faults = (FAULTS | TARGET_FAULTS).values()
    texts = {name: (SOURCES / name).read_text("utf-8") for name, _, _ in faults}
    assert [(name, old) for name, old, _ in faults if texts[name].count(old) != 1] == []


def found_by(program: str, compiler: Path) -> dict[str, Any]:
    """What a program finds with a compiler."""
    environment = {**os.environ, "PYTHONPATH": f"{compiler}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", program]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found is not None
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", sample(FAULTS, one_in=6))
def test_a_fault_is_found_with_a_principal_whose_policy_is_wrong(name: str, tmp_path: Path) -> None:
    found = found_by(PROGRAM, compiler_with(FAULTS[name], tmp_path))
    is_wrong_policy = found["kind"] in ("too much", "lost") and not found["alone"]
    if is_wrong_policy and all(document["Statement"] for document in found["documents"]):
        kind = {"iot:Connect": "client", "iot:Subscribe": "topicfilter"}.get(found["action"], "topic")
        asked = Connection(client_id=found["client_id"], connect_attributes=frozenset(found["attributes"]))
        evaluator = Evaluator(found["documents"], asked)
        arn = f"arn:aws:iot:us-east-1:123456789012:{kind}/{found['text']}"
        assert evaluator.allows(found["action"], arn) == (found["kind"] == "too much"), found["lines"]


@pytest.mark.parametrize("name", sample(TARGET_FAULTS, one_in=6))
def test_a_fault_of_a_target_is_found_with_a_principal_whose_policy_is_wrong(name: str, tmp_path: Path) -> None:
    found = found_by(TARGET_PROGRAM, compiler_with(TARGET_FAULTS[name], tmp_path))
    if found["kind"] in ("too much", "lost") and found["action"] != "iot:SendDirectMessage":
        kind = {"iot:Connect": "client", "iot:Subscribe": "topicfilter"}.get(found["action"], "topic")
        arn = f"arn:aws:iot:us-east-1:123456789012:{kind}/{found['text']}"
        variables = {IDENTITY: found["principal"]}
        is_allowed = decide(found["policies"], found["action"], arn, found["attributes"], variables)
        assert is_allowed == (found["kind"] == "too much"), found["lines"]
