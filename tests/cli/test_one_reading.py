"""Claims are read in one way: the Lambda answers every credential source as `render`, `explain` and the page say."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_authorizer import Reason, development
from iot_authorizer_cli.console.policy import compiled
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.examples.suggestions import suggestions
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_policies import PolicyTemplate
from iot_policies.account_region import AccountRegion
from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from iot_policies.packing import Document
from tests.authorizer import events
from tests.authorizer.handlers import Outcome, jwt_table, start, table
from tests.authorizer.tables import NOW, QUICK, Identities
from tests.authorizer.tokens import ISSUER, mint
from tests.cli.in_process import run_here
from tests.effort import examples

POLICY = """
[[grant]]
connect = ["{principal}"]
publish = ["always"]

[[grant]]
when    = { scope = "x" }
publish = ["s/{claims.scp}"]

[[grant]]
when      = { a.b = "*" }
subscribe = ["n/{claims.a.b}/#"]

[[grant]]
when   = { role = ["x", 7, true] }
retain = ["r/{claims.rooms}"]

[[deny]]
when    = { suspended = true }
publish = ["always"]

[[deny]]
when    = { role = "y" }
publish = ["s/{claims.a.b}"]
"""
PASSWORD = "correct horse"
HASH = QUICK.hash(PASSWORD)
PLACE = ("--region", "eu-west-1", "--account", "123456789012")
"""As in the function ARN of `handlers.Context`."""

Claims = Mapping[str, object]


def toml(value: object) -> str:
    """A value of TOML, written as JSON is where both are the same."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def from_anonymous(folder: Path, claims: Claims) -> Outcome:
    running = start(folder, f'[anonymous]\nprincipal = "ann"\nclaims = {toml(claims)}\n', policy=POLICY)
    return running(events.anonymous())


def from_password_file(folder: Path, claims: Claims) -> Outcome:
    users = table("[users.ann]", hash=HASH) + f"claims = {toml(claims)}\n"
    (folder / "users.toml").write_text(users, "utf-8")
    return start(folder, '[passwords]\nfile = "users.toml"\n', policy=POLICY)(
        events.with_password("ann", PASSWORD.encode())
    )


def from_token(folder: Path, claims: Claims) -> Outcome:
    return start(folder, policy=POLICY)(events.bearer(mint(**claims)))


def from_signed_token(folder: Path, claims: Claims) -> Outcome:
    running = start(folder, table("[signed_tokens]", issuer=ISSUER, audience=["chat"]), policy=POLICY)
    return running(events.event(token=mint(**claims), signature_verified=True))


def from_table(folder: Path, claims: Claims) -> Outcome:
    with identities(folder) as stored:
        stored.add("ann", PASSWORD, claims=claims)
        running = start(folder, "[passwords]\n", policy=POLICY, environment={"AUTHORIZER__TABLE": "identities"})
        return running(events.with_password("ann", PASSWORD.encode()))


def from_stored_claims(folder: Path, claims: Claims) -> Outcome:
    """Half of the claims from the token, the others from the table, which has a claim of the token's again."""
    names = sorted(claims)
    of_token = {name: claims[name] for name in names[::2]}
    with identities(folder) as stored:
        stored.add("ann", claims={name: claims[name] for name in (*names[1::2], *names[:1])})
        tables = jwt_table(stored_claims=True)
        running = start(folder, tables, policy=POLICY, environment={"AUTHORIZER__TABLE": "identities"})
        return running(events.bearer(mint(**of_token)))


@contextmanager
def identities(folder: Path) -> Iterator[Identities]:
    path = folder / "identities.sqlite"
    with patch.dict("os.environ", {development.TABLE: str(path)}):
        yield Identities(path, now=NOW)


SOURCES: Mapping[str, Callable[[Path, Claims], Outcome]] = {
    "anonymous": from_anonymous,
    "password file": from_password_file,
    "token": from_token,
    "signed token": from_signed_token,
    "table": from_table,
    "stored claims": from_stored_claims,
}

