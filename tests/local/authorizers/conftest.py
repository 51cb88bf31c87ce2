"""The signing keys of the tests."""

from tests.local.harness.signing_keys import keys

__all__ = ["keys"]
