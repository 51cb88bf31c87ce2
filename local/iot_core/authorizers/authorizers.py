"""The account's authorizers: the one of the configuration, and those that were made over the API."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from iot_core.authorizers.authorizer_description import AuthorizerDescription, Status
from iot_core.authorizers.authorizer_rules import (
    MOST_KEYS,
    AuthorizerExists,
    AuthorizerInUse,
    InvalidAuthorizer,
    UnknownAuthorizer,
    check_name,
    check_public_keys,
    check_status,
)
from iot_core.authorizers.stored_authorizers import StoredAuthorizers

__all__ = ["AuthorizerDescription", "Authorizers"]


class Authorizers:
    """All authorizers. What was made over the API is kept in `authorizers.json`, written whole or not at all."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """`folder` is the data folder; `clock` gives seconds since 1970. Raises InvalidFile for a broken file."""
        self._path = folder / "authorizers.json"
        self._clock = clock
        self._stored = StoredAuthorizers.read(self._path)
        self._configured: AuthorizerDescription | None = None

    @property
    def default(self) -> str | None:
        """The name of the one that is used where a client names none; None where there is none."""
        name = self._stored.default
        return name if name is not None and self.get(name) is not None else None

    def get(self, name: str) -> AuthorizerDescription | None:
        """The one of this name; the configuration's comes first."""
        if self._configured is not None and self._configured.name == name:
            return self._configured
        return self._stored.authorizers.get(name)

    def describe(self, name: str) -> AuthorizerDescription:
        """The one of this name. Raises InvalidAuthorizer for a wrong name, UnknownAuthorizer."""
        check_name(name)
        found = self.get(name)
        if found is None:
            raise UnknownAuthorizer(f"Authorizer {name} not found")
        return found

    def list(self, status: str | None = None) -> tuple[AuthorizerDescription, ...]:
        """All, or those of a status, oldest first. Raises InvalidAuthorizer for a status that does not exist."""
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
        """Makes one. Raises InvalidAuthorizer, AuthorizerExists."""
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
        """Changes what is given. Keys are added, or replaced by name; whether tokens are signed can't be changed.

        A change of the configuration's authorizer holds until the configuration is read again. Raises
        InvalidAuthorizer, UnknownAuthorizer.
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
        """Deletes one.

        Raises UnknownAuthorizer, InvalidAuthorizer for an active one, AuthorizerInUse for the default one.
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
        """Makes one the default, in place of another.

        Raises UnknownAuthorizer, AuthorizerExists where it is the default already.
        """
        found = self.describe(name)
        if self.default == name:
            message = f"Duplicate default authorizer {name} already configured for this account"
            raise AuthorizerExists(name, message)
        self._keep(self._stored.authorizers, name)
        return found

    def describe_default(self) -> AuthorizerDescription:
        """The default one. Raises UnknownAuthorizer where there is none."""
        if self.default is None:
            raise UnknownAuthorizer("Default authorizer not found")
        return self.describe(self.default)

    def clear_default(self) -> None:
        """Leaves none the default. Raises UnknownAuthorizer where none is."""
        self.describe_default()
        self._keep(self._stored.authorizers, None)

    def put_configured(self, description: AuthorizerDescription) -> None:
        """Takes the configuration's authorizer, in place of the one it gave before. Raises InvalidAuthorizer.

        The same one, by its name, was created when it first came, and modified when it was last another.
        """
        description.check()
        before = self._configured
        if before is not None and before.name == description.name:
            description = replace(description, creation_date=before.creation_date)
            if replace(description, last_modified_date=before.last_modified_date) == before:
                description = before
        self._configured = description

    def _put(self, description: AuthorizerDescription) -> None:
        if self._configured is not None and self._configured.name == description.name:
            self._configured = description
        else:
            self._keep({**self._stored.authorizers, description.name: description}, self._stored.default)

    def _keep(self, authorizers: dict[str, AuthorizerDescription], default: str | None) -> None:
        stored = StoredAuthorizers(authorizers, default)
        if stored != self._stored:
            stored.write(self._path)
            self._stored = stored
