"""All signing keys of one `authorizer.toml`."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cli.options import CONFIG, require_config
from iot_authorizer_cli.signing.key_pair import KeyPair
from iot_core.authorizers.rules import MOST_KEYS, is_key_name
from iot_policies.toml_file import invalid_file

KEY_NAME = "expected 1 to 128 letters, digits and :_-"
"""What IoT Core accepts as a key's name."""


class KeyRefused(ValueError):
    """Something that cannot be done with a key. The text says what to do instead."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a configuration, in its order."""

    config: Path
    public_files: Mapping[str, str]
    """Files by key name, as the configuration has them."""
    token_key_name: str | None
    """The name under which IoT Core looks for the signed token."""

    @property
    def option(self) -> str:
        """The option that makes a suggested command use this configuration."""
        return "" if self.config == CONFIG else f" --config {shlex.quote(str(self.config))}"

    @property
    def pairs(self) -> list[KeyPair]:
        """Each key."""
        return [self.pair(name) for name in self.public_files]

    @property
    def is_full(self) -> bool:
        """Whether IoT Core takes no more keys."""
        return len(self.public_files) >= MOST_KEYS

    def pair(self, name: str) -> KeyPair:
        """The key of a name. If the configuration does not name it, its public half is where a new key has it."""
        public = self.public_files.get(name, new_public_file(name))
        return KeyPair(name, self.config.parent / public, self.config.parent / "keys" / "private" / f"{name}.pem")

    def find(self, name: str) -> KeyPair:
        """A key that the configuration names. Raises KeyRefused."""
        if name not in self.public_files:
            known = ", ".join(self.public_files) or "none"
            raise KeyRefused(f"{self.config} has no key {name}; its keys: {known}")
        return self.pair(name)

    def active(self) -> KeyPair | None:
        """The key that signs: the newest with a private half on this machine, or None. Raises InvalidFile."""
        # Of two with the same time, the later one in the configuration is newer.
        dated = [(pair.created, index, pair) for index, pair in enumerate(self.pairs) if pair.has_private]
        return max(dated)[2] if dated else None


def new_public_file(name: str) -> str:
    """The file of a new key's public half, relative to the configuration."""
    return f"keys/{name}.pem"


def check_key_name(name: str) -> None:
    """Checks that IoT Core accepts a name, which is also a file's. Raises KeyRefused."""
    if not is_key_name(name):
        raise KeyRefused(f"a key's name: {KEY_NAME}")


def read_key_ring(config: Path) -> KeyRing:
    """The keys that a configuration names. Raises InvalidFile."""
    require_config(config)
    found, text = load_partial_configuration(config)
    files = found.signing.public_keys if found.signing else {}
    for name in files:
        if not is_key_name(name):
            raise invalid_file(config, text, ("signing", "public_keys", name), f"a key's name: {KEY_NAME}")
    return KeyRing(config, files, found.token_key_name)
