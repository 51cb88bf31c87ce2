"""Loads a Lambda handler and invokes it in this process, as Lambda does: an event in, an answer and log lines out.

Rules:
- A handler is `module.attribute`. Its folder is the first on the module path, as a Lambda function's folder is.
- Each load imports the module again from its source, and the modules of the folder that it imports, at once or while
  it runs. It uses no .pyc file of them: after two saves within a second, one of the first would pass for the second. If
  a load fails, the previous modules stay in `sys.modules`.
- One handler loads at a time, because each sees other environment variables while it loads.
- The handler gets a copy of the event, and its answer must survive a round trip through JSON.
- What it prints goes to no terminal (`captured_output.py`). The first printed JSON object with `decision` is the log
  line of its decision.
"""

import importlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from itertools import accumulate
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple, cast

from iot_core.functions.captured_output import captured_output
from iot_core.identifiers import new_uuid
from iot_policies import InvalidFile
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion

TIMEOUT = 5.0
"""Seconds that IoT Core waits for an answer, including a cold start."""
LOADING_TIME = 10.0
"""Seconds that a handler may take to load, as in Lambda ("Lambda execution environment", Init phase)."""

_loading = threading.Lock()
"""Held while a handler loads."""
_own_modules: set[str] = set()
"""The modules that handlers' folders have, as far as they were looked for: perhaps others of these names were found."""
_added_folders: set[str] = set()
"""The folders that are on the module path only for handlers."""
_LONGEST_OUTPUT = 1000
"""Characters of what a handler printed that an invocation has."""
_LONGEST_ERROR = 1000
"""Characters of an error that a message shows."""
_MOST_ANSWER = 6 * 1024 * 1024
"""Bytes of an answer (Lambda quotas, "Invocation payload")."""

_KINDS = (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceFileLoader, SOURCE_SUFFIXES)
"""The loaders of modules, with the endings of their files."""

Answer = dict[str, object]
_Handler = Callable[[object, object], Answer]


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context object of an invocation (Lambda developer guide, "Using the Lambda context object")."""

    invoked_function_arn: str
    timeout: float = TIMEOUT
    """Seconds that the invocation may take. Lambda's context has no such attribute."""
    aws_request_id: str = field(default_factory=new_uuid)
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 256
    log_stream_name: str = "local"
    started: float = field(default_factory=time.monotonic)

    @property
    def function_name(self) -> str:
        """The last part of the ARN."""
        return self.invoked_function_arn.rpartition(":")[2]

    @property
    def log_group_name(self) -> str:
        """Lambda's default."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """The time until the invocation fails."""
        return max(0, round((self.started + self.timeout - time.monotonic()) * 1000))


class Invocation(NamedTuple):
    """The answer to one event, and what the handler logged about it."""

    answer: Answer
    decision: Mapping[str, object]
    """The log line of the decision; empty if the handler writes none."""
    output: str = ""
    """What the handler printed, up to a limit."""


class BrokenHandler(Exception):
    """A handler could not be loaded, raised an exception, or did not answer with a JSON object."""

    output = ""
    """What it printed for the event, up to a limit."""


class StillLoading(BrokenHandler):
    """A handler was not loaded because another handler, or an earlier version of it, is still loading."""


def function_arn(place: AccountRegion) -> str:
    """The ARN of the authorizer's function in an account and region."""
    return f"{place.arn_prefix('lambda')}function:authorizer"


