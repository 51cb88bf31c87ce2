// Takes a URL and options, and does what tutorials on MQTT brokers do: publishes, receives, and loses a client with a Will.
import { readFileSync } from "node:fs";
import mqtt from "mqtt";

const [url, given] = process.argv.slice(2);
const { caPath, ...options } = JSON.parse(given);
const topic = "rooms/lobby/say/ann";
const connect = (clientId, more) =>
  mqtt.connectAsync(url, { ...options, ca: caPath && readFileSync(caPath), clientId, keepalive: 10, clean: true, reconnectPeriod: 0, ...more }, false);

const listener = await connect("ann/listener");
listener.on("message", (from, payload) => {
  console.log(`${from}: ${payload}`);
  if (`${payload}` === "gone") listener.end();
});
await listener.subscribeAsync("rooms/lobby/#", { qos: 1 });
const speaker = await connect("ann/speaker", { will: { topic, payload: "gone", qos: 1 } });
await speaker.publishAsync(topic, "hello", { qos: 1 });
speaker.stream.destroy();
