"""Edits of the template on the page: tried, and never put into force.

1. The page sends the whole text. It is compiled, explained and compared with the template in force. Nothing is written.
2. A text has at most MOST_CHARACTERS, MOST_DOTS and MOST_STRINGS: reading one cannot be interrupted. The slowest text
   within these limits takes about a second. Its comparison can take ten seconds longer than that of other edits.
3. Texts are read in one thread, one after the other. At most MOST_WAITING requests wait, and others are refused.
4. A request that the browser gives up, such as one about an earlier edit, is given up here too.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from iot_authorizer_cli.console.bodies import BodyRefused
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.diff_wording import affected_text
from iot_policies import InvalidFile, PolicyTemplate, Principal
from iot_policies.proofs.diff import affected_client
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.smallest_principals import Words
from iot_policies.toml_file import parse_toml

MOST_CHARACTERS = 64 * 1024
"""The limit of an edit."""
MOST_DOTS = 2000
"""The limit of the dots in an edit: the time that `tomllib` takes for a key grows with the square of its dots."""
MOST_STRINGS = 200
"""The limit of the strings in an edit, since the entries, which are strings, are compared with each other."""
MOST_WAITING = 16
"""Requests about edits that are answered or wait at the same time."""
_READ = 4
"""Edits that are kept, since the page asks several questions about one."""

Result = TypeVar("Result")


class EditDesk:
    """Works on edits, one at a time."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "edits")
        self._waiting = 0

    def close(self) -> None:
        """Drops the work that waits."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def do(self, request: Request, work: Callable[[], Result]) -> Result:
        """Does something with an edit in the thread. Raises BodyRefused, and ClientDisconnect for a lost browser."""

        async def wait() -> Result:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)

        return await self.follow(request, wait())

    async def follow(self, request: Request, work: Coroutine[object, object, Result]) -> Result:
        """As `do`, for work that runs elsewhere, and ends when it is cancelled."""
        if self._waiting >= MOST_WAITING:
            work.close()
            raise BodyRefused(429, "too many edits are tried at once: try this one again in a few seconds")
        self._waiting += 1
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientDisconnect
            return task.result()
        finally:
            self._waiting -= 1
            task.cancel()
            gone.cancel()


async def _gone(request: Request) -> None:
    """Waits until the client of a request whose body was read is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@lru_cache(_READ)
def read_edit(text: str, path: Path, topic_prefix: str) -> TemplateText:
    """Reads an edit of the template in this file, within the limits."""
    if len(text) > MOST_CHARACTERS:
        return _too_large(text, f"{len(text):,} characters")
    if (dots := text.count(".")) > MOST_DOTS:
        return _too_large(text, f"{dots:,} dots")
    try:
        tables, _ = parse_toml(text.encode(), path)
    except InvalidFile:
        return TemplateText.edited(text, path, topic_prefix)  # It says what is wrong.
    if (strings := _strings(tables)) > MOST_STRINGS:
        return _too_large(text, f"{strings:,} strings")
    return TemplateText.edited(text, path, topic_prefix)


def read_valid_edit(text: str, path: Path, topic_prefix: str) -> PolicyTemplate:
    """The template of an edit. Raises BodyRefused if it cannot be loaded."""
    found = read_edit(text, path, topic_prefix)
    if found.template is None:
        where = "" if found.problem_line is None else f"line {found.problem_line}: "
        raise BodyRefused(409, f"the edit cannot be loaded: {where}{found.problem}", "template")
    return found.template


def effect_on(in_force: PolicyTemplate, edited: PolicyTemplate, principal: Principal, client_id: str | None) -> str:
    """What an edit opens and closes for one client, in words; empty for nothing."""
    try:
        found = affected_client(in_force, edited, Words((in_force, edited)), principal, client_id)
    except NotCovered as problem:
        return f"not covered: {problem}"
    return "" if found is None else affected_text(found)


def _too_large(text: str, found: str) -> TemplateText:
    limits = f"at most {MOST_CHARACTERS:,} characters, {MOST_STRINGS} strings and {MOST_DOTS:,} dots"
    problem = f"found {found}: the page tries templates with {limits}. A template in a file can be larger."
    return TemplateText(text, None, is_source=False, problem=problem)


def _strings(tables: object) -> int:
    """The strings in all lists and tables."""
    found, rest = 0, [tables]
    while rest:
        each = rest.pop()
        found += isinstance(each, str)
        rest += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return found
