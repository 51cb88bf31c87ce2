"""Tests of templates: `cases.py` reads and runs them, `coverage.py` says what they reach, `mutants.py` tries mistakes.

The Lambda does not have this folder.
"""
