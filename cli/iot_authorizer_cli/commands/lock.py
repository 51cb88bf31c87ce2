"""`iot-authorizer lock`: locks the packages that a handler of your own imports.

`lambda.in` has the requirements, which people write. `lambda.txt` has the locked packages with hashes. The lock file's
name is `requirements` of `authorizer.toml`; the other one has the same name with the suffix `.in`.
"""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cdk.package.locked_packages import lock as lock_packages
from iot_authorizer_cdk.package.locked_packages import versions
from iot_authorizer_cli.options import CONFIG, Config, require_config
from iot_core.whole_file import write_whole
from iot_policies.toml_file import line_of, read_file

_LOCK_FILE = "lambda.txt"
_HEADER = "# Made by `iot-authorizer lock` from {name}. Do not edit it: edit {name}.\n"
_SHOWN = 6
"""Packages that are printed by name."""


def lock(
    requirements: Annotated[
        list[str] | None, typer.Argument(metavar="[REQUIREMENT]...", help='Add requirements, such as "redis>=5".')
    ] = None,
    config: Config = CONFIG,
) -> None:
    """Lock the packages that your own handler imports.

    Reads lambda.in, which has one requirement in each line, and writes lambda.txt, with versions and hashes that fit
    those of the authorizer. Arguments are added to lambda.in. `build` and `deploy` install what is locked.
    """
    require_config(config)
    named, text = load_partial_configuration(config, {}, only=("requirements",))
    target = config.parent / (named.requirements or _LOCK_FILE)
    source = target.with_suffix(".in")
    added = [each for each in requirements or () if each.strip()]
    if not added and not source.exists():
        example = "write one requirement in each line, or name them: `iot-authorizer lock httpx`"
        raise typer.BadParameter(f"{source} does not exist: {example}", param_hint="REQUIREMENT")
    before = read_file(source).decode("utf-8-sig") if source.exists() else ""
    wanted = _with_lines(before, added)
    locked = lock_packages(wanted, source.parent)
    if wanted != before:
        write_whole(source, wanted.encode())
        typer.echo(f"{source}: added {', '.join(added)}")
    write_whole(target, (_HEADER.format(name=source.name) + locked).encode())
    typer.echo(f"{target}: {_summary(locked)}")
    if named.requirements is None:
        typer.echo(f"{config}: {_name_in(config, text)}")
    typer.echo(f"to run it here too: uv pip install --require-hashes --requirements {target}")


def _with_lines(text: str, added: list[str]) -> str:
    """Appends the lines that a text does not have yet."""
    new = [line for line in added if line not in text.splitlines()]
    end = "" if not text or text.endswith("\n") else "\n"
    return text + end + "".join(f"{line}\n" for line in new) if new else text


def _summary(locked: str) -> str:
    found = [f"{name} {' or '.join(sorted(each))}" for name, each in versions(locked).items()]
    count = f"{len(found)} package{'' if len(found) == 1 else 's'}"
    return f"{count} with hashes: {', '.join(found[:_SHOWN])}{', …' if len(found) > _SHOWN else ''}"


def _name_in(config: Path, text: str) -> str:
    """Names the lock file below the handler in the configuration. Returns what was done, or what is left to do."""
    key = f'requirements = "{_LOCK_FILE}"'
    line = line_of(text, ("handler",))
    lines = read_file(config).decode("utf-8-sig").splitlines(keepends=True)
    if line is not None:
        end = "\r\n" if lines[line - 1].endswith("\r\n") else "\n"
        changed = "".join([*lines[: line - 1], lines[line - 1].rstrip("\r\n"), end, key, end, *lines[line:]])
        if tomllib.loads(changed) == {**tomllib.loads("".join(lines)), "requirements": _LOCK_FILE}:
            write_whole(config, changed.encode())
            return f"added {key}"
    return f"add handler and {key} above the first [table]"
