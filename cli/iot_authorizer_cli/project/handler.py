"""The Lambda handler that runs on this machine: which one it is, and the files of its code.

- An option names a handler of the current folder. Otherwise it is `handler` of `authorizer.toml`: a function of a
  module beside this file, as in a deployment, or this package's own.
- A handler's code is its module, and what this imports from the same folder.
"""

from pathlib import Path
from typing import NamedTuple

from iot_authorizer.configuration import HANDLER, load_partial_configuration
from iot_authorizer_cdk.package.import_graph import ImportGraph
from iot_core.functions.lambda_function import handler_file


class ChosenHandler(NamedTuple):
    """The Lambda handler that runs."""

    name: str
    """Such as `my_rules.lambda_handler`."""
    folder: Path
    """The folder that is the first on the module path, as the function's folder is in Lambda."""

    @property
    def is_own(self) -> bool:
        """Whether it is not this package's."""
        return self.name != HANDLER

    def files(self) -> frozenset[Path]:
        """The files of its code: its module, and what this imports from the folder. Raises InvalidFile."""
        module = self.name.rpartition(".")[0]
        found = handler_file(self.name, self.folder) if self.is_own else None
        if found is None:
            return frozenset()
        return frozenset({found, *(self.folder / file for file in ImportGraph.of(self.folder, module).files)})


def choose_handler(config: Path, given: str | None) -> ChosenHandler:
    """The handler that an option gives, in the current folder, or else the configuration's. Raises InvalidFile."""
    if given is not None:
        return ChosenHandler(given.replace("/", "."), Path.cwd())  # As in Lambda: src/app.lambda_handler.
    found, _ = load_partial_configuration(config, only=("handler",))
    return ChosenHandler(found.handler, config.parent.absolute())
