/** What the feed says about one connection of a client: the refusals, the lost messages and the end. */

const LONGEST = 256; // characters of a text in a record
const OF_PUBLISHER = new Set(["throttled", "too_many_retained"]); // other messages are dropped for a subscriber

/** Takes the records of one connection. Those of others with the same client ID, earlier or later, do not count. */
export class ConnectionRecords {
  #clientId;
  #isConnected = false;
  #refusals = new Map();
  #dropped = null;
  #end = null;

  constructor(clientId) {
    this.#clientId = shortened(clientId);
  }

  /** Takes a record if it is about this connection, and says whether it is. */
  take(record) {
    if (record.client_id !== this.#clientId || this.#end) return false;
    if (record.kind === "presence" && record.event === "connected") this.#isConnected = true;
    // A refused CONNECT has no connection; everything else has one.
    if (this.#isConnected === (record.kind === "decision" && record.action === "connect")) return false;
    if (record.kind === "decision" && !record.allowed) this.#refusals.set(keyOf(record.action, record.resource), record);
    if (record.kind === "dropped" && OF_PUBLISHER.has(record.reason)) this.#dropped = record;
    if (isEnd(record)) this.#end = record;
    return true;
  }

  /** The record that says why one of these actions failed: it was refused, or the connection ended, or the message was dropped. */
  whyFailed(actions, resource) {
    const refusals = actions.map((action) => this.#refusals.get(keyOf(action, shortened(resource))));
    return refusals.find(Boolean) ?? this.#end ?? this.#dropped;
  }
}

function isEnd({ kind, event, action, allowed }) {
  return (kind === "presence" && event === "disconnected") || (kind === "decision" && action === "connect" && !allowed);
}

function keyOf(action, resource) {
  return `${action} ${resource}`;
}

function shortened(text) {
  const characters = [...text];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
}
