"""The configuration in force: read again when its files are saved, kept as it was where they are broken."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from watchfiles import awatch

from local.gateway.configured import Configured, read_configured
from local.gateway.environments import Environments
from local.lambda_function import HANDLER, BrokenHandler, LambdaFunction
from policies import InvalidFile, PolicyTemplate


class ReloadedConfiguration:
    """`authorizer.toml`, what it names, and the function that it configures."""

    def __init__(
        self, path: Path, *, handler: str, function_arn: str, region: str, account: str, environment: Mapping[str, str]
    ) -> None:
        """Loads all of it. Raises InvalidFile, BrokenHandler."""
        self.path = path
        self.handler = handler
        self.function_arn = function_arn
        self.problem: str | None = None
        """What is wrong with the files as they were last saved; what was in force before still is."""
        self._region = region
        self._account = account
        self._environment = environment
        self.configured, self.environments = self._load()

    @property
    def name(self) -> str:
        """The authorizer's name."""
        return self.configured.description.name

    @property
    def policy_path(self) -> Path | None:
        """The template's file; None where grants come from code."""
        return self.configured.policy_path

    @property
    def template(self) -> PolicyTemplate | None:
        """The template in force; None where grants come from code."""
        return self.configured.template

    async def reload(self) -> bool:
        """Reads everything again. False where `problem` says what is wrong, and nothing changed."""
        try:
            configured, environments = await asyncio.to_thread(self._load)
        except (InvalidFile, BrokenHandler) as error:
            self.problem = str(error)
            return False
        self.environments.close()
        self.configured, self.environments, self.problem = configured, environments, None
        return True

    async def changes(self) -> AsyncIterator[None]:
        """Yields whenever one of the files was saved."""
        while True:
            files = self._files()
            folders = {file.parent for file in files}
            async for changes in awatch(*folders, recursive=False, debounce=200, step=20, rust_timeout=1000):
                if any(Path(path).resolve() in files for _, path in changes):
                    yield
                if {file.parent for file in self._files()} != folders:
                    break

    def _load(self) -> tuple[Configured, Environments]:
        configured = read_configured(self.path, self.function_arn)
        return configured, Environments(self._function)

    def _function(self) -> LambdaFunction:
        return LambdaFunction(
            self.path, self.handler, region=self._region, account=self._account, environment=self._environment
        )

    def _files(self) -> frozenset[Path]:
        files = self.configured.files
        if self.handler != HANDLER:
            spec = importlib.util.find_spec(self.handler.rpartition(".")[0])
            if spec is not None and spec.origin is not None:
                files |= {Path(spec.origin).resolve()}
        return files
