"""What an authorizer is built of: a configuration after its checks, with the files that it names.

1. `build` checks a configuration and writes its preparation beside it, as JSON. The Lambda then starts without the
   modules that check configurations and templates, which take more time than all others.
2. Like a `.pyc` file, it only saves time. It is used only if it was made of these files, by this version, with these
   variables. Otherwise the handler reads and checks the files, as it does everywhere else.
3. Some variables may have other values then: those for the name and the table, and for the role and the host name of
   the credentials endpoint. Deployments choose them late, and nothing else depends on them. They are checked here. So
   are issuers that the build did not know (`late_values`).
4. Its hashes tell that it is stale. They do not protect against a user who can write into the Lambda directory.
5. With a password file, none is written: the hashes of passwords stay in one file, which the functions of rules lack.
6. It is not used where the development issuer is: what a user tries is what the files say.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from iot_authorizer import __version__, development
from iot_authorizer.cached import Caching
from iot_authorizer.configured_texts import AUTHORIZER_NAME, HOST_NAME, ROLE_ARN, TABLE_NAME
from iot_authorizer.jwt_verifier import Expectations
from iot_policies.overriding import OVERRIDE
from iot_policies.policy_plan import PolicyPlan
from iot_policies.principal import Claims, Principal

_NAME, _TABLE = f"{OVERRIDE}NAME", f"{OVERRIDE}TABLE"
_HOST, _ROLE = f"{OVERRIDE}CREDENTIALS__ENDPOINT", f"{OVERRIDE}CREDENTIALS__ROLE"
_LATE = {_NAME: AUTHORIZER_NAME, _TABLE: TABLE_NAME, _HOST: HOST_NAME, _ROLE: ROLE_ARN}
"""The variables that may have other values than when the preparation was made, and the form of these."""


@dataclass(frozen=True, slots=True)
class PreparedIssuer:
    """One `[[jwt]]`. Its keys are those of a file, or come from a URL or a shared secret."""

    expects: Expectations
    algorithms: tuple[str, ...]
    caching: Caching
    key_set: str | None = None
    """The JWKS of a file."""
    url: str | None = None
    """The URL of a JWKS."""
    secret: str | None = None
    """The name of a shared secret."""


@dataclass(frozen=True, slots=True)
class PreparedEndpoint:
    """`[credentials]`: the credentials endpoint."""

    origins: tuple[str, ...]
    """The origins of web pages that may use it."""
    host: str | None
    """IoT Core's host name, which clients are told; None until the deployment sets it."""
    role: str | None
    """The ARN of the clients' role; None until the deployment sets it."""


