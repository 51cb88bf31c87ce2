"""A policy beside its template, line by line."""

from pathlib import Path

import pytest

from iot_authorizer_cli.console.policy import Compiled, compiled
from iot_authorizer_cli.console.template_file import TemplateFile
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_policies import PolicyTemplate

TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
publish   = [
    "users/{principal}/outbox",
    "rooms/{claims.rooms}/say/{principal}",
]

[[grant]]
when      = { role = ["moderator", "admin"], level = 3, paid = true, team = "*" }
publish   = ["rooms/+/mute/+"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(TEMPLATE)
    return path


def of(path: Path, claims: dict[str, object], name: str = "ann", client_id: str | None = None) -> Compiled:
    template = PolicyTemplate.load(path)
    file = TemplateFile.read(path, template)
    principal = principal_of(name, claims)
    return compiled(template, principal, client_id, file=file, region="us-east-1", account="123456789012")


def test_an_entry_stands_at_its_own_line_of_a_list(path: Path) -> None:
    assert [entry["line"] for entry in of(path, {})["entries"]] == [2, 4, 5, 10]


def test_an_entry_that_applies_needs_nothing(path: Path) -> None:
    entry = of(path, {})["entries"][0]
    assert (entry["applies"], entry["why_not"]) == (True, None)


def test_an_entry_whose_claim_is_missing_says_which(path: Path) -> None:
    assert of(path, {})["entries"][2]["why_not"] == "claims.rooms is missing"


def test_a_grant_that_does_not_apply_says_all_that_it_needs(path: Path) -> None:
    wanted = "needs role = moderator or admin, level = 3, paid = true, the claim team"
    assert of(path, {})["entries"][3]["why_not"] == wanted


def test_a_condition_that_is_met_is_not_needed(path: Path) -> None:
    claims: dict[str, object] = {"role": "admin", "level": 3, "team": "red"}
    assert of(path, claims)["entries"][3]["why_not"] == "needs paid = true"


def test_a_resource_names_the_line_that_asks_for_it(path: Path) -> None:
    found = {row["text"]: row["lines"] for each in of(path, {})["statements"] for row in each["resources"]}
    assert found["topic/users/ann/outbox"] == [4]


def test_a_denial_that_makes_a_plus_exact_is_its_entrys_too(path: Path) -> None:
    claims: dict[str, object] = {"role": "admin", "level": 3, "paid": True, "team": "red"}
    statements = of(path, claims)["statements"]
    denied = [row for each in statements if each["effect"] == "Deny" for row in each["resources"]]
    assert [row["lines"] for row in denied] == [[10], [10]]


def test_a_principal_without_a_policy_is_told_why(path: Path) -> None:
    found = of(path, {}, name="+")
    assert (found["error"], found["documents"]) == ("unsafe_value: principal can't stand in a topic level", [])


def test_the_characters_are_those_that_iot_core_counts(path: Path) -> None:
    found = of(path, {})
    assert len(found["characters"]) == len(found["documents"]) == 1
    assert 0 < found["characters"][0] <= 2048


def test_it_says_whether_a_client_id_is_granted(path: Path) -> None:
    assert [of(path, {}, client_id=each)["may_connect"] for each in (None, "ann", "bob")] == [None, True, False]


def test_claims_of_the_token_itself_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[[grant]]\nwhen = { scope = "chat" }\npublish = ["{claims.sub}/x"]\n')
    assert "topic/ann/x" in str(of(path, {"scope": "openid chat"})["statements"])


def test_a_broken_file_is_shown_with_its_line_while_the_old_one_is_in_force(path: Path) -> None:
    template = PolicyTemplate.load(path)
    path.write_text(TEMPLATE.replace("rooms/+/mute/+", "rooms/+/mute/#/x"))
    file = TemplateFile.read(path, template)
    assert (file.in_force, file.problem_line, "rooms/+/mute/#/x" in file.text) == (False, 10, True)


def test_lines_of_a_file_that_is_not_in_force_are_not_guessed(path: Path) -> None:
    template = PolicyTemplate.load(path)
    path.write_text("# A line more.\n" + TEMPLATE.replace("mute", "ban"))
    file = TemplateFile.read(path, template)
    assert {file.line(entry) for entry in template.entries} == {None}


def test_a_file_that_is_gone_is_a_problem_and_no_exception(path: Path) -> None:
    template = PolicyTemplate.load(path)
    path.unlink()
    file = TemplateFile.read(path, template)
    assert (file.text, file.in_force) == ("", False)
    assert "can't be read" in str(file.problem)
