"""`iot-authorizer dev`: IoT Core on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.options import CONFIG, Account, Config, DataFolder, Handler, Region, TableName, require_config
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.handler import choose_handler
from iot_core.functions.execution_environments import CONCURRENCY
from iot_policies.account_region import EXAMPLE_PLACE


def dev(
    config: Config = CONFIG,
    host: Annotated[str, typer.Option(metavar="HOST", help="Listen on this address.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Listen on this plain port; 0 for any free port.")
    ] = 8080,
    tls_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Listen on this TLS port; 0 for any free port.")
    ] = 8443,
    data: DataFolder = DATA,
    table: TableName = None,
    time_scale: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=1,
            max=3600,
            help="Make the times of authorizers and development tokens pass N times as fast.",
        ),
    ] = 1,
    no_throttling: Annotated[
        bool, typer.Option("--no-throttling", help="Remove IoT Core's limits per second.")
    ] = False,
    default_authorizer: Annotated[
        bool,
        typer.Option(
            "--default-authorizer", help="Use the authorizer for clients that name none, as Mosquitto and Node-RED do."
        ),
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Serve this certificate on the TLS port: PEM, with the CAs' certificates after the server's one. "
            "Default: a certificate of the local CA.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the certificate's private key (PEM) from this file.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Run at most N execution environments of the handler.")
    ] = CONCURRENCY,
    in_process: Annotated[
        bool,
        typer.Option(
            "--in-process",
            help="Run each execution environment of the handler as a thread of this process, for debuggers. A thread "
            "cannot be ended if the handler hangs. Default: as a process.",
        ),
    ] = False,
    web: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Serve its files at /web/; default: web beside the configuration."),
    ] = None,
    handler: Handler = None,
    region: Region = EXAMPLE_PLACE.region,
    account: Account = EXAMPLE_PLACE.account,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not print decisions.")] = False,
) -> None:
    """Run IoT Core on this machine.

    Serves MQTT, WebSocket and AWS's HTTP APIs on two ports. Open the URL that it prints for a page to try it. The
    Lambda handler authorizes clients, and their policies are enforced on every message. A saved configuration or
    template takes effect at once. Press Ctrl-C to end it.
    """
    if not choose_handler(config, handler).is_own:
        require_config(config)
    if port == tls_port != 0:
        raise typer.BadParameter("expected two different ports", param_hint="--port, --tls-port")
    if (certificate is None) != (key is None):
        raise typer.BadParameter("give both or neither", param_hint="--certificate, --key")
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
        concurrency=concurrency,
        in_process=in_process,
        default_authorizer=default_authorizer,
        web=web,
        certificate=certificate,
        key=key,
    )
    try:
        serve(core, data, quiet=quiet)
    except StorageError as error:
        raise StorageError(f"{error}{'' if str(error).endswith('?') else ':'} --data names another folder") from None
