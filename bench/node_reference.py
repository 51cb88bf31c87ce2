"""A reference on Node.js: `bench/node/handler.mjs`, with aws-jwt-verify, bundled by esbuild as for a deployment.

`make bench` installs both packages. Without them or without Node.js, the benchmarks leave it out.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.known import AUDIENCE, ISSUER
from bench.sample import Sample

_FOLDER = Path(__file__).with_name("node").resolve()
_ESBUILD = _FOLDER / "node_modules/.bin/esbuild"

_COLD = """
const event = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const started = process.cpuUsage();
const answer = require(process.argv[1]).handler(event);
const taken = process.cpuUsage(started);
require("node:assert")(answer.isAuthenticated);
console.error((taken.user + taken.system) / 1000);
"""
_WARM = """
const { handler } = require(process.argv[1]);
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { event, calls } = JSON.parse(line);
  const times = [];
  for (let call = 0; call < calls; call++) {
    const started = process.hrtime.bigint();
    handler(event);
    times.push(Number(process.hrtime.bigint() - started) / 1000);
  }
  console.log(JSON.stringify(times));
});
"""


class NodeReference:
    """The handler in one file, and how it is run."""

    name = "aws-jwt-verify on Node.js"

    def __init__(self, node: str, bundle: Path) -> None:
        self._node, self._bundle = node, bundle

    @property
    def cold_command(self) -> list[str]:
        """Takes an event on standard input. Prints the milliseconds of loading and the answer on standard error."""
        return [self._node, "-e", _COLD, str(self._bundle)]

    @contextmanager
    def warm(self, sample: Sample) -> Iterator["WarmNode"]:
        """Starts a process that answers the sample's event as often as it is asked to."""
        command, environment = [self._node, "-e", _WARM, str(self._bundle)], os.environ | variables(sample)
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as process:
            yield WarmNode(process, sample)


class WarmNode:
    """A process that has loaded the handler."""

    def __init__(self, process: "subprocess.Popen[str]", sample: Sample) -> None:
        self._process, self._event = process, sample.event

    def microseconds(self, calls: int) -> list[float]:
        """Calls the handler so many times. Returns the time of each call."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"event": self._event, "calls": calls}), file=self._process.stdin, flush=True)
        times: list[float] = json.loads(self._process.stdout.readline())
        return times


def variables(sample: Sample) -> Mapping[str, str]:
    """The environment that the handler needs."""
    return {"AUTHORIZER_CONFIG": str(sample.config), "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}


def node_reference(folder: Path) -> NodeReference | None:
    """Bundles the handler into the folder. Returns None, and says why, if something is not installed."""
    node = shutil.which("node")
    if node is None or not _ESBUILD.exists():
        missing = "Node.js" if node is None else "aws-jwt-verify (make bench/node/node_modules/ready)"
        print(f"{missing} is not installed, so nothing is compared with {NodeReference.name}\n")
        return None
    bundle = folder / "handler.cjs"
    options = ["--bundle", "--minify", "--platform=node", "--format=cjs", "--log-level=warning"]
    subprocess.run([_ESBUILD, _FOLDER / "handler.mjs", *options, f"--outfile={bundle}"], check=True)
    return NodeReference(node, bundle)
