"""The folders of the keys: the private one is for its owner alone and out of git, and both stand where they seem to."""

from dataclasses import dataclass
from pathlib import Path

from iot_core.whole_file import unfinished, write_whole
from iot_policies import InvalidFile

_NEVER_COMMITTED = b"*\n"
"""As the last line of a .gitignore it wins over all others (gitignore, "Pattern format")."""


@dataclass(frozen=True, slots=True)
class KeyFolders:
    """The folders beside one configuration."""

    public: Path
    private: Path

    @classmethod
    def beside(cls, config: Path) -> "KeyFolders":
        """Those of a configuration, made or not."""
        return cls(config.parent / "keys", config.parent / "keys" / "private")

    def check(self) -> None:
        """Checks that neither is a link, which might lead where git does not look. Raises InvalidFile."""
        for folder in (self.public, self.private):
            if folder.is_symlink():
                raise InvalidFile(folder, None, "", "is a link: expected a folder, or nothing, and one is made")

    def make(self) -> None:
        """Makes what is missing, and closes the private one to all others, and to git. Raises OSError."""
        self.public.mkdir(mode=0o755, exist_ok=True)
        self.private.mkdir(mode=0o700, exist_ok=True)
        self.private.chmod(0o700)
        ignored = self.private / ".gitignore"
        # Git follows no link there.
        before = ignored.read_bytes() if ignored.exists() and not ignored.is_symlink() else b""
        if not b"\n".join((b"", before)).endswith(b"\n" + _NEVER_COMMITTED):
            ending = b"" if before.endswith(b"\n") or not before else b"\n"
            write_whole(ignored, before + ending + _NEVER_COMMITTED)

    def clean(self) -> None:
        """Removes what was left half written by who was killed. Nobody may be writing keys. Raises OSError."""
        for folder in (self.public, self.private):
            for left in unfinished(folder):
                left.path.unlink()
