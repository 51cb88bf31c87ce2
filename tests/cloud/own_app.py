"""A CDK app of the user's own: a user pool, its app client and the authorizer that accepts its tokens, in one stack.

ministack's Cognito signs no tokens where it runs here (it lacks a package for RSA), and nothing here answers for
Cognito's host name. So the tests sign the tokens, and the keys are in a file. The other issuer of the pool, for ID
tokens, has the URL of the keys that a user of AWS gets.
"""

import json
import shlex
import sys
from pathlib import Path

from tests import ROOT
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint
from tests.cloud.cloud import REGION, Cloud
from tests.cloud.project import THIS_MACHINE, Project

STACK = "shop"
NAME = "ann"
PARTNER = "https://partner.example.com/"
_APP = f"""\
from aws_cdk import App, CfnOutput, CfnParameter, Stack, aws_cognito

from iot_authorizer_cdk import AuthorizerProps, Dashboard, IdentityTable, IotCustomAuthorizer, Issuer, OnlineTable

app = App()
stack = Stack(app, "{STACK}")
partner = CfnParameter(stack, "Partner", default="first").value_as_string
pool = aws_cognito.UserPool(stack, "Users")
client = pool.add_client("Web")
authorizer = IotCustomAuthorizer(
    stack,
    "Authorizer",
    config="authorizer.toml",
    issuers=[
        Issuer.cognito(pool, clients=[client], jwks="keys.json"),
        Issuer.cognito(pool, clients=[client], token_use="id"),
        Issuer.of("{PARTNER}", audience=[partner], jwks="keys.json"),
    ],
    table=IdentityTable(stack, "Identities").table,
    props=AuthorizerProps(**{THIS_MACHINE}),
)
Dashboard(stack, "Dashboard", authorizer=authorizer)
online = OnlineTable(stack, "Online", authorizer=authorizer)
on_presence = authorizer.rules.functions["online"]
authorizer.grant_publish(on_presence.role, "rooms/lobby/topic")
CfnOutput(stack, "OnlineTable", value=online.table.table_name)
CfnOutput(stack, "OnPresence", value=on_presence.alias.function_arn)
CfnOutput(stack, "Pool", value=pool.user_pool_id)
CfnOutput(stack, "Client", value=client.user_pool_client_id)
CfnOutput(stack, "Page", value=f"<script>open('{{authorizer.web_socket_url}}')</script>")
app.synth()
"""
_CONFIGURATION = """\
name           = "shop"
policy         = "chat.toml"
token_key_name = "token"

[[rule]]
name     = "online"
topics   = ["$aws/events/presence/connected/#", "$aws/events/presence/disconnected/#"]
function = "online.on_presence"
"""
_ONLINE = """\
import os

from iot_authorizer.online_clients import OnlineClients

clients = OnlineClients(os.environ.get("ONLINE_TABLE", "./online.sqlite"))


def on_presence(event, context):
    clients.record(event)
"""


def own_app(cloud: Cloud, folder: Path) -> Project:
    """The app in a folder of its own, deployed."""
    project = Project.empty(folder, STACK)
    project.write("chat.toml", (ROOT / "policies/chat.toml").read_text())
    project.write("authorizer.toml", _CONFIGURATION)
    project.write("keys.json", json.dumps(public_keys(signing_key("RS256"))))
    project.write("online.py", _ONLINE)
    project.write("cdk_app.py", _APP)
    project.write("cdk.json", json.dumps({"app": shlex.join((sys.executable, "cdk_app.py"))}))
    deploy(cloud, project)
    return project


def deploy(cloud: Cloud, project: Project, *arguments: str) -> None:
    """Deploys the app."""
    cloud.cdk(project.folder, "deploy", STACK, "--require-approval", "never", *arguments)


def access_token(outputs: dict[str, str], signer: str = "main", **changes: object) -> str:
    """An access token of the pool, with changes to its claims."""
    claims = {"iss": issuer_of(outputs), "aud": ..., "client_id": outputs["Client"], "token_use": "access", "sub": NAME}
    return mint(signing_key("RS256", signer), head={"kid": signing_key("RS256").key_id}, **{**claims, **changes})


def issuer_of(outputs: dict[str, str]) -> str:
    """The `iss` of the pool's tokens."""
    return f"https://cognito-idp.{REGION}.amazonaws.com/{outputs['Pool']}"
