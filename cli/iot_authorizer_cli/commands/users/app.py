"""`iot-authorizer users`: the app that its subcommands join."""

from iot_authorizer_cli.commands.users.change import disable, enable, remove, set_claims, set_valid_until, unlock
from iot_authorizer_cli.commands.users.import_users import import_users
from iot_authorizer_cli.commands.users.passwords import add, rotate, set_password
from iot_authorizer_cli.commands.users.show import list_users, show
from iot_authorizer_cli.options import add_command, new_app

app = new_app(
    "users",
    "Manage users with passwords and claims, in this machine's table or in DynamoDB. A password is never an argument: "
    "the command asks for it, reads it from standard input, or generates it.",
    "add pump-7 --generate",
)
add_command(app, "users add", add, "pump-7 --generate")
add_command(app, "users set-password", set_password, "pump-7")
add_command(app, "users rotate", rotate, "pump-7 --generate")
add_command(app, "users set-claims", set_claims, 'pump-7 \'{"role": "device"}\'')
add_command(app, "users set-valid-until", set_valid_until, "pump-7 2027-12-31")
add_command(app, "users disable", disable, "pump-7")
add_command(app, "users enable", enable, "pump-7")
add_command(app, "users unlock", unlock, "ann --client-id ann/phone")
add_command(app, "users remove", remove, "pump-7")
add_command(app, "users list", list_users, "")
add_command(app, "users show", show, "pump-7")
add_command(app, "users import", import_users, "devices.csv --generate passwords.csv")