@dataclass(frozen=True, slots=True)
class TableUse:
    """What the table of identities is used for, if there is one."""

    is_needed: bool
    """Whether the configuration makes no sense without a table."""
    cache_for: float
    """Seconds that its answers are cached."""
    when_unavailable_allow: bool
    stored_claims: tuple[str, ...]
    """The issuers whose tokens get stored claims."""
    guessing: tuple[int, int] | None
    """How many wrong passwords lock, and for how many seconds; None if the table has no passwords."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """All that an authorizer is built of."""

    name: str
    token_key_name: str | None
    plan: PolicyPlan
    issuers: tuple[PreparedIssuer, ...]
    signed: Expectations | None
    """The issuer whose signatures IoT Core verifies."""
    anonymous: Principal | None
    endpoint: PreparedEndpoint | None
    """The credentials endpoint; None if it is not configured."""
    users: Mapping[str, tuple[str, Claims]] | None = field(repr=False)
    """The hash and the claims of each user of a password file; None without such a file."""
    table: str | None
    """The name or ARN of the table of identities; None without one."""
    table_use: TableUse


def preparation_path(config: Path) -> Path:
    """Where the preparation of a configuration is, such as `authorizer.prepared.json`."""
    return config.with_suffix(".prepared.json")


def write_preparation(
    preparation: Preparation, config: Path, files: Iterable[Path], variables: Mapping[str, str]
) -> None:
    """Writes a preparation beside its configuration, unless it has users with passwords.

    `files`: those that the configuration names, relative to its folder. `variables`: those that it was read with.
    """
    if preparation.users is not None:
        return
    names = sorted({config.name, *(path.as_posix() for path in files)})
    made_of = _made_of({name: _hash(config.parent / name) for name in names}, variables)
    found = json.dumps({"made_of": made_of, "preparation": _to_json(preparation)}, separators=(",", ":"))
    preparation_path(config).write_text(found, encoding="utf-8")


def read_preparation(config: Path, variables: Mapping[str, str]) -> Preparation | None:
    """Reads the preparation of a configuration.

    None if there is none that was made of the same, and where the development issuer is.
    """
    if development.KEYS in variables:
        return None
    late = {name: variables[name] for name in _LATE if name in variables}
    if not all(re.fullmatch(_LATE[name], value) for name, value in late.items()):
        return None
    try:
        found = json.loads(preparation_path(config).read_bytes())
        built, parts = found["made_of"], found["preparation"]
        hashes = {name: _hash(config.parent / name) for name in (config.name, *built["files"])}
        made_of = _made_of(hashes, variables)
        built["variables"] |= dict.fromkeys(late)
        if built != made_of:
            parts = _with_late_values(parts, built, made_of)
        if parts is None:
            return None
        preparation = _of_json(parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # None, or of another version.
        return None
    endpoint = preparation.endpoint
    if endpoint is not None:
        endpoint = replace(endpoint, host=late.get(_HOST, endpoint.host), role=late.get(_ROLE, endpoint.role))
    elif late.keys() & {_HOST, _ROLE}:
        return None
    preparation = replace(
        preparation,
        name=late.get(_NAME, preparation.name),
        endpoint=endpoint,
        table=late.get(_TABLE, preparation.table),
    )
    return None if preparation.table is None and preparation.table_use.is_needed else preparation


def _with_late_values(
    parts: Mapping[str, Any], built: Mapping[str, Any], made_of: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The JSON of a preparation with what the build did not know; None if anything else differs."""
    from iot_authorizer.late_values import filled, late_texts

    if any(built[name] != made_of[name] for name in ("version", "files")):
        return None
    texts = late_texts(built["variables"], made_of["variables"])
    return None if texts is None else filled(parts, texts)


def _made_of(hashes: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, Any]:
    """What must be the same when a preparation is read."""
    overriding = {
        name: None if name in _LATE else value for name, value in sorted(variables.items()) if name.startswith(OVERRIDE)
    }
    return {"version": __version__, "files": hashes, "variables": overriding}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _to_json(preparation: Preparation) -> dict[str, object]:
    anonymous, signed, endpoint = preparation.anonymous, preparation.signed, preparation.endpoint
    return {
        "name": preparation.name,
        "token_key_name": preparation.token_key_name,
        "plan": preparation.plan.to_json(),
        "issuers": [asdict(issuer) for issuer in preparation.issuers],
        "signed": None if signed is None else asdict(signed),
        "anonymous": None if anonymous is None else (anonymous.name, dict(anonymous.claims)),
        "endpoint": None if endpoint is None else asdict(endpoint),
        "table": preparation.table,
        "table_use": asdict(preparation.table_use),
    }


def _of_json(parts: Mapping[str, Any]) -> Preparation:
    signed, anonymous, endpoint = parts["signed"], parts["anonymous"], parts["endpoint"]
    return Preparation(
        name=parts["name"],
        token_key_name=parts["token_key_name"],
        plan=PolicyPlan.of_json(parts["plan"]),
        issuers=tuple(map(_issuer, parts["issuers"])),
        signed=None if signed is None else Expectations(**_with_tuples(signed)),
        anonymous=None if anonymous is None else Principal(*anonymous),
        endpoint=None if endpoint is None else PreparedEndpoint(**_with_tuples(endpoint)),
        users=None,
        table=parts["table"],
        table_use=TableUse(**_with_tuples(parts["table_use"])),
    )


def _issuer(parts: Mapping[str, Any]) -> PreparedIssuer:
    expects, caching = Expectations(**_with_tuples(parts["expects"])), Caching(**parts["caching"])
    return PreparedIssuer(**{**_with_tuples(parts), "expects": expects, "caching": caching})


def _with_tuples(parts: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has only lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in parts.items()}
