// Takes a URL and options as arguments, commands as JSON lines, and prints what happens as JSON lines.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import mqtt from "mqtt";
import { connect } from "./mqtt_js_client.mjs";

const [url, given] = process.argv.slice(2);
const { caPath, ...options } = JSON.parse(given);
const ca = caPath && readFileSync(caPath);
const client = connect(mqtt, url, { ...options, ca }, (...event) => console.log(JSON.stringify(event)));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [command, ...values] = JSON.parse(line);
    client[command](...values);
  })
  .on("close", client.close);
