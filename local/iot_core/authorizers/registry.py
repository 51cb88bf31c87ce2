"""The account's authorizers: the configured one, and those that the API created.

1. The configured authorizer comes from the project and is only in memory. A new one replaces the one before.
2. The API's authorizers and the name of the default authorizer are kept in `authorizers.json`.
3. If both have an authorizer of one name, the configured one counts. An update of it holds until the next
   configuration.
4. The configured authorizer can be the default one by its configuration. The API's SetDefaultAuthorizer goes first, and
   ClearDefaultAuthorizer holds until the next configuration.
5. Each new configuration begins a new generation: what an authorizer answered in an earlier generation is asked again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from iot_core.authorizers.rules import (
    MOST_KEYS,
    AuthorizerDescription,
    AuthorizerExists,
    AuthorizerInUse,
    InvalidAuthorizer,
    Status,
    UnknownAuthorizer,
    check_name,
    check_public_keys,
    check_status,
)
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile
from iot_policies.toml_file import key_of, read_file

_ADVICE = "correct the file, or remove it"


@dataclass(frozen=True, slots=True)
class _Stored:
    """The content of `authorizers.json`."""

    authorizers: dict[str, AuthorizerDescription]
    """By name."""
    default: str | None
    """The default authorizer's name; it can be the configured one."""


_JSON = TypeAdapter(_Stored)


