"""The Lambda handler that runs on this machine: which one it is, the files of its code, and how it is loaded.

- An option names a handler of the current folder. Otherwise it is `handler` of `authorizer.toml`: a function of a
  module beside this file, as in a deployment, or this package's own.
- A handler's code is its module, and what this imports from the same folder.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from iot_authorizer.configuration import HANDLER, load_partial_configuration
from iot_authorizer_cdk.package.import_graph import ImportGraph
from iot_core.functions.isolated_function import IsolatedFunction
from iot_core.functions.lambda_function import ACCOUNT, REGION, LambdaFunction, handler_file


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
        return ChosenHandler(given, Path.cwd())
    found, _ = load_partial_configuration(config, only=("handler",))
    return ChosenHandler(found.handler, config.parent.absolute())


def load_function(
    config: Path,
    handler: ChosenHandler,
    *,
    region: str = REGION,
    account: str = ACCOUNT,
    environment: Mapping[str, str] | None = None,
) -> LambdaFunction:
    """Loads a handler that reads its configuration from `config`. `environment` adds environment variables.

    Raises BrokenHandler, and InvalidFile for a wrong configuration.
    """
    variables = {"AUTHORIZER_CONFIG": str(config), **(environment or {})}
    return LambdaFunction(handler.name, folder=handler.folder, region=region, account=account, environment=variables)


def load_isolated_function(
    config: Path,
    handler: ChosenHandler,
    *,
    region: str = REGION,
    account: str = ACCOUNT,
    environment: Mapping[str, str] | None = None,
) -> IsolatedFunction:
    """Loads a handler as `load_function` does, in a process of its own. Raises OSError, too."""
    variables = {"AUTHORIZER_CONFIG": str(config), **(environment or {})}
    return IsolatedFunction(handler.name, folder=handler.folder, region=region, account=account, environment=variables)
