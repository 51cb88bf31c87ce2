"""The names that packages import when they are first used."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from iot_policies.lazy_names import lazy_names

PACKAGES = ["iot_policies", "iot_authorizer"]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_public_name_is_found_listed_and_imported_by_a_star(package: str) -> None:
    module = import_module(package)
    names = module.__all__
    assert set(names) <= set(dir(module))
    program = f"from {package} import *; print(sorted(set({names!r}) - set(globals())))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("package", PACKAGES)
def test_another_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Nonsense'"):
        import_module(package).Nonsense  # noqa: B018


def test_what_is_wrong_with_a_dependency_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_broken_dependency.py").write_text("import sys\nsys.nonsense\n")
    monkeypatch.syspath_prepend(tmp_path)
    find, _ = lazy_names("iot_policies", {"with_broken_dependency": ("Name",)})
    with pytest.raises(ImportError, match="with_broken_dependency: module 'sys' has no attribute 'nonsense'"):
        find("Name")
