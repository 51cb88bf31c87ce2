"""What is known of the authorizer that looks a revocation up: its configuration, as far as that can be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iot_authorizer.configuration import PartialConfiguration, RevocationSettings, load_partial_configuration
from iot_authorizer_cli.project.configuration import password_file_claims
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.principal import Claims


@dataclass(frozen=True)
class Known:
    """Of one `authorizer.toml`."""

    path: Path
    file: PartialConfiguration | None = None
    """None where it is not there, or can't be read."""
    template: PolicyTemplate | None = None
    """None where it is not named, or can't be read."""
    why_none: str = "no configuration here"
    """Why there is no template."""
    claims: Mapping[str, Claims] = field(default_factory=dict)
    """Those of the users of the password file."""
    cache_for: int = RevocationSettings().cache_for
    """Seconds that the authorizer keeps what the table said, as far as is known."""

    def names_issuer(self, issuer: str) -> bool:
        """Whether an issuer is one of the configuration's; True where that is not known."""
        if self.file is None:
            return True
        signed = () if self.file.signed_tokens is None else (self.file.signed_tokens,)
        return issuer in {each.issuer for each in (*self.file.jwt, *signed)}

    def joins_stored_claims(self, claims: Claims) -> bool:
        """Whether stored claims join these: those of a token only where its issuer takes them."""
        return "iss" not in claims or (self.file is not None and claims["iss"] in self.file.stored_claims_issuers)


def read_known(path: Path, tell: Callable[[str], None]) -> Known:
    """Reads what can be read; of the rest it tells, a line each: a revocation waits for nobody who repairs a file."""
    try:
        if not path.exists():
            return Known(path)
        file, _ = load_partial_configuration(path)
    except (InvalidFile, OSError) as error:
        tell(f"{error}: going on without the configuration")
        return Known(path, why_none=f"{path} can't be read")
    claims = password_file_claims(path.parent / file.passwords.file if file.passwords and file.passwords.file else None)
    template, why_none = _template(path, file, tell)
    return Known(path, file, template, why_none, claims, file.revocation.cache_for)


def _template(path: Path, file: PartialConfiguration, tell: Callable[[str], None]) -> tuple[PolicyTemplate | None, str]:
    """The template, or why there is none."""
    if file.policy is None:
        return None, f"{path} names no policy template"
    try:
        return PolicyTemplate.load(path.parent / file.policy), ""
    except InvalidFile as error:
        tell(f"{error}: going on without the policy template")
        return None, f"{file.policy} can't be read"
