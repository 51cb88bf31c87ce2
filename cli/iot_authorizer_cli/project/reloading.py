"""Reloads `authorizer.toml` when it, a file that it names, or a file of the handler's code is saved.

- All files are loaded together: either the new version is put into force as a whole, or the previous one stays, and
  `problem` says what is wrong.
- A file that was just emptied is not loaded. An editor may be about to write it, and an empty template would end the
  connections of all clients.
- Files that change while they are loaded are loaded again.
- A handler that hangs while it loads is given up. If a later save repairs it, the new version waits for the old one.
- The end does not wait for a version that still loads.
- If the system does not report changes of files, they are checked every second.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from watchfiles import awatch

from iot_authorizer.configuration import CREDENTIALS_HANDLER
from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer.rule_settings import RULE_FUNCTION
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.handler import ChosenHandler, choose_handler
from iot_authorizer_cli.project.rule_functions import close_functions, code_files, load_functions, topic_rules
from iot_core.functions.execution_environments import CONCURRENCY, ExecutionEnvironments
from iot_core.functions.isolated_function import IsolatedFunction
from iot_core.functions.lambda_function import (
    LOADING_TIME,
    TIMEOUT,
    BrokenHandler,
    LambdaFunction,
    StillLoading,
    function_arn,
)
from iot_core.functions.loaded_function import LoadedFunction, ThreadFunction
from iot_core.functions.worker import Worker
from iot_core.rules.topic_rule import TopicRule
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.account_region import AccountRegion

CHECK_INTERVAL = 1.0
"""Seconds between two checks of the files. Some file systems report no changes."""
_PAUSE = 0.25
"""Seconds to wait after a reload failed unexpectedly."""

_NOTHING: Mapping[str, str] = {}

_logger = logging.getLogger(__name__)


class _Loaded(NamedTuple):
    """One version of everything."""

    configured: ProjectConfiguration
    environments: ExecutionEnvironments
    endpoint: ExecutionEnvironments | None
    rule_functions: Mapping[str, ExecutionEnvironments]
    topic_rules: Sequence[TopicRule]

    def close(self) -> None:
        self.environments.close()
        if self.endpoint is not None:
            self.endpoint.close()
        close_functions(self.rule_functions)


class _State(NamedTuple):
    """The properties of a file that change when it is saved."""

    modified: int
    size: int
    inode: int


@dataclass(kw_only=True, eq=False)
class ReloadedConfiguration:
    """The configuration in force, and the function that runs its handler. Loads nothing before `start`."""

    path: Path
    given_handler: str | None
    """The handler that an option names; None for the one of the configuration."""
    place: AccountRegion
    environment: Mapping[str, str]
    """The environment variables of the handler."""
    table: Path | None = None
    """The file of the development table."""
    function_timeout: float = TIMEOUT
    """In seconds."""
    concurrency: int = CONCURRENCY
    """Execution environments of the function at most."""
    in_process: bool = True
    """Whether each execution environment is a thread of this process, not a process of its own."""
    _loaded: _Loaded = field(init=False)
    problem: str | None = field(default=None, init=False)
    """What is wrong with the files as they were last saved; None if they are in force."""
    waits: bool = field(default=False, init=False)
    """Whether the saved version waits for an earlier handler that still loads."""
    _chosen: ChosenHandler = field(init=False)
    """The handler that was loaded last, or could not be loaded."""
    _loads: str = field(default="", init=False)
    """The handler or the rule's function that loads, or was loaded last."""
    _rules_code: Callable[[], frozenset[Path]] = field(default=frozenset, init=False)
    """Finds the files of the code of the rules' functions."""
    _code: frozenset[Path] = field(default=frozenset(), init=False)
    """The files of its code, as far as they are known."""
    _seen: dict[Path, _State | None] = field(default_factory=dict, init=False)

    @property
    def configured(self) -> ProjectConfiguration:
        """The version in force."""
        return self._loaded.configured

    @property
    def environments(self) -> ExecutionEnvironments:
        """The authorizer's function."""
        return self._loaded.environments

    @property
    def credentials_endpoint(self) -> ExecutionEnvironments | None:
        """The function of the credentials endpoint; None if it is not configured."""
        return self._loaded.endpoint

    @property
    def rule_functions(self) -> Mapping[str, ExecutionEnvironments]:
        """The functions of `[[rule]]`, by their ARNs."""
        return self._loaded.rule_functions

    @property
    def topic_rules(self) -> Sequence[TopicRule]:
        """The topic rules of `[[rule]]`."""
        return self._loaded.topic_rules

    @property
    def handler(self) -> str:
        """The handler's name."""
        return self._chosen.name

    @property
    def name(self) -> str:
        """The authorizer's name."""
        return self.configured.description.name

    @property
    def policy_path(self) -> Path | None:
        """The template's file; None if grants come from code."""
        return self.configured.policy_path

    @property
    def template(self) -> PolicyTemplate | None:
        """The template in force; None if grants come from code."""
        return self.configured.template

    async def start(self) -> None:
        """Loads the configuration and the handler. Raises InvalidFile, BrokenHandler."""
        self._loaded = await self._in_time(self._load)
        self._look_at(self.configured.files)

    async def reload(self) -> bool:
        """Loads everything again. Returns False if the previous version stays in force; `problem` says why."""
        named: frozenset[Path] = frozenset()
        self.waits = False
        try:
            loaded = await self._in_time(self._load_again)
        except InvalidFile as error:
            self.problem, named = str(error), frozenset(_named(error))
        except StillLoading as error:
            self.problem, self.waits = str(error), True
        except Exception as error:  # noqa: BLE001 (any error keeps the previous version in force)
            self.problem = str(error) if isinstance(error, BrokenHandler) else f"{type(error).__name__}: {error}"
        else:
            self._loaded.close()
            self._loaded, self.problem = loaded, None
        self._look_at(self.configured.files | named)
        return self.problem is None

    def close(self) -> None:
        """Ends all functions."""
        self._loaded.close()

    async def changes(self, stopped: asyncio.Event) -> AsyncIterator[None]:
        """Yields each time one of the files was saved, until `stopped` is set."""
        while not stopped.is_set():
            folders = self._folders()
            watching = awatch(
                *folders,
                watch_filter=None,
                debounce=200,
                step=20,
                stop_event=stopped,
                rust_timeout=round(CHECK_INTERVAL * 1000),
                yield_on_timeout=True,
                recursive=False,
            )
            try:
                async with contextlib.aclosing(watching):
                    async for _ in watching:
                        if self._was_saved():
                            yield
                        if self._folders() != folders:
                            break
            except (OSError, RuntimeError):  # The limit of watched folders is reached, or a folder was deleted.
                await asyncio.sleep(CHECK_INTERVAL)
                if self._was_saved():
                    yield

    async def _in_time(self, load: Callable[[], _Loaded]) -> _Loaded:
        """Loads in a thread. Abandons the thread if it is cancelled, or if the handler hangs: raises BrokenHandler."""
        worker = Worker("loading")
        loading = worker.do(load)
        try:
            async with asyncio.timeout(LOADING_TIME):
                return await asyncio.shield(loading)
        except (TimeoutError, asyncio.CancelledError) as error:
            loading.add_done_callback(_close_late)
            if isinstance(error, TimeoutError):
                raise BrokenHandler(f"{self._loads} did not load within {LOADING_TIME:g} seconds") from None
            raise
        finally:
            worker.end()

    def _load_again(self) -> _Loaded:
        """Loads everything as it is now, unless a file is empty: its next save may be under way."""
        self._see()
        for path in sorted(self.configured.files):
            state = self._seen.get(path)
            if state is not None and state.size == 0:
                raise InvalidFile(path, None, "", "is empty")
        return self._load()

    def _load(self) -> _Loaded:
        """Loads everything as it is now. A save from here on is a change."""
        self._see()
        configured = read_project_configuration(self.path, function_arn(self.place), self.table)
        rules = topic_rules(configured, self.place, time.time())
        chosen = self._chosen = choose_handler(self.path, self.given_handler)
        self._rules_code = partial(code_files, configured)
        files = configured.files | self._code_files()  # As they are before the first function loads.
        self._seen |= {path: _state(path) for path in files if path not in self._seen}
        version: dict[Path, _State | None] = {}
        unchanged = partial(_are_unchanged, version)
        run = partial(
            ExecutionEnvironments,
            timeout=self.function_timeout,
            limit=self.concurrency,
            unchanged=unchanged,
        )
        credentials = ChosenHandler(CREDENTIALS_HANDLER, chosen.folder)
        with contextlib.ExitStack() as failed:  # Ends the functions that were loaded if another one cannot be.
            environments = run(partial(self._function, chosen))
            failed.callback(environments.close)
            endpoint = run(partial(self._function, credentials)) if configured.gives_credentials else None
            if endpoint is not None:
                failed.callback(endpoint.close)
            functions = load_functions(configured, self.place, self._function, unchanged)
            failed.pop_all()
        version |= {path: self._seen[path] for path in files}
        return _Loaded(configured, environments, endpoint, functions, rules)

    def _function(
        self,
        chosen: ChosenHandler,
        more: Mapping[str, str] = _NOTHING,
        arn: str | None = None,
        *,
        timeout: float | None = None,
    ) -> LoadedFunction:
        self._loads = called = more.get(RULE_FUNCTION, chosen.name)
        load = LambdaFunction if self.in_process else IsolatedFunction
        variables = {CONFIG_VARIABLE: str(self.path), **self.environment, **more}
        loaded = load(
            chosen.name,
            called=called,
            folder=chosen.folder,
            place=self.place,
            arn=arn,
            timeout=self.function_timeout if timeout is None else timeout,
            environment=variables,
        )
        return ThreadFunction(loaded.invoke) if isinstance(loaded, LambdaFunction) else loaded

    def _see(self) -> None:
        self._seen = {path: _state(path) for path in self._seen}

    def _look_at(self, files: frozenset[Path]) -> None:
        """Watches these files and those of the handler's code from now on."""
        seen, self._seen = self._seen, {}
        for path in files | self._code_files():
            self._seen[path] = seen[path] if path in seen else _state(path)

    def _code_files(self) -> frozenset[Path]:
        try:
            self._code = self._chosen.files() | self._rules_code()
        except InvalidFile as error:  # Its next save may repair it, or one of another file.
            self._code |= {Path(error.path)}
        return self._code

    def _was_saved(self) -> bool:
        return self.waits or not _are_unchanged(self._seen)

    def _folders(self) -> set[Path]:
        return {path.parent for path in self._seen if path.parent.is_dir()}


