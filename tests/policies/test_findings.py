"""What `acknowledge` does with a finding of the linter."""

import pytest

from iot_policies import Grant, PolicyTemplate
from iot_policies.findings import Finding
from iot_policies.grants import Acknowledgement
from iot_policies.linter import lint

CONNECT = Grant(connect=("{principal}",))
MEANT: dict[Acknowledgement, Grant] = {
    "leading_wildcard": Grant(publish=("+/a",)),
    "any_client_id": Grant(connect=("{client_id}",), connect_with=()),
    "shared_client_ids": Grant(connect=("public/*",), connect_with=()),
}
"""A grant that has the finding of each word."""


def findings_of(grant: Grant, word: Acknowledgement) -> list[Finding]:
    return [finding for finding in lint(PolicyTemplate.of([CONNECT, grant])) if finding.word == word]


@pytest.mark.parametrize("word", MEANT)
def test_a_warning_names_the_word_that_acknowledges_it(word: Acknowledgement) -> None:
    (found,) = findings_of(MEANT[word], word)
    assert found.severity == "warning"
    assert found.message.endswith(f'if that is meant, set acknowledge = ["{word}"] in grant[1]')


@pytest.mark.parametrize("word", MEANT)
def test_an_acknowledged_finding_is_a_note_with_the_same_consequence(word: Acknowledgement) -> None:
    (before,) = findings_of(MEANT[word], word)
    (after,) = findings_of(MEANT[word].model_copy(update={"acknowledge": (word,)}), word)
    assert (after.severity, after.location) == ("note", before.location)
    assert before.message.startswith(after.message)


@pytest.mark.parametrize("word", MEANT)
def test_a_word_acknowledges_no_other_finding_and_only_in_its_own_grant(word: Acknowledgement) -> None:
    others = [each for each in MEANT if each != word]
    grant = MEANT[word].model_copy(update={"acknowledge": tuple(others)})
    acknowledging = Grant(publish=("a",), acknowledge=(word,))
    warnings = [each for each in lint(PolicyTemplate.of([CONNECT, grant, acknowledging])) if each.severity == "warning"]
    unused = [each.location for each in warnings if each.location[-1] == "acknowledge"]
    assert unused == [("grant", 1, "acknowledge")] * len(others) + [("grant", 2, "acknowledge")]
    assert [each.word for each in warnings if each.location not in unused] == [word]