texts = st.sampled_from(
    ("x", "y", "x y", " x", "x  z ", "X", "true", "Yes", "7", "é", "e\u0301", "x\u200b", "x\ty", "", "+", "lobby")
)
scalars = st.one_of(texts, st.sampled_from((0, 1, 7, 1.0, 1.5, True, False)))
values: st.SearchStrategy[object] = st.one_of(
    scalars,
    st.lists(st.one_of(scalars, st.just([]), st.just({})), max_size=3),
    st.dictionaries(st.sampled_from(("b", "c")), st.one_of(scalars, st.lists(scalars, max_size=2)), max_size=2),
)
all_claims = st.dictionaries(
    st.sampled_from(("scope", "scp", "a", "a.b", "role", "rooms", "suspended", "not read")), values, max_size=5
)


def asked(folder: Path, command: str, claims: Claims, *arguments: str) -> str:
    told = ("policy.toml", "--principal", "ann", "--claims", json.dumps(claims))
    done = run_here(folder, command, *told, *arguments)
    return done.stdout or done.stderr


def may_publish(documents: list[Document]) -> bool:
    allows = Evaluator(documents, Connection()).allows
    return allows("iot:Publish", "arn:aws:iot:eu-west-1:123456789012:topic/always")


@given(st.sampled_from(sorted(SOURCES)), all_claims)
@examples(0.2)
@pytest.mark.slow
def test_the_lambda_answers_every_source_as_the_commands_and_the_page_say(source: str, claims: Claims) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        outcome = SOURCES[source](folder, claims)
        event(outcome.verdict)
        explained = asked(folder, "explain", claims, "publish", "always")
        template = PolicyTemplate.load(folder / "policy.toml")
        principal = principal_of("ann", claims)
        saved = TemplateText.saved(folder / "policy.toml", template)
        shown = compiled(saved, principal, None, AccountRegion("eu-west-1", "123456789012"))
        suggestions(template, principal, None)  # Raises nothing.
        if outcome.verdict == "allowed":
            documents = list(outcome.answer["policyDocuments"])
            assert json.loads(asked(folder, "render", claims, *PLACE)) == documents == shown["documents"]
            assert explained.startswith("allowed") == may_publish(documents)
        else:
            assert outcome.answer["policyDocuments"] == []
            assert f"denied: publish always\n  {outcome.verdict}: {outcome.decision.get('detail', '')}" in explained
            assert str(shown["error"]).startswith(f"{outcome.verdict}: ")


LOOKS_LIKE_JOSE = ("jose\u0301", "josé\u200b", "josé ", "\u202ejosé")


@pytest.mark.parametrize("name", LOOKS_LIKE_JOSE, ids=ascii)
def test_a_principal_that_looks_like_another_is_refused(tmp_path: Path, name: str) -> None:
    with identities(tmp_path) as stored:
        stored.add(name, PASSWORD)
        tables = ("[passwords]\n", jwt_table())
        running = start(tmp_path, *tables, policy=POLICY, environment={"AUTHORIZER__TABLE": "identities"})
        for sent in (events.with_password(name, PASSWORD.encode()), events.bearer(mint(sub=name))):
            decision = running(sent).decision
            assert (decision["reason"], decision["detail"]) == (Reason.INVALID_NAME, "principal")


@pytest.mark.parametrize("client_id", LOOKS_LIKE_JOSE, ids=ascii)
def test_a_client_id_that_looks_like_another_is_refused(tmp_path: Path, client_id: str) -> None:
    running = start(tmp_path, '[anonymous]\nprincipal = "a"\n', jwt_table(), policy='[[grant]]\npublish = ["a"]\n')
    for sent in (events.anonymous(client_id), events.bearer(mint(), client_id)):
        decision = running(sent).decision
        assert (decision["reason"], decision["detail"]) == (Reason.INVALID_NAME, "client_id")
