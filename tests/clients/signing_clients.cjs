// Connects with a client that signs its URL, subscribes to a topic, publishes to it, and prints the message that comes.
// Takes the client's name, and options as JSON: host, region, credentials, fresh, clientId, topic, will, ca.
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");

const [name, given] = process.argv.slice(2);
const { host, region, credentials, fresh, clientId, topic, will, ca } = JSON.parse(given);
const { accessKeyId, secretAccessKey, sessionToken } = credentials;

function say(event, ...values) {
  console.log(JSON.stringify([event, ...values]));
}

// Ends at the first end of its connection, unless it gets fresh credentials: most of these clients try again forever.
function follow(client) {
  const publish = (error) => (error ? client.end(true) : client.publish(topic, "hello"));
  client.on("connect", () => client.subscribe(topic, { qos: 1 }, publish));
  client.on("message", (at, payload) => {
    say("message", at, payload.toString());
    client.end(true);
    process.exit(0);
  });
  client.on("error", (error) => say("error", error.message));
  client.on("close", () => {
    say("close");
    if (!fresh) process.exit(1);
  });
}

// The recipe of many blog posts: sign the URL by hand.
function signedUrl(signer) {
  const hash = createHash("sha256").update("", "utf8").digest("hex");
  return signer.createPresignedURL("GET", host.toLowerCase(), "/mqtt", "iotdevicegateway", hash, {
    key: accessKeyId,
    secret: secretAccessKey,
    sessionToken,
    protocol: "wss",
    region,
    expires: 15,
  });
}

function byHand(signer) {
  const mqtt = require("mqtt");
  const wsOptions = { protocol: "mqttv3.1" };
  return mqtt.connect(signedUrl(signer), { clientId, reconnectPeriod: 0, ca: readFileSync(ca), wsOptions });
}

// Eclipse Paho takes the signed path beside host and port. It has other events than the rest.
function paho() {
  const { Client } = require("paho-mqtt");
  const url = new URL(signedUrl(require("aws-signature-v4")));
  const client = new Client(url.hostname, Number(url.port), url.pathname + url.search, clientId);
  const end = (...values) => {
    say(...values);
    process.exit();
  };
  client.onMessageArrived = ({ destinationName, payloadString }) => end("message", destinationName, payloadString);
  client.onConnectionLost = () => end("close");
  const publish = () => client.send(topic, "hello");
  client.connect({
    useSSL: true,
    onSuccess: () => client.subscribe(topic, { qos: 1, onSuccess: publish, onFailure: () => end("refused") }),
    onFailure: ({ errorMessage }) => end("error", errorMessage),
  });
}

const clients = {
  "aws-mqtt": () => {
    const NodeClient = require("aws-mqtt/lib/NodeClient");
    let asked = 0;
    const found = { accessKeyId, secretAccessKey, sessionToken };
    found.get = (done) => done(null, fresh && asked++ && Object.assign(found, fresh)); // As AWS's SDK refreshes them.
    const options = { endpoint: host, expires: 600, clientId, will, reconnectPeriod: 100 };
    return new NodeClient({ region, credentials: found, ...options });
  },
  "aws-iot-device-sdk": () => {
    const { device } = require("aws-iot-device-sdk");
    const [name, port] = host.split(":");
    return device({
      protocol: "wss",
      host: name,
      port: Number(port),
      region,
      accessKeyId,
      secretKey: secretAccessKey,
      sessionToken,
      clientId,
      caPath: ca,
    });
  },
  "aws-signature-v4": () => byHand(require("aws-signature-v4")),
  "aws-signature-v4-too-new": () => byHand(require("aws-signature-v4-too-new")),
};

if (name === "publishMessage") {
  const publishMessage = require("aws-mqtt/lib/publishMessage");
  const found = { accessKeyId, secretAccessKey, sessionToken, get: (done) => done(null) };
  const publish = publishMessage.default || publishMessage;
  publish({ region, credentials: found, endpoint: host, clientId }, topic, "hello").then(
    () => say("published"),
    (error) => say("error", error.message),
  );
} else if (name === "paho-mqtt") {
  paho();
} else {
  follow(clients[name]());
}
