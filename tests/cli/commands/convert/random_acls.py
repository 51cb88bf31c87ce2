"""ACL files of mosquitto, drawn from few words, so that their rules meet each other."""

from hypothesis import strategies as st

USERS = ("ann", "bob", "cleo")
LEVELS = ("a", "b", "ann", "bob", "$x", "", "a?{b}")
ACCESSES = ("read", "write", "readwrite", "deny")


def filters(levels: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Topic filters of one to four levels."""
    whole = st.lists(levels | st.just("+"), min_size=1, max_size=4).map("/".join)
    return (whole | st.builds("{}/#".format, whole) | st.just("#")).filter(
        lambda text: text.strip() not in ("", *ACCESSES)
    )


_LITERALS = st.sampled_from(("a", "b", "ann", "bob", "a", "b", "$x", "", "a?{b}"))
_PATTERNS = st.sampled_from(("a", "b", "%u", "%c", "x-%u", "%u", "%c", "%u?", "%u-%c", "any"))
_RULES = st.builds(
    "{} {}".format, st.sampled_from(("read", "write", "readwrite", "read", "write", "deny")), filters(_LITERALS)
)
_OF_USER = st.builds(
    lambda user, rules: "\n".join([f"user {user}", *(f"topic {rule}" for rule in rules)]),
    st.sampled_from(USERS),
    st.lists(_RULES, min_size=1, max_size=5),
)
_PATTERN_RULES = st.builds("pattern {} {}".format, st.sampled_from(ACCESSES), filters(_PATTERNS))
_GENERAL = _RULES.map(lambda rule: f"topic {rule}")


@st.composite
def acls(draw: st.DrawFn) -> str:
    """The text of an ACL file."""
    general = draw(st.lists(_GENERAL, max_size=2))
    users = draw(st.lists(_OF_USER, max_size=3))
    patterns = draw(st.lists(_PATTERN_RULES, max_size=3))
    return "\n".join([*general, *users, *patterns, ""])
