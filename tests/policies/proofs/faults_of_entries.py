"""Faults of entries: their filters, their denials, and which entry covers another."""

ENTRY_FAULTS = {
    # Each entry alone.
    "the last denial is dropped": ("globs.py", "return tuple(denied)", "return tuple(denied)[:-1]"),
    "the first denial is dropped": ("globs.py", "return tuple(denied)", "return tuple(denied)[1:]"),
    "a star is not doubled": ("globs.py", '(*glob[:index], "*", *glob[index:])', "glob"),
    "a star is tripled": ("globs.py", '*glob[:index], "*", *glob[index:]', '*glob[:index], "*", "*", *glob[index:]'),
    "the last star is doubled": ("globs.py", '(*glob[:index], "*", *glob[index:])', '(*glob, "*")'),
    "a subscription to # is not denied": ("globs.py", "if subscribe and levels", "if False and levels"),
    "a leading wildcard takes $": ("globs.py", "if levels[start] in", "if False and levels[start] in"),
    "the lead of a shared filter is its first level": ("globs.py", "start = lead(levels)", "start = 0"),
    "a # is one level": ("globs.py", "if HASH not in levels and not widen", "if not widen"),
    "a # denies nothing between": ("globs.py", "return all(wild[wild.index(True) :])", "return True"),
    "every grant is widened": ("template.py", "block.widen", "not block.widen"),
    "subscriptions receive with their share name": ("entries.py", "levels = levels[lead(levels) :]", "pass"),
    "subscribing also allows to publish": (
        "entries.py",
        '"subscribe": ("iot:Subscribe", "iot:Receive")',
        '"subscribe": ("iot:Subscribe", "iot:Receive", "iot:Publish")',
    ),
    "retain does not publish": (
        "entries.py",
        '"retain": ("iot:Publish", "iot:RetainPublish")',
        '"retain": ("iot:RetainPublish",)',
    ),
    "a deny of retain denies to publish": (
        "entries.py",
        '{**_ACTIONS, "retain": ("iot:RetainPublish",)}',
        "_ACTIONS",
    ),
    "a deny of subscribe does not deny to receive": (
        "entries.py",
        '{**_ACTIONS, "retain"',
        '{**_ACTIONS, "subscribe": ("iot:Subscribe",), "retain"',
    ),
    "placeholders of denials are swapped": (
        "entries.py",
        'as_format(f"{kind}/{joined(glob)}", names) for glob',
        'as_format(f"{kind}/{joined(glob)}", names[::-1]) for glob',
    ),
    "placeholders of levels are swapped": ("entries.py", "as_format(level, names)", "as_format(level, names[::-1])"),
    "a deny without client ID denies nothing": ("entries.py", 'effect == "Deny" else name', "False else name"),
    "a grant without client ID is for every client ID": (
        "entries.py",
        'name == "client_id" and effect == "Deny"',
        'name == "client_id"',
    ),
    # Pairs of entries.
    "only the first container is looked at": (
        "compiler.py",
        "for _, names, levels, contained in containers:",
        "for _, names, levels, contained in containers[:1]:",
    ),
    "the last container is not looked at": (
        "compiler.py",
        "for _, names, levels, contained in containers:",
        "for _, names, levels, contained in containers[:-1]:",
    ),
    "the condition of a container is ignored": (
        "policy_plan.py",
        "for each in containers if applies[each.block]",
        "for each in containers",
    ),
    "an entry is left out if anything contains another value": (
        "compiler.py",
        "if _texts(contained, each) not in covered]",
        "if not covered]",
    ),
    "entries that contain each other are both left out": (
        "conflicts.py",
        " and not contains(\n        inner.levels, outer.levels, could_be_equal\n    )",
        "",
    ),
    "the first level of a container is not compared": (
        "compiler.py",
        "for level in levels)",
        "for level in levels[1:])",
    ),
    "only the first level of a container is compared": (
        "compiler.py",
        "_texts(contained, each)",
        "_texts(contained[:1], each)",
    ),
    "only the first value of a container counts": ("compiler.py", "for each in covering}", "for each in covering[:1]}"),
    "values of a list after the second are lost": (
        "compiler.py",
        "starmap(pattern.format, filled[source])",
        "starmap(pattern.format, filled[source][:2])",
    ),
    "denials that cut are accepted": (
        "conflicts.py",
        "if is_for_some or not _contains_if_reached(*both):",
        "if is_for_some:",
    ),
    "a container with a condition counts as always there": ("conflicts.py", "blocks[block].when is None", "True"),
    "the names of a container are ignored": ("conflicts.py", "names.issuperset(container.names)", "True"),
    "an entry contains what reaches it": ("conflicts.py", "and contains(outer, inner, could_be_equal)", ""),
    "texts are never equal": (
        "overlap.py",
        "    if level == other:\n        return True\n",
        "    return level == other\n",
    ),
    "a longer end does not fit": ("overlap.py", "tail.endswith(other_tail) or", ""),
    "a shorter end does not fit": ("overlap.py", "or other_tail.endswith(tail)", ""),
    "a longer beginning does not fit": ("overlap.py", "head.startswith(other_head) or", ""),
    "a shorter beginning does not fit": ("overlap.py", "or other_head.startswith(head)", ""),
    "two placeholders are compared as texts": ("overlap.py", 'if "{" in level and "{" in other:', "if False:"),
    "a wildcard takes an even number of levels more": ("overlap.py", "glob, topic[1:]) if", "glob, topic[2:]) if"),
    "a first wildcard takes no text": ("overlap.py", " if starts_with_dollar else topic.hash or glob != HASH", ""),
    "a denial of $ is a text": ("overlap.py", 'if level in ("*", "$*"):', 'if level == "*":'),
    "a first wildcard has nothing behind it": (
        "globs.py",
        "(PLUS, HASH) for level in levels]",
        "(PLUS, HASH) for level in levels[1:]]",
    ),
    "placeholders have any name": ("placeholders.py", "if name not in (", "if False and name not in ("),
    # Containers and client IDs.
    "levels are compared joined": (
        "compiler.py",
        "return tuple(level.format(*combination) for level in levels)",
        "return ''.join(level.format(*combination) for level in levels)",
    ),
    "levels are compared in small letters": (
        "compiler.py",
        "return tuple(level.format(*combination) for level in levels)",
        "return tuple(level.format(*combination).lower() for level in levels)",
    ),
    "levels are compared in any order": (
        "compiler.py",
        "return tuple(level.format(*combination) for level in levels)",
        "return frozenset(level.format(*combination) for level in levels)",
    ),
    "a deny for a missing client ID denies one level": (
        "placeholders.py",
        'self._of("client_id") or ("*",)',
        'self._of("client_id") or ("+",)',
    ),
    "a deny needs each attribute": (
        "planning.py",
        '"ForAnyValue:StringEquals"',
        '"ForAllValues:StringEquals"',
    ),
    # The topic prefix.
    "reserved topics have the prefix": (
        "topic_prefix.py",
        'if not prefix or levels[start].startswith("$"):',
        "if not prefix:",
    ),
    "shared filters have the prefix in front": (
        "topic_prefix.py",
        "return (*levels[:start], *prefix",
        "start = 0\n    return (*levels[:start], *prefix",
    ),
    "each deny reaches reserved topics": ("topic_prefix.py", " if levels[start] in (PLUS, HASH) else None", ""),
    "denies do not reach reserved topics": ("entries.py", "if topic_prefix and effect", "if False and effect"),
    # Direct messages, and retained messages over HTTPS.
    "receiving also allows to subscribe": (
        "entries.py",
        '"receive": ("iot:Receive",)',
        '"receive": ("iot:Receive", "iot:Subscribe")',
    ),
    "reading also allows to receive": (
        "entries.py",
        '"read": ("iot:GetRetainedMessage",)',
        '"read": ("iot:GetRetainedMessage", "iot:Receive")',
    ),
    "a receiver gets the topics of all": (
        "direct_messages.py",
        "topics_of.setdefault(receiver, []).append(topic)",
        "topics_of.setdefault(receiver, next(iter(topics_of.values()), [])).append(topic)",
    ),
    "all receivers get the topics of one": (
        "direct_messages.py",
        "for topics, receivers in receivers_of.items()",
        "for topics, receivers in [(each, [*topics_of]) for each in receivers_of]",
    ),
    "only the first topic of a receiver counts": (
        "direct_messages.py",
        "for part in _parts(topics)",
        "for part in [[*topics][:1]]",
    ),
    "a message may have any topic": ("direct_messages.py", "{CONDITION_KEY: part}", '{CONDITION_KEY: ["*"]}'),
    "receivers never meet": (
        "overlap.py",
        "        return could_be_equal(one, other)\n    for mine",
        "        return False\n    for mine",
    ),
    "receivers with a star never meet": (
        "overlap.py",
        'if "*" in mine or "*" in its:\n            return True',
        'if "*" in mine or "*" in its:\n            return False',
    ),
    "only the receiver of the inner entry has a star": (
        "conflicts.py",
        '"*" in outer[1] + inner[1]',
        '"*" in inner[1]',
    ),
    "only the receiver of the outer entry has a star": (
        "conflicts.py",
        '"*" in outer[1] + inner[1]',
        '"*" in outer[1]',
    ),
    "receivers that are written differently are equal": (
        "conflicts.py",
        "if inner[0] == TO and outer[1] != inner[1] and",
        "if False and",
    ),
}
"""What is wrong, the file, the text there, and the text that replaces it."""
