// Runs one of AWS's large SDKs with an access key, and prints what happens as JSON lines.
// Takes the client's name, and options as JSON: host, region, credentials, clientId, topic, topics, ca; for Cognito also
// pool and poolEndpoint.
"use strict";
const [name, given] = process.argv.slice(2);
const { host, region, credentials, clientId, topic, topics, ca, pool, poolEndpoint } = JSON.parse(given);
const [hostName, port] = host.split(":");

function say(event, ...values) {
  console.log(JSON.stringify([event, ...values]));
}

// Publishes each topic's own name as a retained message, and reads it back.
async function retain(publish, read) {
  for (const topic of topics) {
    await publish({ topic, payload: Buffer.from(topic), qos: 1, retain: true });
    const { payload } = await read({ topic });
    say("retained", topic, Buffer.from(payload).toString());
  }
}

const clients = {
  "aws-iot-device-sdk-v2": async () => {
    const { auth, iot, mqtt } = require("aws-iot-device-sdk-v2");
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const provider = auth.AwsCredentialsProvider.newStatic(accessKeyId, secretAccessKey, sessionToken);
    const config = iot.AwsIotMqttConnectionConfigBuilder.new_with_websockets({ region, credentials_provider: provider })
      .with_certificate_authority_from_path(undefined, ca)
      .with_endpoint(hostName)
      .with_port(Number(port))
      .with_client_id(clientId)
      .build();
    const connection = new mqtt.MqttClient().new_connection(config);
    await connection.connect();
    const message = new Promise((resolve, reject) => {
      connection.on("interrupt", reject);
      connection.subscribe(topic, mqtt.QoS.AtLeastOnce, (at, payload) => resolve([at, Buffer.from(payload).toString()]));
    });
    await connection.publish(topic, "hello", mqtt.QoS.AtLeastOnce);
    say("message", ...(await message));
  },
  "aws-sdk": async () => {
    const { IotData } = require("aws-sdk");
    const data = new IotData({ endpoint: `https://${host}`, region, ...credentials });
    await retain((message) => data.publish(message).promise(), (of) => data.getRetainedMessage(of).promise());
  },
  // A guest of the identity pool, which uses its identity ID as the client ID.
  "aws-sdk-cognito": async () => {
    const { CognitoIdentityCredentials } = require("aws-sdk");
    const { device } = require("aws-iot-device-sdk");
    const found = new CognitoIdentityCredentials({ IdentityPoolId: pool }, { endpoint: poolEndpoint, region });
    await found.getPromise();
    const { accessKeyId, secretAccessKey: secretKey, sessionToken, identityId } = found;
    const keys = { accessKeyId, secretKey, sessionToken };
    const client = device({ protocol: "wss", host: hostName, port, region, clientId: identityId, caPath: ca, ...keys });
    const used = topic || `guests/${identityId}`;
    await new Promise((resolve) => client.on("connect", resolve));
    await new Promise((resolve, reject) => {
      client.on("message", (at, payload) => resolve(say("message", at, payload.toString())));
      client.on("close", () => reject(new Error("closed")));
      client.subscribe(used, { qos: 1 }, (error) => (error ? reject(error) : client.publish(used, "hello")));
    });
  },
  "@aws-sdk/client-iot-data-plane": async () => {
    const sdk = require("@aws-sdk/client-iot-data-plane");
    const client = new sdk.IoTDataPlaneClient({ endpoint: `https://${host}`, region, credentials });
    await retain(
      (message) => client.send(new sdk.PublishCommand(message)),
      (of) => client.send(new sdk.GetRetainedMessageCommand(of)),
    );
  },
  "@aws-amplify/pubsub": async () => {
    const { Amplify, Hub } = require("@aws-amplify/core");
    const { PubSub } = require("@aws-amplify/pubsub");
    const credentialsProvider = {
      getCredentialsAndIdentityId: async () => ({ credentials }),
      clearCredentialsAndIdentityId: () => {},
    };
    Amplify.configure({}, { Auth: { credentialsProvider } });
    const pubsub = new PubSub({ region, endpoint: `wss://${host}/mqtt`, clientId });
    const message = new Promise((next, error) => {
      pubsub.subscribe({ topics: [topic] }).subscribe({ next, error });
    });
    const end = new Promise((resolve) => {
      Hub.listen("pubsub", ({ payload }) => payload.data.connectionState === "ConnectionDisrupted" && resolve());
    });
    // It does not say when it has subscribed.
    setInterval(() => pubsub.publish({ topics: [topic], message: { text: "hello" } }).catch(() => {}), 50);
    const received = await Promise.race([message, end]);
    if (received) say("message", topic, received.text);
  },
};

clients[name]()
  .catch((error) => say("error", error.name, error.message))
  .finally(() => process.exit());