class LambdaFunction:
    """A handler that was loaded once."""

    def __init__(
        self,
        handler: str,
        *,
        called: str | None = None,
        folder: Path | None = None,
        place: AccountRegion = EXAMPLE_PLACE,
        arn: str | None = None,
        timeout: float = TIMEOUT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Loads a handler of a folder, by default the current one, as a function of an account and region.

        Errors name `called`, by default the handler: a handler that is not the user's can run a function that is. Its
        context has `arn`, by default that of the authorizer's function, and says that an invocation may take `timeout`
        seconds: its caller ends one that takes longer. While it loads, it sees `environment` besides this process's
        environment variables. Raises BrokenHandler, and the InvalidFile that the handler raises for a wrong
        configuration.
        """
        directory = Path.cwd() if folder is None else folder.absolute()
        os.environ.setdefault("AWS_REGION", place.region)
        with _one_at_a_time(), _environment(environment or {}), captured_output():
            _put_first(directory, handler.split(".")[:-2])
            self._handler = _load(handler, called or handler, directory)
        self.arn = function_arn(place) if arn is None else arn
        self._timeout = timeout

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Invokes the handler in the calling thread.

        Raises BrokenHandler if it raises an exception or does not answer with a JSON object.
        """
        answer, decision, output = self.invoke_json(json.dumps(event))
        return Invocation(json.loads(answer), decision, output)

    def invoke_json(self, event: str | bytes) -> tuple[str, Mapping[str, object], str]:
        """Does what `invoke` does. Takes the event as JSON, and returns the answer as JSON."""
        context = LambdaContext(self.arn, self._timeout)
        with captured_output() as output:
            try:
                answer = self._handler(json.loads(event), context)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # Own exceptions of the handler can be any, such as CancelledError.
                broken = BrokenHandler(f"the handler raised {_line(error)}")
                broken.output = _shown(output.text())
                raise broken from error
        try:
            text = json.dumps(answer)
        except (TypeError, ValueError, RecursionError) as error:
            raise BrokenHandler(f"the handler's answer is not JSON: {error}") from None
        if not isinstance(answer, dict):
            raise BrokenHandler(f"the handler answered with {type(answer).__name__}: expected a dict")
        if len(text) > _MOST_ANSWER:
            raise BrokenHandler(f"the handler's answer has {len(text)} bytes: Lambda allows {_MOST_ANSWER}")
        printed = output.text()
        return text, _decision(printed), _shown(printed)


def handler_file(handler: str, folder: Path) -> Path | None:
    """The file of a handler's module; None if it is not found. Imports nothing: a package could do anything then."""
    search, spec = [str(folder.absolute()), *sys.path], None
    for part in handler.split(".")[:-1]:
        found = [each for each in (FileFinder(path, *_KINDS).find_spec(part) for path in search) if each is not None]
        # Those without a loader are folders without __init__.py, which count together if there is nothing else.
        spec = next((each for each in found if each.loader is not None), None)
        folders = found if spec is None else [spec]
        search = [path for each in folders for path in each.submodule_search_locations or ()]
    return Path(spec.origin).absolute() if spec is not None and spec.origin else None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _loading.acquire(timeout=LOADING_TIME / 2):
        raise StillLoading("another handler, or an earlier version of this one, hangs while it loads: waiting for it")
    try:
        yield
    finally:
        _loading.release()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables while a handler loads."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _put_first(folder: Path, packages: Sequence[str]) -> None:
    """Makes a folder the first on the module path, without those of other handlers: their modules are not its own.

    `packages`: those of the handler, outermost first. They may have been imported before, without this finder.
    """
    first = str(folder)
    others = [each for each in sys.path if each != first and each not in _added_folders]
    if first not in sys.path:
        _added_folders.add(first)
    sys.path[:] = [first, *others]
    for each in accumulate(packages, Path.joinpath, initial=folder):
        sys.path_importer_cache[str(each)] = _FolderFinder(str(each))


class _FolderFinder(FileFinder):
    """Finds the modules of a folder, and of packages in it."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceLoader, SOURCE_SUFFIXES))

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        found = super().find_spec(fullname, target)
        if found is not None:
            _own_modules.add(fullname)
        for folder in (found and found.submodule_search_locations) or ():
            sys.path_importer_cache[folder] = _FolderFinder(folder)
        return found


class _SourceLoader(SourceFileLoader):
    """Loads a module from its source, never from a .pyc file."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        try:
            return self.source_to_code(self.get_data(path), path)
        except SyntaxError as error:  # It names no file with null bytes, as in UTF-16.
            error.filename = error.filename or path
            raise


def _load(handler: str, called: str, folder: Path) -> _Handler:
    """Loads a handler. Errors name `called` and its module."""
    name, _, attribute = handler.rpartition(".")
    module = called.rpartition(".")[0]
    if not name or not attribute:
        raise BrokenHandler(f"{called}: expected MODULE.NAME, with the module in {folder}")
    if (top := name.partition(".")[0]) in sys.stdlib_module_names | {"__main__"}:
        raise BrokenHandler(f"{called}: Python itself has a module {top}, which Lambda may load instead: rename yours")
    try:
        found = getattr(_fresh_module(name), attribute, None)
    except InvalidFile:
        raise
    except ModuleNotFoundError as error:
        problem = f"no module named {error.name}"
        if not f"{module}.".startswith(f"{error.name}."):
            advice = f"install its package into {sys.prefix}, or put the module into {folder}"
            problem = f"{module} could not be loaded: {problem}: {advice}"
        raise BrokenHandler(f"{called}: {problem}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenHandler(f"{called}: {module} could not be loaded: {_line(error)}") from error
    if not callable(found):
        raise BrokenHandler(f"{called}: {module} has no function {attribute}")
    return cast("_Handler", found)


def _fresh_module(name: str) -> ModuleType:
    """Imports a module and what it imports from its folder again: each execution environment has modules of its own.

    Raises ModuleNotFoundError, and everything that the module raises.
    """
    importlib.invalidate_caches()
    before = {each: sys.modules.pop(each) for each in _replaced(name)}
    try:
        return importlib.import_module(name)
    except BaseException:
        for each in _replaced(name):
            del sys.modules[each]
        sys.modules.update(before)
        raise


def _replaced(name: str) -> set[str]:
    """The modules that a load of this one replaces."""
    return {name, *filter(_is_own, _own_modules)} & sys.modules.keys()


def _is_own(name: str) -> bool:
    """Whether a module that a folder has is the one that was imported: a folder of data finds an installed one first.

    A namespace package that also has folders elsewhere is not: what was imported from these needs it.
    """
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or isinstance(spec.loader, _SourceLoader):  # None: it puts an object into its own place.
        return True
    finders = map(sys.path_importer_cache.get, spec.submodule_search_locations or ())
    return spec.origin is None and all(isinstance(each, _FolderFinder) for each in finders)


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        line = f":{error.lineno}" if error.lineno else ""
        return f"{type(error).__name__}: {error.msg} at {error.filename}{line}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = str(traceback.TracebackException(type(error), error, None))  # Also of an error that has none.
    return f"{type(error).__name__}: {text[:_LONGEST_ERROR]}{place}"


def _decision(output: str) -> Mapping[str, object]:
    for line in output.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and "decision" in record:
            return record
    return {}


def _shown(output: str) -> str:
    """The beginning of what a handler printed."""
    return output[:_LONGEST_OUTPUT].rstrip()
