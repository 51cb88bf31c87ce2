"""IoT Core on this machine, with the project's authorizers, its owner's access key and a role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey
from iot_authorizer_cli.commands.conformance.project import NAME, SIGNED_NAME, ConformanceProject
from iot_authorizer_cli.commands.conformance.wire import Endpoint, NotTried
from iot_core.iam.roles import CLIENT_ROLE

if TYPE_CHECKING:
    from iot_authorizer_cli.local_iot_core import LocalIotCore

_PATIENCE = 2.0


@contextmanager
def local_endpoint(project: ConformanceProject, time_scale: float = 1) -> Iterator[Endpoint]:
    """Runs IoT Core with the settings of the stage. The seconds of answers pass `time_scale` times as fast."""
    from iot_authorizer_cli.local_iot_core import LocalIotCore  # noqa: PLC0415 (other commands do not load the server)

    with LocalIotCore(project.configuration, time_scale=time_scale) as core:
        put_authorizers(core, project)
        endpoint = project.endpoint(
            "localhost", core.tls_port, patience=_PATIENCE, ca=core.ca_path, time_scale=time_scale
        )
        yield replace(endpoint, signed_authorizer=SIGNED_NAME, find_key=cache(partial(_owners_key, core)))


def put_authorizers(core: "LocalIotCore", project: ConformanceProject) -> None:
    """Sets what the stage sets, and adds the authorizer of `signed.toml`.

    The function of the other authorizer serves it too: it reads tokens the same way.
    """
    configured = core.configuration.configured.description

    def put() -> None:
        core.authorizers.update(NAME, enable_caching_for_http=True)
        core.authorizers.create(
            SIGNED_NAME,
            function_arn=configured.function_arn,
            token_key_name=configured.token_key_name,
            public_keys={"key-1": project.public_signing_key},
            status="ACTIVE",
        )

    core.call(put)


def _owners_key(core: "LocalIotCore") -> AwsKey:
    try:
        from iot_authorizer_cli.commands.conformance.aws_credentials import local_key  # noqa: PLC0415 (it is slow)
    except ImportError:
        raise NotTried("botocore is missing: install iot-authorizer[aws]") from None
    key, role = core.iot_core.access_keys.owner, core.iot_core.roles.arn(CLIENT_ROLE)
    return local_key(key.key_id, key.secret, core.place.region, core.url, role)
