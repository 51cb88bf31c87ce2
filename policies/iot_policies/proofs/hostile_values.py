"""Values of placeholders and names that must be refused, and values that must be copied as they are.

1. Each unsafe sign is tried at each place of a value, and each clause of the name rule has an example.
2. One value of each kind is also tried as the first and as the last element of a list.
3. ODD is a value that placeholders take, with what a careless copy changes: braces, a percent escape, a comma, a
   backslash, capital letters, and letters that have other forms.
"""

from iot_policies.proofs.patterns import UNSAFE

LONGEST = "é" * 64
"""A value of 128 bytes."""
ODD = "Ä{0}{1}{2}{{B}}%2A,\\1 ßﬁ"
BROKEN_NAMES = (
    *("a\u0301", "\u212b"),  # Not composed.
    *("a\u200b", "a\u034fb", "a\u3164b", "a\ufe0fb", "a\U000e0100b", "a\u202eb"),  # Invisible, or turn the direction.
    *(" a", "a ", "a\u00a0b", "\u3000", "a\u2028b"),  # Spaces.
    *("a\tb", "a\x7fb", "a\x85b"),  # Control characters.
    *("a\ue000b", "a\ufdd0b", "a\u0378b"),  # For private use, a noncharacter, and not assigned.
)
"""Texts that break the name rule."""
UNSAFE_NAMES = (
    *(text for sign in UNSAFE for text in (sign, f"{sign}a", f"a{sign}b", f"a{sign}")),
    *("a${iot:ClientId}", "a" * 129, "é" * 64 + "a", "\U0001f98a" * 33),  # 129, 129 and 132 bytes.
)
"""Texts that are names and no plain level."""
_IN_LISTS: tuple[object, ...] = (
    "a/b",
    "*",
    "a${iot:ClientId}",
    "",
    "é" * 65,
    2**63,
    True,
    1.0,
    {},
    ["fox"],
    None,
    "a\u200b",
)
UNSAFE_VALUES: tuple[object, ...] = (
    *(*UNSAFE_NAMES, *BROKEN_NAMES, "", True, 1.0, 1.5, 2**63, -(2**63), {}),
    *(each for bad in _IN_LISTS for each in (["fox", bad], [bad, "fox"], ["fox", "owl", bad])),
)
"""Values that no placeholder takes."""
PLAIN_VALUES: tuple[object, ...] = (
    7,
    0,
    -7,
    [7, "7"],
    [],
    "fox",
    "fox owl",
    "fox,owl",
    ["fox owl", "bee"],
    ODD,
    LONGEST,
    2**63 - 1,
)
"""Values that placeholders take. A text with a space is two words in some claims."""
UNREADABLE_VALUES: tuple[object, ...] = (
    *(None, *BROKEN_NAMES, "a\tzz"),
    *(each for bad in ("a\u200b", {"zz": 1}, ["zz"], {}, []) for each in (["zz", bad], [bad, "zz"])),
)
"""Values of a claim that a `when` names: missing, not a name, or unclear to a deny."""
