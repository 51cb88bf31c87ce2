"""Random identifiers that need not be secret, such as those of connections and requests."""

import random
import uuid

_random = random.Random()  # noqa: S311 (a handler in this process may seed the module's own generator)


def new_uuid() -> str:
    """A random UUID. Not for secrets.

    `uuid.uuid4` asks the system, and another thread gets the interpreter meanwhile: a few of them for each client took
    a twentieth of the time to connect it.
    """
    return str(uuid.UUID(int=_random.getrandbits(128), version=4))
