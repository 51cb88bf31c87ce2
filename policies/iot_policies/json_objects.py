"""Makes objects of JSON, for all texts in which a duplicate key could hide a value."""


def unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Makes an object of its pairs: an `object_pairs_hook`. Raises ValueError for a duplicate key.

    With `"Effect": "Deny", "Effect": "Allow"`, one parser reads a denial and another one a permission.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)}: duplicate key in a JSON object")
    return found
