"""`python -m iot_authorizer_cdk.app`: synthesizes the CDK app of a stage. `iot-authorizer deploy` runs it.

An error is one line on standard error and exit code 1.
"""

import argparse
import sys
from pathlib import Path

from iot_authorizer_cdk.app.prerequisites import check_node
from iot_authorizer_cdk.package.configuration import CONFIGURATION
from iot_authorizer_cdk.package.uv import UvError
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidFile


def main() -> None:
    """Synthesizes the app that the argument chooses."""
    parser = argparse.ArgumentParser(prog="python -m iot_authorizer_cdk.app", description="Synthesize the CDK app.")
    parser.add_argument("action", nargs="?", choices=["destroy"], help="synthesize empty stacks, to destroy them")
    parser.add_argument("--config", type=Path, default=Path(CONFIGURATION), help="read this configuration")
    given = parser.parse_args()
    try:
        check_node()
        from iot_authorizer_cdk.app import synthesis  # noqa: PLC0415 (importing the CDK starts Node.js)

        make = synthesis.build_destroy_app if given.action == "destroy" else synthesis.build_app
        synthesis.synthesize(make(given.config))
    except (InvalidFile, InvalidSettings, UvError, OSError) as error:
        sys.exit(f"cdk: {error}")


if __name__ == "__main__":
    main()