@contextlib.asynccontextmanager
async def reload_when_saved(
    configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Watches the files until the end of the block, and calls `reload` after each change."""
    stopped = asyncio.Event()
    task = asyncio.get_running_loop().create_task(_watch(configuration, reload, stopped))
    try:
        yield
    finally:
        stopped.set()
        await task


async def _watch(
    configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]], stopped: asyncio.Event
) -> None:
    while not stopped.is_set():
        try:
            async for _ in configuration.changes(stopped):
                await _unless_stopped(reload, stopped)
        except Exception:  # A mistake in one reload must not end the watch.
            _logger.exception("the configuration could not be reloaded")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await stopped.wait()


async def _unless_stopped(reload: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
    """Reloads. Gives the reload up once `stopped` is set: its handler may hang."""
    reloading = asyncio.ensure_future(reload())
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait((reloading, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    reloading.cancel()  # Does nothing if it is done.
    with contextlib.suppress(asyncio.CancelledError):
        await reloading


def _close_late(loading: "asyncio.Future[_Loaded]") -> None:
    """Ends the functions of a version that was loaded after it was given up."""
    if loading.exception() is None:
        loading.result().close()


def _named(error: BaseException | None) -> Iterator[Path]:
    """The files of an error: the one that is wrong, and the one that names it."""
    while isinstance(error, InvalidFile):
        yield Path(error.path).absolute()
        error = error.__cause__


def _are_unchanged(states: Mapping[Path, _State | None]) -> bool:
    """Whether the files still have these states."""
    return all(_state(path) == state for path, state in states.items())


def _state(path: Path) -> _State | None:
    """A file's state; None if the file does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _State(found.st_mtime_ns, found.st_size, found.st_ino)
