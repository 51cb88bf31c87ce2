// What MQTT.js is told, in Node.js and in a browser: `say` gets a kind and words.
export function connect(mqtt, url, options, say) {
  const client = mqtt.connect(url, { ...options, reconnectPeriod: 0 });
  let reason = "";
  client.on("connect", () => say("connected", ""));
  client.on("error", (error) => say("refused", error.message));
  client.on("disconnect", (packet) => (reason = `reason code ${packet.reasonCode}`));
  client.on("close", () => say("ended", reason));
  client.on("message", (topic, payload) => say("message", `${topic}\n${payload}`));
  return {
    subscribe: (topic) => client.subscribe(topic, { qos: 1 }, (error) => say("subscribed", error?.message ?? "")),
    publish: (topic, payload) => client.publish(topic, payload, { qos: 1 }),
    close: () => client.end(),
  };
}
