"""Which clients can end each other's connections, or take over each other's sessions."""

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.grants import ConnectAttribute
from iot_policies.linter import lint

ANYBODY = Grant(connect=("{client_id}",), connect_with=(), acknowledge=("any_client_id",))
PUBLIC = Grant(connect=("public/*",), connect_with=(), acknowledge=("shared_client_ids",))
CONSEQUENCE = "such a client can end any connection of the account whose client ID it knows, and delete its session"
TAKES_OVER = "take over the persistent session of another one"


def messages(*blocks: Grant | Deny, severity: str = "warning", anonymous: Principal | None = None) -> list[str]:
    found = lint(PolicyTemplate.of([*blocks]), anonymous)
    return [each.message for each in found if each.severity == severity and "caching_for_http" not in each.message]


def test_any_client_id_can_be_allowed_on_purpose_and_its_consequence_is_said() -> None:
    assert messages(ANYBODY) == []
    (note,) = messages(ANYBODY, severity="note")
    assert note == f'"{{client_id}}" allows any client ID of one level: {CONSEQUENCE}'


@pytest.mark.parametrize("text", ["public/*", "admins/root", "{claims.team}/*"])
def test_client_ids_that_several_principals_share_can_be_allowed_on_purpose(text: str) -> None:
    grant = PUBLIC.model_copy(update={"connect": (text,)})
    assert messages(grant) == []
    (message,) = messages(grant.model_copy(update={"acknowledge": ()}))
    assert "is not bound to the principal" in message


@pytest.mark.parametrize("attributes", [None, ("PersistentConnect",), ("LastWill", "PersistentConnect")])
@pytest.mark.parametrize("grant", [ANYBODY, PUBLIC])
def test_no_word_acknowledges_that_a_client_can_take_over_the_sessions_of_others(
    grant: Grant, attributes: tuple[ConnectAttribute, ...] | None
) -> None:
    (message,) = messages(grant.model_copy(update={"connect_with": attributes}))
    assert TAKES_OVER in message
    assert message.endswith("set connect_with = [] in grant[0]")


@pytest.mark.parametrize("grant", [ANYBODY, PUBLIC])
def test_a_will_takes_over_no_session(grant: Grant) -> None:
    assert messages(grant.model_copy(update={"connect_with": ("LastWill",)})) == []


@pytest.mark.parametrize(
    ("text", "instead"), [("public/{client_id}", "public/*"), ("{client_id}/*", "NAME/*"), ("a-{client_id}", "NAME/*")]
)
@pytest.mark.parametrize("kind", [Grant, Deny])
def test_client_id_beside_other_text_matches_no_client_id(kind: type[Grant | Deny], text: str, instead: str) -> None:
    (message, *_) = messages(Grant(connect=("{principal}",)), kind(connect=(text,)))
    assert f"matches no client ID: {{client_id}} is the whole client ID; write {instead}, or only" in message


def test_topics_of_a_client_id_belong_to_no_principal_if_any_client_id_is_allowed() -> None:
    topics = Grant(subscribe=("inbox/{client_id}/#",))
    assert not messages(Grant(connect=("{principal}",)), topics, severity="note")
    (_, note) = messages(ANYBODY, topics, severity="note")
    assert note.startswith('"inbox/{client_id}/#" belongs to no principal: grant[0] allows any client ID')


ONE_LEVEL = "needs client IDs that are one level"


@pytest.mark.parametrize(
    ("any_when", "deep_when", "warned"),
    [
        (None, None, True),
        (None, {"role": "user"}, True),
        ({"role": "public"}, None, True),
        ({"role": "public"}, {"role": ("user", "public")}, True),
        ({"role": "public"}, {"role": "*"}, True),
        ({"role": "public"}, {"site": "berlin"}, True),
        ({"role": "public"}, {"role": "user"}, False),
    ],
)
@pytest.mark.parametrize("key", ["connect", "subscribe"])
def test_an_entry_for_one_level_beside_client_ids_of_several_levels_is_found(
    key: str, any_when: dict[str, object] | None, deep_when: dict[str, object] | None, warned: bool
) -> None:
    text = "{client_id}" if key == "connect" else "inbox/{client_id}"
    acknowledged = {"acknowledge": ["any_client_id"], "connect_with": []} if key == "connect" else {}
    one = Grant.model_validate({key: [text], **({"when": any_when} if any_when else {}), **acknowledged})
    deep = Grant.model_validate({"connect": ["{principal}/*"], **({"when": deep_when} if deep_when else {})})
    assert [ONE_LEVEL in message for message in messages(one, deep)] == [True] * warned


ANONYMOUS = Principal("public", {"role": "listener"})
BOUND = Grant(connect=("{principal}/*",))


@pytest.mark.parametrize(
    ("grant", "warned"),
    [
        (BOUND, True),
        (BOUND.model_copy(update={"when": {"role": "listener"}}), True),
        (BOUND.model_copy(update={"when": {"role": "speaker"}}), False),
        (BOUND.model_copy(update={"connect_with": ()}), False),
        (BOUND.model_copy(update={"connect_with": ("LastWill",)}), False),
        (BOUND.model_copy(update={"connect_with": ("PersistentConnect",)}), True),
    ],
)
def test_clients_without_credentials_share_a_principal_and_must_not_share_its_sessions(
    grant: Grant, warned: bool
) -> None:
    assert messages(grant) == []
    found = messages(grant, anonymous=ANONYMOUS)
    assert [TAKES_OVER in message and "which are all public" in message for message in found] == [True] * warned


def test_an_anonymous_principal_that_the_template_refuses_has_no_findings() -> None:
    grants = (BOUND, Deny(when={"role": "banned"}, publish=("#",)))
    assert messages(*grants, anonymous=Principal("public", {"role": {"a": 1}})) == []
