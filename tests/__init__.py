"""The specification, as tests: `tests/NAME` is about the package in the folder NAME."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
