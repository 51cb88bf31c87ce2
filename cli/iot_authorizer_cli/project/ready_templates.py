"""The ready templates: in a wheel, files of this package; in an editable install, the repository's `policies/`."""

from collections.abc import Mapping
from pathlib import Path

from iot_policies.testing.cases import SUFFIX, without_tests

_SHIPPED = Path(__file__).parents[1] / "templates"
"""`hatch_build.py` puts them there."""
_REPOSITORY = Path(__file__).parents[3] / "policies"


def ready_templates() -> Mapping[str, Path]:
    """Returns the file of each ready template by its name."""
    folder = _SHIPPED if _SHIPPED.is_dir() else _REPOSITORY
    return {path.stem: path for path in without_tests(sorted(folder.glob("*.toml")))}


def tests_of(template: Path) -> Path:
    """Returns the file with the tests of a template."""
    return template.with_name(f"{template.stem}{SUFFIX}")
