"""Mosquitto's rules, read a second time: its C code line by line, over characters. It shares nothing with the command.

Sources, of mosquitto 2.0.11: src/security_default.c (aclfile__parse, add__acl, add__acl_pattern,
mosquitto_acl_check_default), src/security.c (acl__check_dollar), lib/util_topic.c (mosquitto_topic_matches_sub).
"""

READ, WRITE, NONE = 1, 2, 0
_ACCESS = {"read": READ, "write": WRITE, "readwrite": READ | WRITE, "deny": NONE}


class Mosquitto:
    """The ACL of a broker."""

    def __init__(self, text: str) -> None:
        self._users: dict[str | None, list[tuple[int, str]]] = {}
        self._patterns: list[tuple[int, str]] = []
        user: str | None = None
        for line in text.split("\n"):
            words = line.rstrip().split(" ", 1)
            if line.startswith("#") or not line.strip():
                continue
            keyword, rest = words[0], words[1].strip() if len(words) > 1 else ""
            if keyword == "user":
                user = rest
                continue
            access, _, topic = rest.partition(" ")
            rule = (READ | WRITE, access) if not topic else (_ACCESS[access], topic.strip())
            rules = self._users.setdefault(user, []) if keyword == "topic" else self._patterns
            rules.insert(0 if rule[0] == NONE else len(rules), rule)

    def allows(self, user: str | None, client_id: str, access: int, topic: str) -> bool:
        """Whether a client may publish to a topic (WRITE), or be sent what is published there (READ)."""
        if not _dollar_allows(access, topic):
            return False
        decided = _decided(self._users.get(user, []), access, topic)
        if decided is None and not (self._patterns and any(sign in (user or "") + client_id for sign in "+#")):
            usable = [(granted, each) for granted, each in self._patterns if user is not None or "%u" not in each]
            filled = [(granted, _filled(each, user, client_id)) for granted, each in usable]
            decided = _decided(filled, access, topic)
        return decided is True


def _dollar_allows(access: int, topic: str) -> bool:
    """`acl__check_dollar`."""
    if topic.startswith("$SYS"):
        return access == READ or matches("$SYS/broker/connection/+/state", topic)
    return not topic.startswith("$share")


def _decided(rules: list[tuple[int, str]], access: int, topic: str) -> bool | None:
    """What the first rule says that matches; None if none does. Denies are in front."""
    for granted, topic_filter in rules:
        if matches(topic_filter, topic) and (granted == NONE or granted & access):
            return granted != NONE
    return None


def _filled(pattern: str, user: str | None, client_id: str) -> str:
    filled, index = "", 0
    while index < len(pattern):
        two = pattern[index : index + 2]
        if two == "%c":
            filled, index = filled + client_id, index + 2
        elif two == "%u" and user is not None:
            filled, index = filled + user, index + 2
        else:
            filled, index = filled + pattern[index], index + 1
    return filled


def matches(sub: str, topic: str) -> bool:
    """`mosquitto_topic_matches_sub`, with an index for each of its pointers. A NUL ends both texts, as in C."""
    if not sub or not topic or (sub[0] == "$") != (topic[0] == "$"):
        return False
    s, t = 0, 0
    sub, topic = sub + "\0\0\0\0", topic + "\0\0"
    while sub[s] != "\0":
        if sub[s] == topic[t] and topic[t] != "\0":
            if topic[t + 1] == "\0" and sub[s + 1 : s + 4] == "/#\0":
                return True
            s, t = s + 1, t + 1
            if topic[t] == "\0" and sub[s : s + 2] == "+\0":
                return True
        elif sub[s] == "+":
            s += 1
            while topic[t] not in "\0/":
                t += 1
        else:
            is_parent = topic[t] == "\0" and s > 0 and sub[s - 1] == "+" and sub[s : s + 2] == "/#"
            return sub[s] == "#" or is_parent
        if sub[s] == topic[t] == "\0":
            return True
    return False
