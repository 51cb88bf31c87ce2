"""`iot-authorizer revoke`: the app that its subcommands join."""

from iot_authorizer_cli.commands.revoke.revoke import before, principal, token
from iot_authorizer_cli.commands.revoke.undo import list_all, undo_before, undo_principal, undo_token
from iot_authorizer_cli.options import add_command, new_app

app = new_app("revoke", "Revoke principals and tokens, and end their connections.", "principal ann")
add_command(app, "revoke principal", principal, "ann --for 30d")
add_command(app, "revoke token", token, "- < stolen.jwt")
add_command(app, "revoke before", before, "now --issuer https://auth.example.com/")
add_command(app, "revoke list", list_all, "--json")

undo = new_app("revoke undo", "Undo a revocation.", "principal ann")
add_command(undo, "revoke undo principal", undo_principal, "ann")
add_command(undo, "revoke undo token", undo_token, "- < stolen.jwt")
add_command(undo, "revoke undo before", undo_before, "--issuer https://auth.example.com/")
app.add_typer(undo, name="undo")
