"""Why a client is refused."""

import re
import traceback
from pathlib import PurePath

from iot_authorizer.reasons import Reason
from iot_policies import Principal

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Refusal(Exception):
    """The client is not let in.

    `reason` is one of `Reason`, or a code of your own in the same style: lower case, digits and underscores.
    """

    def __init__(self, reason: str, detail: str = "", *, principal: Principal | None = None) -> None:
        """Raises ValueError for a reason that is no code."""
        if not _CODE.fullmatch(reason):
            raise ValueError("expected a reason code such as unknown_session")
        self.reason = reason
        self.detail = detail[:128]
        """More for the log: the name of a claim, of a key. Never a secret, and nothing that the client made up."""
        self.principal = principal
        """Who was refused, where that is proven or at least a known user's name."""
        self.issuer: str | None = None
        """The configured issuer that the token names."""
        self.source: str | None = None
        """The credential source, if credentials were found."""
        super().__init__(f"{reason}: {detail}" if detail else reason)


def internal_error(error: BaseException) -> Refusal:
    """For an exception that nobody expected: its type and place, never its text, which may quote a token."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" at {PurePath(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return Refusal(Reason.INTERNAL_ERROR, type(error).__name__ + place)
