"""Faults of what a principal brings: conditions, claims, values and names."""

CLAIM_FAULTS = {
    # Conditions and claims.
    "every block applies": ("policy_plan.py", "when is None or not unmet(when, claims, effect)", "True"),
    "a block without a condition does not apply": (
        "policy_plan.py",
        "when is None or not",
        "when is not None and not",
    ),
    "only the last condition counts": (
        "when.py",
        "            found[name] = wanted",
        "            found = {name: wanted}\n        else:\n            found = {}",
    ),
    "grants compare loosely": ("when.py", "(read_claim, meets)", "(read_claim, covers)"),
    "denies compare strictly": ("when.py", "(read_denied_claim, covers)", "(read_denied_claim, meets)"),
    "denies read what is unclear": ("when.py", "(read_denied_claim, covers)", "(read_claim, covers)"),
    "a boolean is a number": ("when.py", " and isinstance(element, bool) == isinstance(choice, bool)", ""),
    "only the first element of a claim counts": (
        "when.py",
        "value if isinstance(value, (list, tuple)) else (value,):\n        for choice",
        "value[:1] if isinstance(value, (list, tuple)) else (value,):\n        for choice",
    ),
    "only the first choice counts": ("when.py", "for choice in values:", "for choice in values[:1]:"),
    "a star is met by what is empty": ("when.py", 'each is not False and each != ""', "True"),
    "a deny needs the same case": ("when.py", "found = text.strip().casefold()", "found = text.strip()"),
    "a deny needs a number": ("when.py", " or _number(text) == wanted", ""),
    "a deny's star needs a value": (
        "when.py",
        'return wanted == "*" or any(',
        'return (wanted == "*" and bool(value)) or any(',
    ),
    "paths are not read": (
        "principal.py",
        "if isinstance(inner, Mapping):\n            yield from _found",
        "if False:\n            yield from _found",
    ),
    "two ways to a claim are accepted": ("principal.py", "if len(found) > 1", "if len(found) > 2"),
    "paths may lead through lists": ("principal.py", 'or ("." in name and _is_blocked(claims, name))', ""),
    "scopes are one text": ("principal.py", "if name not in WORD_LISTS:", "if True:"),
    "words of a list may be several": (
        "principal.py",
        "return _is_clear(value) and not several",
        "return _is_clear(value)",
    ),
    "names are not checked": ("principal.py", "if (problem := name_problem(found)) is not None", "if False"),
    "values are not checked": ("placeholders.py", "if not _are_levels(texts):", "if False:"),
    "a plus is a value": (
        "placeholders.py",
        "_UNSAFE = frozenset(UNSAFE_SIGNS)",
        '_UNSAFE = frozenset("/#*?$")',
    ),
    "a value may be empty": ("placeholders.py", "        all(values)\n        and", "        True\n        and"),
    "a value has a byte too many": ("placeholders.py", "LONGEST_VALUE = 128", "LONGEST_VALUE = 129"),
    "a value has a byte too few": ("placeholders.py", "LONGEST_VALUE = 128", "LONGEST_VALUE = 127"),
    "a character has at most three bytes": ("placeholders.py", "LONGEST_VALUE // 4", "LONGEST_VALUE // 3"),
    "a number is as large as it likes": ("placeholders.py", " and abs(value) < _LARGEST_NUMBER", ""),
    "a text of a deny spells no number": (
        "when.py",
        "else _is_spelled(wanted, value)",
        "else _number(value) == wanted",
    ),
    "off is not false": ("when.py", '("false", "no", "off")', '("false", "no")'),
    "large numbers are compared as fractions": ("when.py", "for kind in (int, float):", "for kind in (float,):"),
    "a deny that does not apply reads its claims": ("compiler.py", "if applies[index]:", "if True:"),
    "characters are counted instead of bytes": ("placeholders.py", " and joined.isascii()", ""),
    "a value may be long": ("placeholders.py", "len(joined) <= LONGEST_VALUE", "len(joined) <= 10 * LONGEST_VALUE"),
    "a boolean is a value": (
        "placeholders.py",
        "isinstance(value, int) and not isinstance(value, bool)",
        "isinstance(value, int)",
    ),
    "only the first value of a list counts": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(texts[:1])",
    ),
    "placeholders of denies read what is unclear": (
        "compiler.py",
        "                read_denied_claim(principal.claims, name)",
        "                pass",
    ),
    "the principal's name is not checked": (
        "compiler.py",
        "(problem := name_problem(principal.name))",
        "(problem := name_problem(client_id or ''))",
    ),
    "a missing value is every value": (
        "compiler.py",
        "found = self._filled[names] = self._values.combinations(names)",
        "found = self._filled[names] = self._values.combinations(names) * 1 or [('*',) * len(names)]",
    ),
    "a list with several values is one": (
        "placeholders.py",
        "return list(product(*values))",
        "return [tuple(each[0] for each in values)] if all(values) else []",
    ),
    "the values of two placeholders go in pairs": (
        "placeholders.py",
        "return list(product(*values))",
        "return list(zip(*values))",
    ),
    # Values at any place of a list, and lists of any length.
    "only the first value is checked": (
        "placeholders.py",
        "_UNSAFE.isdisjoint(joined)",
        "(not values or _UNSAFE.isdisjoint([*values][0]))",
    ),
    "a dollar is unsafe only in front": (
        "placeholders.py",
        "_UNSAFE.isdisjoint(joined)",
        'not any(v.startswith("$") or set(v) & set("/+#*?") for v in values)',
    ),
    "a hash is unsafe only as the whole value": (
        "placeholders.py",
        "_UNSAFE.isdisjoint(joined)",
        'not any(v == "#" or set(v) & set("/+*?$") for v in values)',
    ),
    "1.0 is a level": (
        "placeholders.py",
        "if isinstance(value, int) and not isinstance(value, bool)",
        "if (isinstance(value, int) or value == 1.0) and not isinstance(value, bool)",
    ),
    "at most four values count": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(texts))[:4]",
    ),
    "at most eight combinations count": (
        "compiler.py",
        "starmap(pattern.format, filled[source])",
        "starmap(pattern.format, filled[source][:8])",
    ),
    "only the first element is clear": (
        "principal.py",
        "for element in (value if isinstance(value, (list, tuple))",
        "for element in (value[:1] if isinstance(value, (list, tuple))",
    ),
    "a deny reads only the first element": (
        "when.py",
        "for element in (value if isinstance(value, (list, tuple))",
        "for element in (value[:1] if isinstance(value, (list, tuple))",
    ),
    "a grant reads only two elements": (
        "when.py",
        "for element in value if isinstance(value, (list, tuple))",
        "for element in value[:2] if isinstance(value, (list, tuple))",
    ),
    "a list of zero is not there": ("when.py", "            pending.extend(each)\n", "            return any(each)\n"),
    # Spellings, names and copies.
    "a deny compares small letters": ("when.py", "text.strip().casefold()", "text.strip().lower()"),
    "a number has only digits": (
        "when.py",
        "    for kind in (int, float):",
        "    for kind in () if text[:1] == '+' else (int, float):",
    ),
    "a name is not composed": (
        "names.py",
        """return None if is_normalized("NFC", text) else "is not composed (Unicode's NFC)\"""",
        "return None",
    ),
    "marks that draw nothing are in names": ("names.py", "character in _INVISIBLE or (", "("),
    "a name ends with a space": ("names.py", "if text != text.strip():", "if text != text.lstrip():"),
    "characters for private use are in names": (
        "names.py",
        'category(character)[0] in "CZ"',
        'category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")',
    ),
    "control characters are in names": (
        "names.py",
        'return None if text.isprintable() else "has a control character"',
        "return None",
    ),
    "elements of lists are no names": (
        "principal.py",
        "if isinstance(found, (list, tuple)) and not are_names(found):",
        "if False:",
    ),
    "a comma separates words": ("principal.py", 'found.split(" ") if word', 'found.replace(",", " ").split() if word'),
    "a comma separates values": (
        "placeholders.py",
        "() if found is None else (found,)",
        "() if found is None else tuple(found.split(',')) if isinstance(found, str) else (found,)",
    ),
    "values have small letters": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(each.lower() for each in texts))",
    ),
    "percent escapes are read": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(__import__('urllib.parse').parse.unquote(each) for each in texts))",
    ),
    "placeholders in values are filled": (
        "compiler.py",
        "starmap(pattern.format, filled[source])",
        "(pattern.format(*each).replace('{0}', each[0] if each else '') for each in filled[source])",
    ),
}
"""What is wrong, the file, the text there, and the text that replaces it."""
