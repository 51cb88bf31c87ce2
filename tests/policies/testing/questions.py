"""Random templates, clients and questions."""

from hypothesis import strategies as st

from iot_policies import Deny, Grant, InvalidTopics, PolicyTemplate, Principal
from iot_policies.explaining import Question
from iot_policies.testing.cases import ClientOfTest
from tests.policies.templates import blocks

clients = st.builds(
    ClientOfTest,
    st.builds(
        Principal,
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {},
            optional={
                "one": st.sampled_from(["a", "b", "a/b", {}, None]),
                "many": st.sampled_from([["a"], ["a", "b"], []]),
                "role": st.sampled_from(["x", "y", "z", ["y"], {}]),
            },
        ),
    ),
    st.sampled_from([None, "a"]),
    st.frozensets(st.sampled_from(["LastWill", "PersistentConnect"])),
)
_TOPICS = st.lists(st.sampled_from(["a", "b", "c", "$x", ""]), min_size=1, max_size=4).map("/".join).filter(bool)
_FILTERS = st.one_of(_TOPICS, _TOPICS.map(lambda topic: f"{topic}/#"), _TOPICS.map(lambda topic: f"a/+/{topic}"))
questions: st.SearchStrategy[tuple[Question, str]] = st.one_of(
    st.tuples(st.sampled_from(("publish", "retain", "receive", "read")), _TOPICS),
    st.tuples(st.just("send"), st.builds("{} {}".format, st.sampled_from(["a", "b", "x/a", "x/a/b", "b/a"]), _TOPICS)),
    st.tuples(st.just("subscribe"), _FILTERS),
    st.tuples(st.just("connect"), st.sampled_from(["a", "b", "ab", "a/b", "x/a/b", "x/", "x-a"])),
)


@st.composite
def _with_client_ids(draw: st.DrawFn, model: type[Grant] | type[Deny]) -> Grant | Deny:
    """A grant or deny that also has client IDs."""
    attributes: list[tuple[str, ...] | None] = [None, ("LastWill",), ("LastWill", "PersistentConnect")]
    client_ids = st.sampled_from(["a", "{principal}", "{principal}/*", "x/{claims.many}/*", "x/*", "{client_id}"])
    connect = draw(st.lists(client_ids, max_size=2))
    connect_with = draw(st.sampled_from([*attributes, ()] if model is Grant else attributes))
    return model.model_validate({**draw(blocks()), "connect": connect, "connect_with": connect_with})


templates = st.builds(
    lambda grants, denies: (*grants, *denies),
    st.lists(_with_client_ids(Grant), min_size=1, max_size=3),
    st.lists(_with_client_ids(Deny), max_size=1),
)


def template_of(*found: Grant | Deny) -> PolicyTemplate | None:
    """A template of some grants and denies; None if no policy can express it."""
    try:
        return PolicyTemplate.of(found)
    except InvalidTopics:
        return None
