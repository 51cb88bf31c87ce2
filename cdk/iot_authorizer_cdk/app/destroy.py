"""The CDK app that `make destroy` runs: empty stacks with the names of the deployed ones.

It needs only the authorizer's name from `authorizer.toml` and the stage. A mistake elsewhere, or a lost key file, does
not keep a stack from being deleted.
"""

import re
import sys
from pathlib import Path

from aws_cdk import App, CfnWaitConditionHandle, Stack

from iot_authorizer_cdk.app.stages import StackNames, stage_tables
from iot_authorizer_cdk.package.configuration import CONFIGURATION
from iot_authorizer_cdk.properties import InvalidSettings

_NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def build_destroy_app(config: Path, context: dict[str, object] | None = None) -> App:
    """Returns the app for the stage that the context names. Raises InvalidSettings, OSError."""
    app = App(context=context)
    stage = str(app.node.try_get_context("stage") or "dev")
    table = stage_tables(app.node.try_get_context("stages"), stage)[stage]
    found = _NAME.search(config.read_text("utf-8", errors="replace"))
    if found is None:
        raise InvalidSettings(f'{config}: found no line name = "…", which says what to destroy')
    names = StackNames.of(found[1], stage)
    stack = _empty(app, names.authorizer)
    if isinstance(table, dict) and table.get("domain") is not None:
        _empty(app, names.domain).add_stack_dependency(stack)
    return app


def _empty(app: App, name: str) -> Stack:
    stack = Stack(app, name)
    CfnWaitConditionHandle(stack, "Nothing")  # A template needs at least one resource, and this one does nothing.
    return stack


def main() -> None:
    """Synthesizes the app. An error is one line on standard error and exit code 1."""
    try:
        build_destroy_app(Path(CONFIGURATION)).synth()
    except (InvalidSettings, OSError) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