class Authorizers:
    """All authorizers of the account."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """`folder` is the data folder; `clock` gives seconds since 1970. Raises InvalidFile for a broken file."""
        self._path = folder / "authorizers.json"
        self._clock = clock
        self._stored = _read(self._path)
        self._configured: AuthorizerDescription | None = None
        self._configured_default = False
        self.generation = 0
        """How many configurations came before the one in force."""

    @property
    def default(self) -> str | None:
        """The name of the authorizer for clients that name none; None if the account has no default authorizer."""
        name = self._stored.default
        if name is not None and self.get(name) is not None:
            return name
        return self._configured.name if self._configured is not None and self._configured_default else None

    def get(self, name: str) -> AuthorizerDescription | None:
        """The authorizer of this name, or None."""
        if self._configured is not None and self._configured.name == name:
            return self._configured
        return self._stored.authorizers.get(name)

    def describe(self, name: str) -> AuthorizerDescription:
        """The authorizer of this name. Raises InvalidAuthorizer for an invalid name, UnknownAuthorizer."""
        check_name(name)
        found = self.get(name)
        if found is None:
            raise UnknownAuthorizer(f"Authorizer {name} not found")
        return found

    def list(self, status: str | None = None) -> tuple[AuthorizerDescription, ...]:
        """All authorizers, or those of a status, oldest first. Raises InvalidAuthorizer for an invalid status."""
        if status is not None:
            check_status(status)
        names = {*self._stored.authorizers, *([self._configured.name] if self._configured else [])}
        found = [one for one in map(self.describe, names) if status in (None, one.status)]
        return tuple(sorted(found, key=lambda one: (one.creation_date, one.name)))

    def create(
        self,
        name: str,
        *,
        function_arn: str,
        token_key_name: str | None = None,
        public_keys: Mapping[str, str] | None = None,
        status: Status = "INACTIVE",
        signing_disabled: bool = False,
        enable_caching_for_http: bool = False,
    ) -> AuthorizerDescription:
        """Creates an authorizer. Raises InvalidAuthorizer, AuthorizerExists."""
        now = self._clock()
        made = AuthorizerDescription(
            name=name,
            function_arn=function_arn,
            token_key_name=token_key_name,
            public_keys=dict(public_keys or {}),
            status=status,
            signing_disabled=signing_disabled,
            enable_caching_for_http=enable_caching_for_http,
            creation_date=now,
            last_modified_date=now,
        )
        made.check()
        if self.get(name) is not None:
            raise AuthorizerExists(name, f"Authorizer {name} already exist for this account")
        self._put(made)
        return made

    def update(
        self,
        name: str,
        *,
        function_arn: str | None = None,
        token_key_name: str | None = None,
        public_keys: Mapping[str, str] | None = None,
        status: Status | None = None,
        enable_caching_for_http: bool | None = None,
    ) -> AuthorizerDescription:
        """Changes what is given. Keys are added, or replaced by name; `signing_disabled` cannot be changed.

        Raises InvalidAuthorizer, UnknownAuthorizer.
        """
        found = self.describe(name)
        check_public_keys(name, public_keys or {})
        keys = {**found.public_keys, **(public_keys or {})}
        if len(keys) > MOST_KEYS:
            raise InvalidAuthorizer(
                f"Number of signing keys for authorizer {name} must neither be zero nor greater than {MOST_KEYS}"
            )
        caching = enable_caching_for_http
        changed = replace(
            found,
            function_arn=found.function_arn if function_arn is None else function_arn,
            token_key_name=found.token_key_name if token_key_name is None else token_key_name,
            public_keys=keys,
            status=found.status if status is None else status,
            enable_caching_for_http=found.enable_caching_for_http if caching is None else caching,
            last_modified_date=self._clock(),
        )
        changed.check()
        self._put(changed)
        return changed

    def delete(self, name: str) -> None:
        """Deletes an authorizer.

        Raises UnknownAuthorizer, InvalidAuthorizer for an active authorizer, AuthorizerInUse for the default one.
        """
        if self.describe(name).status == "ACTIVE":
            raise InvalidAuthorizer(
                f"Cannot delete authorizer {name} in ACTIVE status. Update status to INACTIVE and delete."
            )
        if self.default == name:
            raise AuthorizerInUse(f"Cannot delete default authorizer {name}. Change default and retry delete.")
        if self._configured is not None and self._configured.name == name:
            self._configured = None
        self._keep({key: one for key, one in self._stored.authorizers.items() if key != name}, self._stored.default)

    def set_default(self, name: str) -> AuthorizerDescription:
        """Makes an authorizer the default. Raises UnknownAuthorizer, AuthorizerExists if it is the default already."""
        found = self.describe(name)
        if self.default == name:
            message = f"Duplicate default authorizer {name} already configured for this account"
            raise AuthorizerExists(name, message)
        self._keep(self._stored.authorizers, name)
        return found

    def describe_default(self) -> AuthorizerDescription:
        """The default authorizer. Raises UnknownAuthorizer if there is none."""
        if self.default is None:
            raise UnknownAuthorizer("Default authorizer not found")
        return self.describe(self.default)

    def clear_default(self) -> None:
        """Removes the default. Raises UnknownAuthorizer if there is none."""
        self.describe_default()
        self._configured_default = False
        self._keep(self._stored.authorizers, None)

    def put_configured(self, description: AuthorizerDescription, *, default: bool = False) -> None:
        """Puts the configured authorizer into force, in place of the one before. Raises InvalidAuthorizer.

        `default` says whether it is the default authorizer, unless the API has set another one. If the name stays, the
        creation date stays; if nothing changed, the modification date stays too.
        """
        description.check()
        before = self._configured
        if before is not None and before.name == description.name:
            description = replace(description, creation_date=before.creation_date)
            if replace(description, last_modified_date=before.last_modified_date) == before:
                description = before
        self._configured, self._configured_default = description, default
        self.generation += 1

    def _put(self, description: AuthorizerDescription) -> None:
        if self._configured is not None and self._configured.name == description.name:
            self._configured = description
        else:
            self._keep({**self._stored.authorizers, description.name: description}, self._stored.default)

    def _keep(self, authorizers: dict[str, AuthorizerDescription], default: str | None) -> None:
        stored = _Stored(authorizers, default)
        if stored != self._stored:
            write_whole(self._path, _JSON.dump_json(stored, indent=2))
            self._stored = stored


def _read(path: Path) -> _Stored:
    """Reads `authorizers.json`; without the file, there are no authorizers. Raises InvalidFile."""
    if not path.exists():
        return _Stored({}, None)
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
