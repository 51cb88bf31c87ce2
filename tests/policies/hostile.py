"""Values that try to be more than one level of a topic."""

from hypothesis import strategies as st

WELL_KNOWN = (
    "*", "?", "+", "#", "/", "$", "", " ", ".", "..", "ann/*", "../ann", "a/b", "a+b", "#a", "$aws", "ann*", "an?",
    "${iot:ClientId}", "${*}", "{principal}", "{0}", "{}", "{", "}", "}{", "%2F", "\\u002a", "\\", '"', '","*',
    "a\0b", "a\nb",
    "\x1f", "\x7f", "\x85", "\x9f", "\u2028", "\ufeff", "\ud800", "a\udfffb", "a" * 128, "a" * 129, "é" * 64, "é" * 65,
    "😀" * 32, "😀" * 33, "x" * 100_000, "ann", "ann-marie", "ANN",
)  # fmt: skip

names = st.one_of(
    st.sampled_from(WELL_KNOWN),
    # Unlike st.text(), st.characters() has surrogates.
    st.text(st.characters(), max_size=20),
    st.text("/+#*?${}\\ab", max_size=6),
    st.text("abc.-_:@{}", min_size=1, max_size=6),
)

claims = st.recursive(
    st.one_of(names, names, st.integers(), st.booleans(), st.floats(), st.none()),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(names, values, max_size=2)),
    max_leaves=5,
)
