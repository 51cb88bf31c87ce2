"""What an authorizer with rules of your own takes from `authorizer.toml`, so that code need not repeat it.

1. The variable AUTHORIZER_CONFIG names the file. A deployment, `dev`, `invoke` and the pytest fixture set it.
2. A variable such as AUTHORIZER__NAME overrides the file's value, as for this package's own handler.
3. Nothing is validated here: IoT Core on the user's machine and the build refuse a wrong value.
"""

import os
from pathlib import Path

from iot_policies.overriding import OVERRIDE

CONFIG_VARIABLE = "AUTHORIZER_CONFIG"
"""The environment variable that names the configuration."""
AUTHORIZER_NAME = r"[A-Za-z0-9_=,@-]{1,128}"
"""The form of `name`, as a regular expression (CreateAuthorizer, authorizerName)."""
TABLE_NAME = r"[A-Za-z0-9_.-]{3,255}|arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}"
"""The form of `table`: a DynamoDB table's name or ARN."""
HOST_NAME = r"[A-Za-z0-9.-]+"
"""The form of a host name."""
ROLE_ARN = r"arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]+"
"""The form of a role's ARN (IAM user guide, "IAM identifiers")."""


def configured_text(key: str) -> str | None:
    """Returns a text from the top of the configuration; None if there is no such key, or no file.

    Raises InvalidFile for a file that is not TOML.
    """
    if (overriding := os.environ.get(f"{OVERRIDE}{key.upper()}")) is not None:
        return overriding
    path = Path(os.environ.get(CONFIG_VARIABLE, ""))
    if not path.is_file():
        return None
    from iot_policies.toml_file import read_toml

    found = read_toml(path)[0].get(key)
    return found if isinstance(found, str) else None
