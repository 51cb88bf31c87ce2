"""The client IDs of a principal, as far as the authorizer's configuration tells.

- A `connect` entry with the principal's name, or with claims that the table or the password file has, tells client IDs.
- An entry that ends in `*`, or has a placeholder without a known value, cannot be looked up; it is reported instead.
- A file or a table of the configuration that is invalid is reported, and the revocation goes on without it.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from iot_authorizer.configuration import PartialConfiguration, RevocationSettings, load_partial_configuration
from iot_authorizer_cli.project.configuration import password_file_claims
from iot_authorizer_cli.terminal import warn
from iot_policies import InvalidFile, PolicyError, PolicyTemplate, Principal
from iot_policies.entries import Entry
from iot_policies.placeholders import Values, as_format, placeholder_names
from iot_policies.principal import Claims
from iot_policies.toml_file import read_toml

_LONGEST_CLIENT_ID = 128
"""Characters, as IoT Core's API takes them."""
_LONGEST_INVOCATION = 5
"""Seconds that IoT Core waits for a Lambda, which can have read the table when it began."""


@dataclass(frozen=True)
class KnownConfiguration:
    """What is known of an authorizer that looks up revocations."""

    path: Path
    file: PartialConfiguration | None = None
    """None if the file is missing or cannot be read."""
    template: PolicyTemplate | None = None
    """None if the configuration names none, or it cannot be read."""
    no_template: str = "no configuration here"
    """Why there is no template."""
    claims: Mapping[str, Claims] = field(default_factory=dict)
    """Claims of the users in the password file."""
    cache_for: int = RevocationSettings().cache_for
    """Seconds that the authorizer caches what the table says."""

    @property
    def refused_after(self) -> int:
        """Seconds after a revocation from which no authorizer allows its clients by a cached answer."""
        return self.cache_for + _LONGEST_INVOCATION

    @property
    def refreshed_after(self) -> int | None:
        """Seconds after a revocation from which no client is allowed by an earlier decision; None if unknown.

        A client that was allowed last, by a cached answer, is asked about again after the template's `refresh_after`.
        """
        return None if self.template is None else self.refused_after + self.template.session.refresh_after

    def has_issuer(self, issuer: str) -> bool:
        """Whether the configuration has an issuer; True if that is unknown."""
        return self.file is None or any(each.issuer == issuer for each in self.file.issuers.values())


def read_known(path: Path) -> KnownConfiguration:
    """Reads what can be read, and warns about the rest."""
    try:
        if not path.exists():
            return KnownConfiguration(path)
        file = _readable(path)
    except (InvalidFile, OSError) as error:
        warn(f"{error}: continuing without the configuration")
        return KnownConfiguration(path, no_template=f"{path} cannot be read")
    claims = password_file_claims(path.parent / file.passwords.file if file.passwords and file.passwords.file else None)
    template, problem = _template(path, file)
    return KnownConfiguration(path, file, template, problem, claims, file.revocation.cache_for)


def _readable(path: Path) -> PartialConfiguration:
    """The configuration without the tables that are invalid. Raises InvalidFile if the file is not TOML."""
    read_toml(path)
    found = PartialConfiguration()
    for key in PartialConfiguration.model_fields:
        try:
            part, _ = load_partial_configuration(path, only=(key,))
        except InvalidFile as error:
            warn(f"{error}: continuing without {key}")
        else:
            found = found.model_copy(update={key: getattr(part, key)})
    return found


def _template(path: Path, file: PartialConfiguration) -> tuple[PolicyTemplate | None, str]:
    """The template, or why there is none."""
    if file.policy is None:
        return None, f"{path} names no policy template"
    try:
        return PolicyTemplate.load(path.parent / file.policy, file.topic_prefix), ""
    except InvalidFile as error:
        warn(f"{error}: continuing without the policy template")
        return None, f"{file.policy} cannot be read"


class ClientIds(NamedTuple):
    """What `connect` grants a principal."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Entries whose client IDs cannot be looked up, such as `ann/*` or `{claims.device}`."""


def granted(template: PolicyTemplate, principal: Principal) -> ClientIds:
    """The client IDs of all grants that apply, and of those that name the principal and could apply.

    The claims of the principal's tokens are unknown, and no other principal has a client ID with this one's name.
    """
    values = Values(principal, None)
    client_ids: list[str] = []
    unknown: list[str] = []
    for entry in template.entries:
        if entry.effect == "Allow" and entry.key == "connect" and _may_apply(entry, principal):
            for text, is_known in _filled(entry, values):
                (client_ids if is_known else unknown).append(text)
    return ClientIds(tuple(dict.fromkeys(filter(is_client_id, client_ids))), tuple(dict.fromkeys(unknown)))


def is_client_id(text: str) -> bool:
    """Whether IoT Core's API accepts a client ID."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return 1 <= len(text) <= _LONGEST_CLIENT_ID and not text.startswith("$")


def _may_apply(entry: Entry, principal: Principal) -> bool:
    with suppress(PolicyError):  # The authorizer refuses the claims that are known; a token's may replace them.
        if entry.block.applies(principal.claims):
            return True
    return bool(placeholder_names(entry.text))


def _filled(entry: Entry, values: Values) -> Iterator[tuple[str, bool]]:
    """An entry with its values, and whether it is one client ID then. Nothing if no policy can hold a value."""
    names = placeholder_names(entry.text)
    try:
        known = tuple(name for name in names if values.combinations((name,)))
        for combination in values.combinations(known):
            found = dict(zip(known, combination, strict=True))
            filled = [found.get(name, f"{{{name}}}") for name in names]
            yield as_format(entry.text, names).format(*filled), known == names and not entry.text.endswith("*")
    except PolicyError:  # The authorizer refuses a principal with such values.
        return
