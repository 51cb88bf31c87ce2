"""`iot-authorizer dev`: IoT Core on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.handler import HANDLER
from iot_core.functions.lambda_function import ACCOUNT, REGION
from iot_policies import InvalidFile


def dev(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("authorizer.toml"),
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Plain; 0 is any free one.")] = 8080,
    tls_port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="TLS; 0 is any free one.")] = 8443,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where keys and messages are.")] = DATA,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="The DynamoDB table. Unless given, this machine's, in --data.")
    ] = None,
    time_scale: Annotated[
        float, typer.Option(metavar="N", min=1, max=3600, help="60: an hour passes in a minute.")
    ] = 1,
    no_throttling: Annotated[
        bool, typer.Option("--no-throttling", help="Lift IoT Core's limits a second: publishes, connects.")
    ] = False,
    handler: Annotated[str, typer.Option(metavar="NAME", help="The Lambda handler, as app.lambda_handler.")] = HANDLER,
    region: Annotated[str, typer.Option(metavar="REGION", help="The region that it stands for.")] = REGION,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="The account that it stands for.")] = ACCOUNT,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no decisions.")] = False,
) -> None:
    """Run IoT Core on this machine: MQTT, WebSocket and AWS's HTTP APIs on two ports, and a page to try it at /.

    Clients are let in by the authorizer's Lambda handler, and their policies are enforced on every message. Saving the
    configuration or the template takes effect at once. End it with Ctrl-C.
    """
    if handler == HANDLER and not config.exists():
        raise InvalidFile(config, None, "", "there is no such file: name yours with --config")
    if port == tls_port != 0:
        raise typer.BadParameter("the two ports must differ", param_hint="--port, --tls-port")
    from iot_authorizer_cli.commands.dev.serving import serve  # noqa: PLC0415
    from iot_authorizer_cli.local_iot_core import LocalIotCore  # noqa: PLC0415
    from iot_core.broker.limits import IOT_CORE  # noqa: PLC0415 (it takes a while to load)
    from iot_core.broker.storage import StorageError  # noqa: PLC0415

    core = LocalIotCore(
        config,
        handler=handler,
        host=host,
        port=port,
        tls_port=tls_port,
        folder=data,
        table=table,
        time_scale=time_scale,
        limits=IOT_CORE.without_throttling() if no_throttling else IOT_CORE,
        region=region,
        account=account,
    )
    try:
        serve(core, data, quiet=quiet)
    except StorageError as error:
        raise StorageError(f"{error}{'' if str(error).endswith('?') else ':'} --data names another folder") from None
