"""A fault in the compiler is found, and the counterexample is a real one.

Each fault is a change of the compiler's source. The proofs run in a process of their own that has the changed compiler.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from tests import ROOT
from tests.policies.proofs.faults_of_claims import CLAIM_FAULTS
from tests.policies.proofs.faults_of_documents import DOCUMENT_FAULTS
from tests.policies.proofs.faults_of_entries import ENTRY_FAULTS

pytestmark = pytest.mark.slow

SOURCES = ROOT / "policies/iot_policies"
FAULTS = ENTRY_FAULTS | CLAIM_FAULTS | DOCUMENT_FAULTS


def compiler_with(fault: tuple[str, str, str], folder: Path) -> Path:
    """A copy of the package with a fault."""
    name, old, new = fault
    shutil.copytree(SOURCES, folder / "iot_policies", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "iot_policies" / name
    source = path.read_text("utf-8")
    assert source.count(old) == 1, f"{name} has {source.count(old)} times: {old}"
    path.write_text(source.replace(old, new), "utf-8")
    return folder


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_a_principal_whose_policy_is_wrong(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{compiler_with(FAULTS[name], tmp_path)}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.policies.proofs.faults"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found is not None
    is_policy = all(document["Statement"] for document in found["documents"])
    if found["kind"] in ("too much", "lost") and not found["alone"] and is_policy:
        kind = {"iot:Connect": "client", "iot:Subscribe": "topicfilter"}.get(found["action"], "topic")
        asked = Connection(client_id=found["client_id"], connect_attributes=frozenset(found["attributes"]))
        evaluator = Evaluator(found["documents"], asked)
        arn = f"arn:aws:iot:us-east-1:123456789012:{kind}/{found['text']}"
        assert evaluator.allows(found["action"], arn) == (found["kind"] == "too much"), found["lines"]
