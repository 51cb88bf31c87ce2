"""The exception for every client that is refused."""

import re
import traceback
from pathlib import PurePath

from iot_authorizer.reasons import Reason
from iot_policies import Principal

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Refusal(Exception):
    """The client is refused.

    `reason` is a `Reason`, or a reason code of your own in the same style: lower case letters, digits, underscores.
    """

    def __init__(self, reason: str, detail: str = "", *, principal: Principal | None = None) -> None:
        """Raises ValueError if `reason` is not a reason code."""
        if not _CODE.fullmatch(reason):
            raise ValueError("expected a reason code such as unknown_session")
        self.reason = reason
        self.detail = detail[:256]
        """A detail for the log, such as the name of a claim: never a secret, and nothing that the client can choose."""
        self.principal = principal
        """The principal that was refused, if it is verified or a known user."""
        self.issuer: str | None = None
        """The configured issuer that the token names."""
        self.source: str | None = None
        """The credential source, if credentials were found."""
        super().__init__(f"{reason}: {detail}" if detail else reason)

    def copy(self) -> "Refusal":
        """A refusal that says the same. A rule of your own may raise one object for many clients."""
        found = Refusal(self.reason, self.detail, principal=self.principal)
        found.issuer = self.issuer
        return found


def internal_error(error: BaseException) -> Refusal:
    """The refusal for an unexpected exception. It names type and place, not the text, which can quote a token."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" at {PurePath(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return Refusal(Reason.INTERNAL_ERROR, type(error).__name__ + place)
