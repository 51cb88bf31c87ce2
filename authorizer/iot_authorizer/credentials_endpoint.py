"""The credentials endpoint: it calls the authorizer's verifiers, logs the decision and always answers."""

import time
from collections.abc import Callable, Collection

from iot_authorizer.authorizer import Authorizer, account_region_of
from iot_authorizer.credentials_answer import Cors, CredentialsAnswer, issued, refused
from iot_authorizer.credentials_request import CredentialsRequest
from iot_authorizer.lambda_handler import Context, RandomNumbers, arn_of
from iot_authorizer.observer import Fields, Observer, put, put_client
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal, internal_error
from iot_authorizer.temporary_credentials import ClientRole, IssuedCredentials, issue

_METHODS = ("GET", "POST")
_PREFLIGHT = "OPTIONS"


class CredentialsHandler:
    """A Lambda handler of an HTTP API: it never raises, and it gives no credentials by accident."""

    def __init__(
        self,
        authorizer: Authorizer,
        role: Callable[[], ClientRole],
        *,
        origins: Collection[str] = (),
        observer: Observer,
    ) -> None:
        """`role` gives the role of clients when it is first needed. `origins` are those of pages that may ask."""
        self._authorizer = authorizer
        self._role = role
        self._cors = Cors(origins, authorizer.token_key_name)
        self._observer = observer
        self._random_numbers = RandomNumbers()

    def __call__(self, event: object, context: Context | None = None) -> CredentialsAnswer:
        """Answers one request."""
        started = time.perf_counter()
        try:
            return self._answer(event, context, started)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (even logging failed: only a refusal is left)
            return refused(internal_error(error), self._cors.headers(None))

    def _answer(self, event: object, context: Context | None, started: float) -> CredentialsAnswer:
        fields: Fields = {}
        headers = self._cors.headers(None)
        try:
            self._random_numbers.seed()  # AWS's SDK draws from them how long it waits before it asks again.
            put(fields, "request_id", getattr(context, "aws_request_id", None))
            request = CredentialsRequest.parse(event)
            headers = self._cors.headers(request.origin)
            self._check(request)
            if request.method == _PREFLIGHT:
                return self._cors.preflight(request.origin)
            found = self._issue(request, context, fields)
            answer = issued(found.temporary, headers)
        except Refusal as refusal:
            problem = refusal
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (SystemExit too: no caller would answer)
            problem = internal_error(error)
        else:
            self._log(found, fields, started)
            return answer
        self._observer.refused(problem, fields, started)
        return refused(problem, headers)

    def _check(self, request: CredentialsRequest) -> None:
        if not self._cors.allows(request.origin):
            raise Refusal(Reason.ORIGIN_NOT_ALLOWED)
        if request.method not in (*_METHODS, _PREFLIGHT):
            raise Refusal(Reason.METHOD_NOT_ALLOWED)

    def _issue(self, request: CredentialsRequest, context: Context | None, fields: Fields) -> IssuedCredentials:
        event = request.as_event()
        put(fields, "client_id", event.client_id)
        return issue(self._authorizer, self._role(), event, account_region_of(arn_of(context)))

    def _log(self, found: IssuedCredentials, fields: Fields, started: float) -> None:
        put_client(fields, found.verified, found.own.source, found.own.hint)
        put(fields, "client_id", found.temporary.client_id)
        put(fields, "access_key_id", found.temporary.key_id)
        fields["expires_at"] = int(found.temporary.expires_at)
        self._observer.allowed(fields, started)
