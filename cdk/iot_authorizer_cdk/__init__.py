"""CDK constructs for the authorizer, an app that deploys it, and the command that builds its Lambda directory.

```python
from iot_authorizer_cdk import AuthorizerProps, IotCustomAuthorizer
```

The names are loaded when they are used, because the CDK starts Node.js and building needs none of it.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iot_authorizer_cdk.constructs.account_functions import AccountEndpoint, DefaultAuthorizer
    from iot_authorizer_cdk.constructs.alarms import Alarms
    from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
    from iot_authorizer_cdk.constructs.dashboard import Dashboard, Queries
    from iot_authorizer_cdk.constructs.domain import DomainStack
    from iot_authorizer_cdk.constructs.identity_table import IdentityTable
    from iot_authorizer_cdk.properties import AuthorizerProps, DomainProps, InvalidSettings

_MODULES = {
    "AccountEndpoint": "constructs.account_functions",
    "Alarms": "constructs.alarms",
    "AuthorizerProps": "properties",
    "Dashboard": "constructs.dashboard",
    "DefaultAuthorizer": "constructs.account_functions",
    "DomainProps": "properties",
    "DomainStack": "constructs.domain",
    "IdentityTable": "constructs.identity_table",
    "InvalidSettings": "properties",
    "IotCustomAuthorizer": "constructs.custom_authorizer",
    "Queries": "constructs.dashboard",
}

__all__ = [
    "AccountEndpoint",
    "Alarms",
    "AuthorizerProps",
    "Dashboard",
    "DefaultAuthorizer",
    "DomainProps",
    "DomainStack",
    "IdentityTable",
    "InvalidSettings",
    "IotCustomAuthorizer",
    "Queries",
]


def __getattr__(name: str) -> object:
    """Loads the module of a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
