"""Development tokens on a machine where time passes faster."""

import json
import time

import pytest

from iot_authorizer.development_tokens import ScaledTokens
from iot_authorizer.jwt_verifier import Expectations
from iot_authorizer.keys import KeySet
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import read_token
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import AUDIENCE, ISSUER, mint
from tests.clock import Clock

KEY = signing_key("ES256")
KEYS = KeySet.parse(json.dumps(public_keys(KEY)).encode())
SCALE = 60


@pytest.mark.parametrize(
    ("age", "left"),
    [(0, 3600), (10, 3000), (59, 60), (60, 0), (60.9, 0)],
    ids=["new", "10 s", "59 s", "at its end", "in the second that iat does not tell"],
)
def test_an_hour_of_a_token_is_a_minute(age: float, left: float) -> None:
    issued = int(time.time())
    now = issued + age
    verified = ScaledTokens(Expectations(ISSUER, (AUDIENCE,)), ("ES256",), KEYS, SCALE, Clock(now)).verify(
        read_token(mint(KEY, iat=issued, exp=issued + 3600))
    )
    assert verified.expires_at == pytest.approx(now + left)


def test_after_that_minute_the_token_has_expired() -> None:
    issued = int(time.time())
    tokens = ScaledTokens(Expectations(ISSUER, (AUDIENCE,)), ("ES256",), KEYS, SCALE, Clock(issued + 61))
    with pytest.raises(Refusal, match="time scale 60") as refused:
        tokens.verify(read_token(mint(KEY, iat=issued, exp=issued + 3600)))
    assert refused.value.reason == Reason.EXPIRED


@pytest.mark.parametrize("changes", [{"iat": ...}, {"aud": "other"}, {"exp": 1}], ids=["no iat", "aud", "exp"])
def test_all_else_is_decided_as_without_a_time_scale(changes: dict[str, object]) -> None:
    token = read_token(mint(KEY, **changes))
    verdicts = []
    for scale in (1, SCALE):
        tokens = ScaledTokens(Expectations(ISSUER, (AUDIENCE,)), ("ES256",), KEYS, scale, time.time)
        try:
            verdicts.append(str(tokens.verify(token).expires_at))
        except Refusal as refusal:
            verdicts.append(refusal.reason)
    assert verdicts[0] == verdicts[1]
