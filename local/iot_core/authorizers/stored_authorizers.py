"""The file of the authorizers that were made over the API."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from iot_core.authorizers.authorizer_description import AuthorizerDescription
from iot_core.authorizers.authorizer_rules import InvalidAuthorizer
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile
from iot_policies.toml_file import key_of, read_file

_ADVICE = "mend it, or remove the file"


@dataclass(frozen=True, slots=True)
class StoredAuthorizers:
    """What is in the file."""

    authorizers: dict[str, AuthorizerDescription]
    """By name."""
    default: str | None
    """The default authorizer's name; it may be one of the configuration."""

    @classmethod
    def read(cls, path: Path) -> "StoredAuthorizers":
        """Reads the file; without one, there are none. Raises InvalidFile for a broken one."""
        if not path.exists():
            return cls({}, None)
        try:
            stored = _JSON.validate_json(read_file(path), strict=True)
            for name, description in stored.authorizers.items():
                if name != description.name:
                    raise InvalidFile(path, None, f"authorizers.{name}.name", f"expected {name}: {_ADVICE}")
                description.check()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise InvalidFile(path, None, key_of(first["loc"]), f"{first['msg']}: {_ADVICE}") from None
        except InvalidAuthorizer as error:
            raise InvalidFile(path, None, "", f"{error}: {_ADVICE}") from None
        return stored

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all. Raises OSError."""
        write_whole(path, _JSON.dump_json(self, indent=2))


_JSON = TypeAdapter(StoredAuthorizers)
