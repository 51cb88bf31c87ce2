"""`iot-authorizer keys`: the app that its subcommands join."""

from iot_authorizer_cli.commands.keys.list_keys import list_keys
from iot_authorizer_cli.commands.keys.new import new, rotate
from iot_authorizer_cli.commands.keys.retire import retire
from iot_authorizer_cli.options import add_command, new_app

app = new_app("keys", "Manage the key pairs that sign tokens. IoT Core gets the public halves.", "new")
add_command(app, "keys new", new, "")
add_command(app, "keys list", list_keys, "")
add_command(app, "keys rotate", rotate, "")
add_command(app, "keys retire", retire, "2026-11")
