"""The CDK app that `make destroy` calls: stacks of the same names, whatever became of what was deployed.

It takes the authorizer's name from `authorizer.toml`, and no more than that: a mistake elsewhere, or a key file that is
lost, keeps no stack from being deleted.
"""

import re
import sys
from pathlib import Path

from aws_cdk import App, CfnWaitConditionHandle, Stack

from iot_authorizer_cdk.settings import CONFIGURATION, InvalidSettings
from iot_authorizer_cdk.stack_names import StackNames

_NAME = re.compile(r"""^\s*name\s*=\s*["']([^"']+)["']""", re.MULTILINE)


def build_app(config: Path, context: dict[str, object] | None = None) -> App:
    """The app; the stage's name is the context's, as in `iot_authorizer_cdk.app`. Raises InvalidSettings, OSError."""
    app = App(context=context)
    stage = str(app.node.try_get_context("stage") or "dev")
    stages = app.node.try_get_context("stages")
    if not isinstance(stages, dict) or stage not in stages:
        raise InvalidSettings(f"stage {stage}: cdk.json has no such stage under context.stages")
    found = _NAME.search(config.read_text("utf-8", errors="replace"))
    if found is None:
        raise InvalidSettings(f"{config}: name: is missing: what is to be destroyed?")
    names = StackNames.of(found[1], stage)
    stack = _empty(app, names.authorizer)
    if isinstance(stages[stage], dict) and stages[stage].get("domain") is not None:
        _empty(app, names.domain).add_stack_dependency(stack)
    return app


def _empty(app: App, name: str) -> Stack:
    stack = Stack(app, name)
    CfnWaitConditionHandle(stack, "Nothing")  # A template has at least one resource, and this one does nothing.
    return stack


def main() -> None:
    """Synthesizes. Errors are one line on standard error, and exit code 1."""
    try:
        build_app(Path(CONFIGURATION)).synth()
    except (InvalidSettings, OSError) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
