"""The signing keys of the API's tests."""

from tests.local.api.conftest import keys

__all__ = ["keys"]
