"""Whether an account was prepared for the CDK (`cdk bootstrap`). Imported only for a deployment, as `account.py` is.

1. The bootstrap writes its version into a parameter of Parameter Store. The parameter's name has a qualifier, which
   the CDK reads from its context (CDK developer guide, "Customize CDK bootstrapping").
2. Only the answer that there is no such parameter is a refusal. Without another answer, the CDK goes on: the user may
   assume the CDK's roles and not read the parameter.
"""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from iot_authorizer_cli.commands.deploy.account import TIMES, AwsAccount

_QUALIFIER = "hnb659fds"
"""The CDK's own."""
_KEY = "@aws-cdk/core:bootstrapQualifier"


def missing_bootstrap(account: AwsAccount) -> list[str]:
    """The arguments of the CDK's command line that prepare the account in this region; empty if it is prepared."""
    qualifier = _qualifier()
    client: Any = Session().create_client("ssm", region_name=account.region, config=TIMES)
    try:
        client.get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            chosen = [] if qualifier == _QUALIFIER else ["--qualifier", qualifier]
            return ["bootstrap", "--app", "", *chosen, f"aws://{account.account}/{account.region}"]
    except BotoCoreError:
        pass
    return []


def _qualifier() -> str:
    """The qualifier in the CDK's context: of cdk.json, of cdk.context.json, or of the user's own file."""
    project, context, own = map(_json, (Path("cdk.json"), Path("cdk.context.json"), Path.home() / ".cdk.json"))
    for tables in (project.get("context"), context, own.get("context")):
        if isinstance(tables, dict) and isinstance(found := tables.get(_KEY), str):
            return found
    return _QUALIFIER


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}  # The CDK says what is wrong with it.
    return found if isinstance(found, dict) else {}
