"""The fixtures of tests that run IoT Core."""

from tests.local.harness.fixtures import config, dev, folder, loop_factory, others, running, shared
from tests.local.harness.signing_keys import keys

__all__ = ["config", "dev", "folder", "keys", "loop_factory", "others", "running", "shared"]
