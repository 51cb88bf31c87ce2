/** One connection with MQTT.js, the library that your own page would use. */

const KEEP_ALIVE = 60; // s
const CONNECT_TIMEOUT = 15_000; // ms; the authorizer has 5 s

/** The words for MQTT reason codes that end a connection (MQTT 5, section 2.4, and MQTT 3.1.1). */
const CODES = {
  1: "the server does not speak this version of MQTT",
  2: "the client ID is not allowed",
  3: "the server is not available",
  4: "wrong user name or password",
  5: "not authorized",
  129: "a malformed packet",
  130: "a violation of MQTT's rules",
  133: "the client ID is not valid",
  135: "not authorized",
  137: "the server is busy",
  139: "the server is shutting down",
  141: "nothing was sent for longer than its keep alive",
  142: "another client connected with this client ID",
  144: "the topic is not valid",
  147: "more unacknowledged messages than the server takes",
  149: "the packet is too large",
  150: "over a rate limit",
  151: "over a quota",
  152: "ended by the API",
  153: "the payload is not what its format says",
  155: "IoT Core has no QoS 2",
  159: "more connections per second than IoT Core allows",
  160: "the maximum connect time",
};

/** The URL that a browser connects to. Browsers cannot set headers, so the query string has everything; `token` and `signature` may be missing. */
export function endpoint(state, token, signature) {
  const query = new URLSearchParams();
  if (state.authorizer) query.set("x-amz-customauthorizer-name", state.authorizer);
  if (token) query.set(state.token_key_name ?? "access_token", token);
  if (signature) query.set("x-amz-customauthorizer-signature", signature);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/mqtt?${query}`;
}

/**
 * Connects. `account` has `username` and `password` if there is no token. `on` has `connected()`,
 * `message(topic, payload, packet)` and `closed(why)`, which is called once; `why` is null if the user closed the
 * connection, and empty if the server gave no reason.
 */
export async function connect(url, options, on) {
  const { default: mqtt } = await import("/console/mqtt.js");
  return new Connection(mqtt, url, options, on);
}

class Connection {
  #client;
  #why = "";
  #isOver = false;

  constructor(mqtt, url, { clientId, version, account }, on) {
    this.#client = mqtt.connect(url, {
      ...account,
      clientId,
      protocolVersion: version,
      clean: true,
      keepalive: KEEP_ALIVE,
      connectTimeout: CONNECT_TIMEOUT,
      reconnectPeriod: 0,
      timerVariant: "native", // The default makes a worker from a blob, which the page's Content-Security-Policy does not allow.
    });
    this.#client.on("connect", on.connected);
    this.#client.on("message", on.message);
    this.#client.on("error", (error) => this.#because(error.code, error.message));
    this.#client.on("disconnect", (packet) => this.#because(packet.reasonCode, packet.properties?.reasonString));
    this.#client.on("close", () => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#client.end(true);
      on.closed(this.#why);
    });
  }

  #because(code, text) {
    if (this.#why !== "") return;
    const words = CODES[code] ?? text ?? "";
    this.#why = code ? `${words} (${hex(code)})` : words === "WebSocket error" ? "" : words;
  }

  /** Disconnects. */
  end() {
    this.#why = null;
    this.#client.end();
  }

  /** Subscribes. Gives the granted QoS, or null if the subscription was refused. */
  subscribe(filter, qos) {
    return new Promise((resolve) => {
      this.#client.subscribe(filter, { qos }, (error, granted) => {
        const given = granted?.[0]?.qos;
        resolve(error || given === undefined || given >= 128 ? null : given);
      });
    });
  }

  unsubscribe(filter) {
    return new Promise((resolve) => this.#client.unsubscribe(filter, resolve));
  }

  /** Publishes. Gives "" when the message is sent, or acknowledged with QoS 1; else what went wrong. */
  publish(topic, payload, options) {
    return new Promise((resolve) => {
      this.#client.publish(topic, payload, options, (error) => resolve(error ? error.message : ""));
    });
  }
}

function hex(code) {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}
