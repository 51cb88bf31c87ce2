// Gets credentials with the AWS SDK for JavaScript v3, and publishes with them. Prints what happens as JSON lines.
// Takes options as JSON: url, authorization, host, region, topics.
"use strict";
const { url, authorization, host, region, topics } = JSON.parse(process.argv[2]);
const { fromHttp } = require("@aws-sdk/credential-provider-http");
const { IoTDataPlaneClient, PublishCommand } = require("@aws-sdk/client-iot-data-plane");

async function run() {
  const credentials = fromHttp({
    awsContainerCredentialsFullUri: url,
    awsContainerAuthorizationToken: authorization,
    maxRetries: 0,
  });
  const client = new IoTDataPlaneClient({ endpoint: `https://${host}`, region, credentials });
  for (const topic of topics) {
    try {
      await client.send(new PublishCommand({ topic, payload: Buffer.from("hello") }));
      console.log(JSON.stringify(["published", topic]));
    } catch (error) {
      console.log(JSON.stringify(["error", error.Code ?? error.name, error.message]));
    }
  }
}

run();
