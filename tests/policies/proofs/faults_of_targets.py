"""Faults of the session policy, of the role of guests, and of packing for IAM."""

TARGET_FAULTS = {
    # The session policy.
    "other client IDs can connect": (
        "session_policy.py",
        'if "iot:Connect" not in statement.heading.actions:',
        "if True:",
    ),
    "a client ID is not written as it is": ("session_policy.py", "client/{literal(client_id)}", "client/{client_id}"),
    "conditions of a CONNECT are lost": (
        "session_policy.py",
        "yield Statement(statement.heading, (f",
        "yield Statement(type(statement.heading)(statement.heading.effect, statement.heading.actions, None), (f",
    ),
    "what is denied to other client IDs is denied": (
        "session_policy.py",
        "elif any(fits_client_id(resource, client_id) for resource in statement.resources):",
        'elif statement.heading.effect == "Deny" or fits_client_id(statement.resources[0], client_id):',
    ),
    "a denial of a CONNECT is lost": (
        "session_policy.py",
        "elif any(fits_client_id(resource, client_id) for resource in statement.resources):",
        'elif statement.heading.effect == "Allow" and fits_client_id(statement.resources[0], client_id):',
    ),
    "a client ID that is not granted gets a policy": (
        "session_policy.py",
        "if not policy.may_connect(client_id):",
        "if False:",
    ),
    "topics of a client ID are lost": (
        "session_policy.py",
        "policy = compile_policy(template, principal, client_id)",
        "policy = compile_policy(template, principal, None)",
    ),
    "a session policy is longer than STS accepts": (
        "session_policy.py",
        "if len(text) > LONGEST_SESSION_POLICY:",
        "if len(text) > LONGEST_SESSION_POLICY + 500:",
    ),
    "a small session policy is refused": (
        "session_policy.py",
        "if len(text) > LONGEST_SESSION_POLICY:",
        "if len(text) > 200:",
    ),
    "a session policy has wide characters": ("session_policy.py", "if not is_writable(text):", "if False:"),
    "narrow characters are refused": (
        "session_policy.py",
        "if not is_writable(text):",
        "if True:",
    ),
    "an end has a wrong time": ("session_policy.py", "utc_text(until)", "utc_text(until + 3600)"),
    "an end is later than asked for": ("session_policy.py", "DateLessThan", "DateGreaterThan"),
    "a session policy is always for one partition": (
        "session_policy.py",
        'place.arn_prefix("iot")',
        'f"arn:aws:iot:{place.region}:{place.account}:"',
    ),
    "a session policy is always for one region": (
        "session_policy.py",
        'place.arn_prefix("iot")',
        'f"arn:{place.partition}:iot:us-east-1:{place.account}:"',
    ),
    "an end is never before 2033": ("session_policy.py", "else int(expires)", "else max(int(expires), 2_000_000_000)"),
    "a policy with an end is always refused": (
        "session_policy.py",
        "if len(text) > LONGEST_SESSION_POLICY:",
        "if len(text) > LONGEST_SESSION_POLICY or until is not None:",
    ),
    "a policy with an end is longer than STS accepts": (
        "session_policy.py",
        "if len(text) > LONGEST_SESSION_POLICY:",
        "if len(text) > LONGEST_SESSION_POLICY and until is None:",
    ),
    "a long client ID is cut": ("session_policy.py", "literal(client_id)}", "literal(client_id[:64])}"),
    "a space of a client ID is a wildcard": (
        "session_policy.py",
        "client/{literal(client_id)}",
        "client/{literal(client_id).replace(chr(32), chr(42))}",
    ),
    "the seventh denied resource of a list is lost": (
        "session_policy.py",
        "for each in _bound(statement, client_id)]",
        "for each in _bound("
        'statement._replace(resources=statement.resources[:6]) if statement.heading.effect == "Deny" '
        "else statement, client_id)]",
    ),
    # The role of guests.
    "a role is always for one partition": (
        "cognito_role.py",
        'place.arn_prefix("iot")',
        'f"arn:aws:iot:{place.region}:{place.account}:"',
    ),
    "an identity behind other text is not replaced": (
        "cognito_role.py",
        ".replace(identity, IDENTITY_VARIABLE)",
        '.replace(f"/{identity}", f"/{IDENTITY_VARIABLE}")',
    ),
    "all identities are in a topic filter": (
        "cognito_role.py",
        ".replace(identity, IDENTITY_VARIABLE)",
        '.replace(f"topicfilter/{identity}", "topicfilter/*").replace(identity, IDENTITY_VARIABLE)',
    ),
    "an entry with the client ID is left out": ("cognito_role.py", 'if "client_id" in names:', "if False:"),
    "entries that guests lack claims for are left out": ("cognito_role.py", "in values.missing([", "in ([][:0] and ["),
    "a small role is refused": ("cognito_role.py", "if len(text) > LONGEST_ROLE_POLICY:", "if len(text) > 500:"),
    "a role is for one guest": ("cognito_role.py", ".replace(identity, IDENTITY_VARIABLE)", ""),
    "a role is for all guests": ("cognito_role.py", "(identity, IDENTITY_VARIABLE)", '(identity, "*")'),
    "claims of guests are ignored": (
        "cognito_role.py",
        "Principal(identity, claims or {})",
        "Principal(identity)",
    ),
    "a role leaves entries out for one guest": (
        "cognito_role.py",
        "check_conflicts(entries, find_containers(entries), per_principal=False)",
        "pass",
    ),
    "a role's first entry is not compared with the others": (
        "cognito_role.py",
        "check_conflicts(entries, find_containers(entries), per_principal=False)",
        "check_conflicts(entries[1:], find_containers(entries), per_principal=False)",
    ),
    "a guest has the claims of a token": (
        "cognito_role.py",
        "policy = compile_policy(template, guest)",
        'policy = compile_policy(template, type(guest)(identity, {**guest.claims, "sub": identity}))',
    ),
    "a role is longer than IAM accepts": ("cognito_role.py", "if len(text) > LONGEST_ROLE_POLICY:", "if False:"),
    "a role has wide characters": ("cognito_role.py", "if not is_writable(text):", "if False:"),
    # Packing for IAM.
    "a statement has an ID": ("iam_packing.py", "{**statement, ", '{**statement, "Sid": "a", '),
    "a denial of all actions reaches an Allow": (
        "iam_packing.py",
        'effect == "Deny" and not _reaches_more(grouped, allowed)',
        'effect == "Deny"',
    ),
    "a denial of all actions in a role": ("iam_packing.py", 'if is_only and effect == "Deny"', 'if effect == "Deny"'),
    "an Allow is about all actions": ("iam_packing.py", 'effect == "Deny" and not _reaches', "not _reaches"),
    "patterns meet only if one begins with the other": (
        "iam_packing.py",
        "mine.startswith(others) or others.startswith(mine)",
        "mine.startswith(others)",
    ),
    "patterns with a wildcard never meet": (
        "iam_packing.py",
        "return mine.startswith(others) or others.startswith(mine)",
        "return False",
    ),
    "a denial never reaches one text": (
        "iam_packing.py",
        "return matcher(other)(pattern) if other_star else matcher(pattern)(other)",
        "return pattern == other",
    ),
    "a denial of one text does not reach a pattern": (
        "iam_packing.py",
        "return matcher(other)(pattern) if other_star else matcher(pattern)(other)",
        "return matcher(pattern)(other)",
    ),
    "the seventh topic of a condition is lost": (
        "iam_packing.py",
        "condition = {**row.condition, **until}",
        "condition = {k: {a: b[:6] if isinstance(b, list) else b for a, b in v.items()} "
        "for k, v in {**row.condition, **until}.items()}",
    ),
    "resources have the actions of all": (
        "iam_packing.py",
        ".setdefault(actions, []).append(resource)",
        ".setdefault((), []).append(resource)",
    ),
    "a statement takes two groups of one type": (
        "iam_packing.py",
        "taken = [groups[index] for groups in ordered if index < len(groups)]",
        "taken = [group for groups in ordered for group in groups[index : index + 2]]",
    ),
    "the smallest group of a type is lost": (
        "iam_packing.py",
        "for index in range(max(map(len, ordered))):",
        "for index in range(min(map(len, ordered))):",
    ),
    "statements are grouped without their condition": (
        "iam_packing.py",
        "found.setdefault(json.dumps([effect, condition])",
        "found.setdefault(json.dumps([effect])",
    ),
    "statements are grouped without their effect": (
        "iam_packing.py",
        "found.setdefault(json.dumps([effect, condition])",
        "found.setdefault(json.dumps([condition])",
    ),
    "conditions are not written": (
        "iam_packing.py",
        "condition = {**row.condition, **until}",
        "condition = {**until}",
    ),
    "an end limits only statements without another condition": (
        "iam_packing.py",
        "condition = {**row.condition, **until}",
        "condition = row.condition or {**until}",
    ),
    "an end is not in an Allow": ("iam_packing.py", 'until if row.effect == "Allow" else', "until if False else"),
    "a list loses all but one text": ("iam_packing.py", "if len(found) == 1 else found", "if found else found"),
    "a question mark of a client ID is a wildcard": ("iam_packing.py", 'for sign in "*?$"', 'for sign in "*$"'),
    "a dollar sign of a client ID begins a variable": ("iam_packing.py", 'for sign in "*?$"', 'for sign in "*?"'),
}
"""What is wrong, the file, the text there, and the text that replaces it."""
