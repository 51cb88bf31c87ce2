"""The entries of a template answer as its policies do."""

from hypothesis import given

from iot_policies import Deny, Grant
from iot_policies.explaining import Question, explain, is_allowed
from iot_policies.testing.asked_question import AskedQuestion
from iot_policies.testing.cases import ClientOfTest
from tests.policies.testing import questions


@given(questions.templates, questions.clients, questions.questions)
def test_the_entries_of_a_template_answer_as_its_policies_do(
    found: tuple[Grant | Deny, ...], client: ClientOfTest, asked: tuple[Question, str]
) -> None:
    template = questions.template_of(*found)
    if template is not None:
        principal, client_id, attributes = client
        answer = is_allowed(template, principal, *asked, client_id, attributes)
        assert AskedQuestion(template, client, *asked).allows() is answer


@given(questions.templates, questions.clients, questions.questions)
def test_an_explanation_has_the_same_answer(
    found: tuple[Grant | Deny, ...], client: ClientOfTest, asked: tuple[Question, str]
) -> None:
    template = questions.template_of(*found)
    if template is not None:
        principal, client_id, attributes = client
        answer = is_allowed(template, principal, *asked, client_id, attributes)
        assert explain(template, principal, *asked, client_id, attributes).allowed is answer
