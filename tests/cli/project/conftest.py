"""The fixtures of tests that run IoT Core."""

from tests.local.harness.fixtures import config, dev, folder, loop_factory, others, running

__all__ = ["config", "dev", "folder", "loop_factory", "others", "running"]
