"""What goes with a key: its own halves, and no file that only stands where one of them would."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cli.signing.key_pair import KeyPair
from iot_authorizer_cli.signing.key_ring import KeyRefused, KeyRing, check_key_name, new_public_file
from iot_policies import InvalidFile


@dataclass(frozen=True, slots=True)
class Retirement:
    """The files of a key that is taken out of use. What is not there is None."""

    private: Path | None
    public: Path | None
    staying: tuple[str, ...]
    """Of files that are not removed: which, and why."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that go, in the order in which they do."""
        return tuple(path for path in (self.private, self.public) if path is not None)


def plan_retirement(ring: KeyRing, name: str) -> Retirement:
    """What the retirement of a key removes. Raises KeyRefused for a key that the configuration does not name."""
    check_key_name(name)
    pair = ring.find(name)
    if list(ring.public_files) == [name]:
        raise KeyRefused(
            f"{name} is the last key, and IoT Core can't turn signing off for an authorizer: make another key "
            f"first, with iot-authorizer keys rotate{ring.option}; to end signing, give the authorizer another name "
            "and take [signing] out"
        )
    staying: list[str] = []
    private = _going(pair.private_path, pair.check_private, staying)
    public = _going(pair.public_path, lambda: _check_public(ring, pair), staying)
    return Retirement(private, public, tuple(staying))


def _going(path: Path, check: Callable[[], object], staying: list[str]) -> Path | None:
    """The path if its file goes. Where one is there that does not, `staying` gets a line."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(mode):
            raise InvalidFile(path, None, "", "is a link" if stat.S_ISLNK(mode) else "is no file")
        check()
    except InvalidFile as error:
        staying.append(f"{path} stays: {error.expected if error.path == str(path) else error}")
        return None
    return path


def _check_public(ring: KeyRing, pair: KeyPair) -> None:
    path = pair.public_path
    for other in ring.pairs:
        if other.name != pair.name and _is_same(other.public_path, path):
            raise InvalidFile(path, None, "", f"is {other.name}'s too")
    if not _is_same(path, ring.config.parent / new_public_file(pair.name)):
        raise InvalidFile(path, None, "", "keys new did not put it there")
    pair.read_public()


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, however they are spelt."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
