"""CDK constructs for the authorizer, an app that deploys it, and the builder of its Lambda directory.

```python
from iot_authorizer_cdk import Issuer, IotCustomAuthorizer
```

A name is loaded when it is first used: the CDK starts Node.js, which building the Lambda directory does not need.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iot_authorizer_cdk.app.stacks import DomainStack as DomainStack
    from iot_authorizer_cdk.constructs.account_functions import DefaultAuthorizer as DefaultAuthorizer
    from iot_authorizer_cdk.constructs.alarms import Alarms as Alarms
    from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer as IotCustomAuthorizer
    from iot_authorizer_cdk.constructs.dashboard import Dashboard as Dashboard
    from iot_authorizer_cdk.constructs.dashboard import Queries as Queries
    from iot_authorizer_cdk.constructs.guest_pool import GuestPool as GuestPool
    from iot_authorizer_cdk.constructs.identity_table import IdentityTable as IdentityTable
    from iot_authorizer_cdk.constructs.issuer import Issuer as Issuer
    from iot_authorizer_cdk.constructs.online_table import OnlineTable as OnlineTable
    from iot_authorizer_cdk.package.uv import UvError as UvError
    from iot_authorizer_cdk.properties import AuthorizerProps as AuthorizerProps
    from iot_authorizer_cdk.properties import DomainProps as DomainProps
    from iot_authorizer_cdk.properties import InvalidSettings as InvalidSettings

_MODULES = {
    "Alarms": "constructs.alarms",
    "AuthorizerProps": "properties",
    "Dashboard": "constructs.dashboard",
    "DefaultAuthorizer": "constructs.account_functions",
    "DomainProps": "properties",
    "DomainStack": "app.stacks",
    "GuestPool": "constructs.guest_pool",
    "IdentityTable": "constructs.identity_table",
    "InvalidSettings": "properties",
    "IotCustomAuthorizer": "constructs.custom_authorizer",
    "Issuer": "constructs.issuer",
    "OnlineTable": "constructs.online_table",
    "Queries": "constructs.dashboard",
    "UvError": "package.uv",
}


def __getattr__(name: str) -> object:
    """Loads the module of a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
