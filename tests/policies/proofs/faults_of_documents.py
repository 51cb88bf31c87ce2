"""Faults of statements and documents."""

DOCUMENT_FAULTS = {
    "eleven documents": ("packing.py", "MOST_DOCUMENTS = 10", "MOST_DOCUMENTS = 11"),
    # Statements and documents.
    "grants have no condition": (
        "planning.py",
        "if attributes is None:",
        'if attributes is None or effect == "Allow":',
    ),
    "denies have no condition": ("planning.py", "if attributes is None:", 'if attributes is None or effect == "Deny":'),
    "a condition allows any of the attributes": (
        "planning.py",
        '"ForAllValues:StringEquals"',
        '"ForAnyValue:StringEquals"',
    ),
    "an empty connect_with allows a Will": (
        "planning.py",
        '["LastWill", "PersistentConnect"]}}',
        '["PersistentConnect"]}}',
    ),
    "a grant denies what it allows": (
        "planning.py",
        '"Deny", None, entry.block_index',
        '"Allow", None, entry.block_index',
    ),
    "equal resources keep their first actions": (
        "compiler.py",
        "in_order((*merged.get(key, ()), *heading.actions))",
        "merged.get(key, heading.actions)",
    ),
    "equal resources merge without their effect": (
        "compiler.py",
        "key = heading.effect, condition, resource",
        'key = "Allow", condition, resource',
    ),
    "merging loses every resource": (
        "compiler.py",
        "            merged[key] = in_order((*merged.get(key, ()), *heading.actions))",
        "            pass",
    ),
    "a client ID that is granted is refused": ("compiler.py", 'if pattern.endswith("*") else', "if False else"),
    "a client ID that is denied is accepted": (
        "compiler.py",
        "elif heading.condition is None:\n                    return False",
        "else:\n                    pass",
    ),
    "a deny with a condition refuses a client ID": ("compiler.py", "elif heading.condition is None:", "else:"),
    "each statement has a condition": ("packing.py", "if self.condition is not None:", "if True:"),
    "a condition has no values": ("planning.py", "    if attributes:\n", "    if True:\n"),
    "an overfull document loses a statement": (
        "packing.py",
        "return [_document(page.resources.items()) for page in pages]",
        "return [_document(page.resources.items()) for page in pages[:1]]",
    ),
    "a full document is one too large": ("packing.py", "if size <= LONGEST_DOCUMENT:", "if True:"),
    "every policy is too large": ("packing.py", "    written: list", "    raise PolicyTooLarge(1)\n    written: list"),
    # Packing.
    "a policy of two documents is too large": ("packing.py", "if len(pages) > MOST_DOCUMENTS or", "if True or"),
    "the first document is empty": ("packing.py", "for page in pages):", "for page in pages[1:]):"),
    "a resource takes the place of another one": (
        "packing.py",
        "            here.append(resource)",
        "            here[-1:] = [resource]",
    ),
    "a third document is lost": (
        "packing.py",
        "return [_document(page.resources.items()) for page in pages]",
        "return [_document(page.resources.items()) for page in pages[:2]]",
    ),
    "a new document loses its first resource": (
        "packing.py",
        "or not pages[-1].take(heading, resource, size)",
        "and not pages[-1].take(heading, resource, size)",
    ),
    "what does not fit is cut off": (
        "packing.py",
        "raise PolicyTooLarge(sum(len(resources) for _, resources in statements))",
        "return [_document(page.resources.items()) for page in pages[:MOST_DOCUMENTS]]",
    ),
}
"""What is wrong, the file, the text there, and the text that replaces it."""
