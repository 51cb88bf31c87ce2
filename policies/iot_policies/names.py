"""The name rule: which texts can name a principal, a client, or what a claim says.

- Two texts that look the same must be the same text. Otherwise `josé` with a combining accent, or with an invisible
  character, escapes a revocation or a deny of `josé`.
- A text that breaks the rule is refused. It is never normalized: another program may read the same text without that.
- The rule: composed characters (Unicode's NFC); no invisible, bidirectional or control character; no space but U+0020,
  and that not at either end; no lone surrogate, no noncharacter, and no character that Unicode has not assigned.
- An older Python does not know characters that a newer Unicode assigns: the command can refuse one that Lambda allows.

`is_misspelled` tells whether two names differ by one typing mistake.
"""

from itertools import chain

_MARKS = (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x13441, 0x13442, 0x16FE4, 0x1D159)
_INVISIBLE = frozenset(map(chr, chain(_MARKS, range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))))
"""Marks and letters that draw nothing: Default_Ignorable_Code_Point (UAX #44), and empty signs that it lacks."""


def name_problem(text: str) -> str | None:
    """What breaks the name rule, in words that follow the name of the text; None if nothing does."""
    if text.isascii() and text.isprintable() and " " not in text:  # The quick way for nearly all texts.
        return None
    if text != text.strip():
        return "begins or ends with a space"
    if text.isascii():
        return None if text.isprintable() else "has a control character"
    from unicodedata import category, is_normalized  # noqa: PLC0415 (not needed for ASCII, which most names are)

    for character in text:
        if character in _INVISIBLE or (character != " " and category(character)[0] in "CZ"):
            return f"has an invisible or unassigned character (U+{ord(character):04X})"
    return None if is_normalized("NFC", text) else "is not composed (Unicode's NFC)"


def is_misspelled(text: str, word: str) -> bool:
    """Whether a text is a word with one letter added, lost or changed, or with two letters exchanged."""
    if abs(len(text) - len(word)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(text, word, strict=False)) if a != b), min(len(text), len(word)))
    rest, other = text[start:], word[start:]
    return (
        rest[1:] == other[1:]
        or rest == other[1:]
        or rest[1:] == other
        or (rest[1::-1] == other[:2] and rest[2:] == other[2:])
    )
