"""Where this installation came from, as uv writes it into a project's `pyproject.toml`.

1. The installer recorded it in `direct_url.json` (packaging.python.org, "Recording the Direct URL Origin").
2. A local file is copied into the project, so that others and CI have it too. A folder is named by its path.
3. Without a record, the package came from an index. Its bare name is never written: another index may have another
   package of this name.
4. User names and passwords in a URL are left out, except the user name of ssh.
"""

import json
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from iot_authorizer_cdk.properties import InvalidSettings
from iot_authorizer_cli.distribution import DISTRIBUTION

_VENDOR = "vendor"
_FROM = "install it from a wheel, a folder or a git address, and run init again"


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The value in `[tool.uv.sources]`."""

    toml: str
    shown: str
    """As a user reads it."""
    file: Path | None = None
    """The file to copy into the project; None if there is none."""
    copy: Path | None = None
    """Its place in the project's folder."""
    only_here: bool = False
    """Whether other machines do not have it."""


def installed_from() -> PackageSource:
    """Returns where this installation came from. Raises InvalidSettings if that is not known or no longer exists."""
    return read_source(distribution(DISTRIBUTION).read_text("direct_url.json"))


def read_source(record: str | None) -> PackageSource:
    """Reads the content of `direct_url.json`; None if there is none. Raises InvalidSettings."""
    if record is None:
        raise InvalidSettings(f"this {DISTRIBUTION} came from a package index: {_FROM}")
    found: dict[str, Any] = json.loads(record)
    url = found["url"]
    subdirectory = f", subdirectory = {_quoted(found['subdirectory'])}" if "subdirectory" in found else ""
    if (vcs := found.get("vcs_info")) is not None:
        address = _without_secrets(url)
        toml = f"{{ {vcs['vcs']} = {_quoted(address)}, rev = {_quoted(vcs['commit_id'])}{subdirectory} }}"
        shown = f"{address} at {vcs['commit_id'][:12]}"
        return PackageSource(toml, shown, only_here=urlsplit(address).scheme == "file")
    if urlsplit(url).scheme != "file":
        address = _without_secrets(url)
        return PackageSource(f"{{ url = {_quoted(address)}{subdirectory} }}", address)
    return _local(Path(url2pathname(urlsplit(url).path)), found.get("dir_info"))


def _local(path: Path, folder: dict[str, Any] | None) -> PackageSource:
    if not path.exists():
        raise InvalidSettings(f"{path}: {DISTRIBUTION} was installed from it, and it no longer exists: {_FROM}")
    if folder is None:
        copy = Path(_VENDOR, path.name)
        return PackageSource(f"{{ path = {_quoted(copy.as_posix())} }}", copy.as_posix(), path, copy)
    editable = ", editable = true" if folder.get("editable") else ""
    return PackageSource(f"{{ path = {_quoted(str(path))}{editable} }}", str(path), only_here=True)


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    kept = f"{user.partition(':')[0]}@" if parts.scheme.endswith("ssh") else ""
    return parts._replace(netloc=f"{kept}{host}").geturl()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
