"""Lambda directories that are built once for all tests, which do not change them."""

import shutil
from pathlib import Path

import pytest

from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.target import this_machine
from iot_identities.passwords import hash_password
from tests import ROOT
from tests.cdk.configurations import with_signing

CONFIGURATION = """\
name           = "fleet"
policy         = "policies/fleet.toml"
token_key_name = "token"

[passwords]
file = "users.toml"
"""


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a template, a password file, a signing key, and a file that it names twice."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "policies").mkdir()
    shutil.copy(ROOT / "policies/fleet.toml", folder / "policies")
    (folder / "users.toml").write_text(
        f'[users.pump]\nhash = "{hash_password("secret")}"\nclaims = {{ role = "device" }}\n'
    )
    (folder / "keys.json").write_text('{"keys": []}')
    (folder / "not-named.txt").write_text("x")
    (folder / "authorizer.toml").write_text(CONFIGURATION + issuers("keys.json", "./keys.json"))
    with_signing(folder / "authorizer.toml")
    return folder / "authorizer.toml"


def issuers(*jwks: str) -> str:
    """Issuers whose keys are in these files."""
    lines = 'audience = ["fleet"]\nalgorithms = ["RS256"]\n'
    return "".join(f'[[jwt]]\nissuer = "{name}"\n{lines}jwks = "{name}"\n' for name in jwks)


@pytest.fixture(scope="session")
def for_this_machine(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for the interpreter that runs this test."""
    built = build(fleet, tmp_path_factory.mktemp("host") / "code", this_machine())
    assert built.has_bytecode
    return built.directory
