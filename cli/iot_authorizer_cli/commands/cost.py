"""`iot-authorizer cost`: what AWS bills a month."""

import json
import sys
from typing import Annotated

import typer

from iot_authorizer_cli.arguments import duration, milliseconds, share
from iot_authorizer_cli.arguments import message_size as size_of_message
from iot_authorizer_cli.costs import DAYS, Item, Usage, bill, total
from iot_authorizer_cli.prices import PRICES

_LEAST, _MOST = "5m", "24h"
"""IoT Core's bounds for refreshAfterInSeconds and disconnectAfterInSeconds."""
_MANY = 10**9
_LONGEST = 5
"""Seconds that IoT Core waits for an invocation."""


def cost(
    connections: Annotated[
        int, typer.Option(metavar="N", min=1, max=_MANY, help="Clients that are always connected.")
    ] = 1000,
    refresh_after: Annotated[str, typer.Option(metavar="TIME", help="Of the policy template.")] = "15m",
    disconnect_after: Annotated[str, typer.Option(metavar="TIME", help="Of the policy template.")] = "24h",
    messages: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=_MANY, help="A connection and day: published, delivered, PUBACKs."),
    ] = 1440,
    message_size: Annotated[str, typer.Option(metavar="SIZE", help="Of payload and topic: 200B, 1KB.")] = "1KB",
    time: Annotated[
        str, typer.Option("--duration", metavar="TIME", help="Of an invocation, environment running: 20ms.")
    ] = "20ms",
    memory: Annotated[int, typer.Option(metavar="MB", min=128, max=10_240, help="Of the Lambda function.")] = 512,
    cold_share: Annotated[str, typer.Option(metavar="SHARE", help="Invocations that start an environment.")] = "1%",
    cold_duration: Annotated[str, typer.Option(metavar="TIME", help="That such a start adds.")] = "500ms",
    https_requests: Annotated[
        int, typer.Option(metavar="N", min=0, max=_MANY * 1000, help="Publishes over HTTPS a month.")
    ] = 0,
    region: Annotated[str, typer.Option(metavar="REGION", help=", ".join(PRICES))] = "us-east-1",
    as_json: Annotated[bool, typer.Option("--json", help="For programs; with where each price is from.")] = False,
) -> None:
    """Estimate what AWS bills a month for clients that an authorizer lets in, at list prices without free tiers.

    Metrics, alarms, the dashboard and what the clients' messages set off elsewhere are not in it.
    """
    if region not in PRICES:
        raise typer.BadParameter(
            f"expected a region whose prices are known: {', '.join(PRICES)}", param_hint="--region"
        )
    usage = Usage(
        connections=connections,
        refresh_after=duration(refresh_after, "--refresh-after", _MOST, _LEAST),
        disconnect_after=duration(disconnect_after, "--disconnect-after", _MOST, _LEAST),
        messages=messages,
        message_size=size_of_message(message_size, "--message-size"),
        duration=milliseconds(time, "--duration", _LONGEST),
        cold_share=share(cold_share, "--cold-share"),
        cold_duration=milliseconds(cold_duration, "--cold-duration", _LONGEST),
        memory=memory,
        https_requests=https_requests,
    )
    items = bill(usage, PRICES[region])
    if as_json:
        typer.echo(json.dumps(_object(usage, items, region), indent=2))
    elif sys.stdout.isatty():
        _show(usage, items, region)
    else:
        typer.echo("\n".join([_heading(usage, region), "", *_lines(items)]))


def _heading(usage: Usage, region: str) -> str:
    return (
        f"{usage.connections:,} connections in {region}, {DAYS} days:"
        f" {usage.connects:,} connects, {usage.refreshes:,} refreshes"
    )


def _rows(items: tuple[Item, ...]) -> list[tuple[str, str, str]]:
    rows = [(item.name, f"{item.quantity:,}", f"{item.dollars:,}") for item in items]
    return [*rows, ("total", "", f"{total(items):,}")]


def _lines(items: tuple[Item, ...]) -> list[str]:
    """The table, for a pipe."""
    rows = [("item", "a month", "US$"), *_rows(items)]
    name, quantity, dollars = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [f"{row[0]:<{name}}  {row[1]:>{quantity}}  {row[2]:>{dollars}}" for row in rows]


def _show(usage: Usage, items: tuple[Item, ...], region: str) -> None:
    """The table, for a terminal."""
    from rich.console import Console  # noqa: PLC0415 (it takes a while to load)
    from rich.table import Table  # noqa: PLC0415

    table = Table("item")
    table.add_column("a month", justify="right")
    table.add_column("US$", justify="right")
    *rows, last = _rows(items)
    for row in rows:
        table.add_row(*row)
    table.add_section()
    table.add_row(*last, style="bold")
    console = Console()
    console.print(_heading(usage, region), highlight=False)
    console.print(table)


def _object(usage: Usage, items: tuple[Item, ...], region: str) -> dict[str, object]:
    return {
        "region": region,
        "days": DAYS,
        "connections": usage.connections,
        "connects": usage.connects,
        "refreshes": usage.refreshes,
        "items": [
            {"item": item.name, "quantity": float(item.quantity), "usd": float(item.dollars), "price_from": item.source}
            for item in items
        ],
        "total_usd": float(total(items)),
    }
