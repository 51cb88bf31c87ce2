"""The principal of a client that `connect` prints, and the client IDs and topics that the template grants it."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import read_token
from iot_authorizer_cli.examples.proposal import Proposal, example, propose
from iot_authorizer_cli.examples.suggestions import why_refused_always
from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_authorizer_cli.project.development_issuer import ISSUER, principal_of
from iot_authorizer_cli.snippets.browser import TAB
from iot_authorizer_cli.snippets.programs import Client, client_ids, subscribes
from iot_policies import PolicyError, PolicyTemplate, Principal
from iot_policies.explaining import Question, explain
from iot_policies.principal import Claims, claim

_MEMBER = Principal("ann", {"rooms": ["lobby"]})
"""The principal if there is no template: a member of a chat."""


class Connecting(NamedTuple):
    """The principal of a client."""

    principal: Principal
    known: bool
    """Whether the claims are those that the authorizer will see. If they are unknown, they are an example."""


def likely(template: PolicyTemplate | None) -> Principal:
    """A principal that the template grants something."""
    found = example(template) if template is not None else None
    return _MEMBER if found is None else found.principal


def with_development_token(name: str, claims: Claims) -> Connecting:
    """The principal of a development token."""
    return Connecting(principal_of(name, claims), known=True)


def without_credentials(configured: ProjectConfiguration) -> Connecting:
    """The principal of `[anonymous]`. Without a configuration, any name. Raises ValueError without `[anonymous]`."""
    if configured.anonymous is not None:
        return Connecting(configured.anonymous, known=True)
    if configured.path.exists():
        raise ValueError(f"{configured.path} has no [anonymous]: the authorizer refuses clients without credentials")
    return Connecting(Principal("anonymous"), known=False)


def with_token(configured: ProjectConfiguration, name: str | None, token: str) -> Connecting:
    """The principal of a given token, which is not verified. A given name replaces the token's."""
    template = configured.template
    claims = unverified_claims(token)
    if claims is None:
        shown = likely(template)
        return Connecting(Principal(name or shown.name, shown.claims), known=False)
    found = name or _subject(template, claims) or likely(template).name
    return Connecting(Principal(found, claims), known=True)


def _subject(template: PolicyTemplate | None, claims: Claims) -> str | None:
    """The principal that a token's claims name, or None."""
    named_by = "sub" if template is None or claims.get("iss") == ISSUER else template.principal_claim
    try:
        found = claim(claims, named_by)
    except PolicyError:  # The authorizer refuses such a token.
        return None
    return str(found) if isinstance(found, (str, int)) and found != "" else None


def unverified_claims(token: str) -> Claims | None:
    """The claims of a JWT with or without its signature, which is not verified; None if it is not a JWT."""
    try:
        return read_token(token).claims
    except Refusal:
        return None


def with_password(configured: ProjectConfiguration, name: str | None, user: str) -> Connecting:
    """The principal of a user name, with its stored claims."""
    claims = configured.stored_claims.of_user(user)
    known = claims is not None
    return Connecting(Principal(name or user, likely(configured.template).claims if claims is None else claims), known)


def proposal(
    configured: ProjectConfiguration,
    principal: Principal,
    client: Client,
    *,
    client_id: str | None,
    topic: str | None,
    topic_filter: str | None,
) -> Proposal:
    """The client IDs and topics: those that are given, else those that the template grants, else those of a chat."""
    if configured.template is None:
        where = topic or f"rooms/lobby/say/{principal.name}"
        return Proposal(client_ids(client, client_id or principal.name), where, topic_filter or where)
    proposed = partial(
        propose,
        configured.template,
        principal,
        client_id=client_id,
        topic=topic,
        topic_filter=topic_filter,
        hears_others=client == "browser",
    )
    found = proposed(lambda name: client_ids(client, name))
    if client != "browser" or found.client_ids[0].endswith(TAB):
        return found
    return proposed(lambda name: (f"{name}-{TAB}",))  # `{client_id}` allows only client IDs without a slash.


def problems(
    configured: ProjectConfiguration, connecting: Connecting, client: Client, wanted: Proposal
) -> Iterator[str]:
    """What will not work: what IoT Core refuses, what the template denies, and a message that does not come back."""
    template, ids = configured.template if connecting.known else None, wanted.client_ids
    questions: list[tuple[Question, str, str | None]] = [("connect", each, each) for each in ids]
    questions.append(("publish", wanted.topic, ids[-1] if ids else None))
    if subscribes(client, ids, wanted.hears_itself):
        questions.append(("subscribe", wanted.topic_filter, ids[0]))
    name = connecting.principal.name
    for question, resource, client_id in questions:
        refused = why_refused_always(question, resource)
        if refused is not None:
            yield f"IoT Core lets no client {question} {resource}: {refused}"
        elif template is not None:
            found = explain(template, connecting.principal, question, resource, client_id)
            if not found.allowed:
                yield f"{configured.policy_path} denies {name} to {question} {resource}: {found.reasons[0]}"
    if template is not None and ids and not wanted.hears_itself and client != "browser":
        published = f"messages to {wanted.topic} do not match {wanted.topic_filter}"
        yield f"{published}: the program ends after the acknowledgment"
