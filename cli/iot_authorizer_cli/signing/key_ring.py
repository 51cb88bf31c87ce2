"""All signing keys of one `authorizer.toml`."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cli.signing.folders import KeyFolders
from iot_authorizer_cli.signing.key_pair import KeyPair
from iot_core.authorizers.rules import MOST_KEYS, is_key_name
from iot_policies import InvalidFile
from iot_policies.toml_file import invalid_file

CONFIG = Path("authorizer.toml")
"""The configuration unless another is named."""
BITS = (2048, 3072, 4096)
"""Sizes of new keys; IoT Core takes none below."""
KEY_NAME = "expected 1 to 128 letters, digits and :_-"
"""What IoT Core takes as a key's name."""


class KeyRefused(ValueError):
    """Something that can't be done with a key. Its text says what to do instead."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that IoT Core takes, in the order in which the configuration names them."""

    config: Path
    public_files: Mapping[str, str]
    """Files by the keys' names, as they stand in the configuration."""
    token_key_name: str | None
    """Under which IoT Core looks for the signed token."""

    @property
    def option(self) -> str:
        """What a command to type has behind its name, so that it means this configuration."""
        return "" if self.config == CONFIG else f" --config {shlex.quote(str(self.config))}"

    @property
    def folders(self) -> KeyFolders:
        """Where keys are made."""
        return KeyFolders.beside(self.config)

    @property
    def pairs(self) -> list[KeyPair]:
        """Each key."""
        return [self.pair(name) for name in self.public_files]

    @property
    def is_full(self) -> bool:
        """Whether IoT Core takes no more keys."""
        return len(self.public_files) >= MOST_KEYS

    def pair(self, name: str) -> KeyPair:
        """The key of a name. One that the configuration does not name has its public half where a new key's is."""
        public = self.public_files.get(name, new_public_file(name))
        return KeyPair(name, self.config.parent / public, self.folders.private / f"{name}.pem")

    def find(self, name: str) -> KeyPair:
        """A key that IoT Core takes. Raises KeyRefused."""
        if name not in self.public_files:
            known = ", ".join(self.public_files) or "none"
            raise KeyRefused(f"{self.config} names no key {name}, only: {known}")
        return self.pair(name)

    def active(self) -> KeyPair | None:
        """The key that signs: the newest with a private half here; None where there is none. Raises InvalidFile."""
        # Of two that are equally old, the later one in the configuration is the newer.
        dated = [(pair.created, index, pair) for index, pair in enumerate(self.pairs) if pair.has_private]
        return max(dated)[2] if dated else None


def new_public_file(name: str) -> str:
    """The file of a new key's public half, from where the configuration stands."""
    return f"keys/{name}.pem"


def check_key_name(name: str) -> None:
    """Checks that IoT Core takes a name, which also is a file's. Raises KeyRefused."""
    if not is_key_name(name):
        raise KeyRefused(f"a key's name: {KEY_NAME}")


def read_key_ring(config: Path) -> KeyRing:
    """The keys that a configuration names. Raises InvalidFile."""
    if not config.exists():
        raise InvalidFile(config, None, "", "there is no such file: name yours with --config")
    found, text = load_partial_configuration(config)
    files = found.signing.public_keys if found.signing else {}
    for name in files:
        if not is_key_name(name):
            raise invalid_file(config, text, ("signing", "public_keys", name), f"a key's name: {KEY_NAME}")
    return KeyRing(config, files, found.token_key_name)
