"""Tells the credentials endpoint on this machine which role clients get, and who gives it: IoT Core here itself.

The endpoint's function reads the file when it is first asked, because the ports are known only after it has loaded. The
file has the owner's key, which may assume the role. Only the owner of the data folder can read it.
"""

import json
from pathlib import Path

from iot_authorizer_cli.project.development_issuer import sts_path
from iot_core.core import IotCore
from iot_core.iam.access_keys import owner_key
from iot_core.iam.roles import CLIENT_ROLE
from iot_core.whole_file import write_whole


def write_client_role(folder: Path, core: IotCore, url: str) -> None:
    """Writes the file into a data folder; `url` is that of the running IoT Core. Raises OSError."""
    key = owner_key(folder, core.place)
    content = {
        "role": core.roles.arn(CLIENT_ROLE),
        "endpoint": core.endpoint_address,
        "url": url,
        "region": core.place.region,
        "access_key_id": key.key_id,
        "secret_access_key": key.secret,
    }
    write_whole(sts_path(folder), json.dumps(content).encode(), mode=0o600)
