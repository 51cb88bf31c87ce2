/** What records say, in words. */

import { reasonOf } from "./reasons.js";

const DISCONNECTED = {
  AUTH_ERROR: "the authorizer refused it",
  CLIENT_INITIATED_DISCONNECT: "the client said goodbye",
  CLIENT_ERROR: "the client broke MQTT's rules or IoT Core's limits",
  CONNECTION_LOST: "the connection was lost",
  CUSTOMAUTH_TTL_EXPIRATION: "its time was up: disconnect_after, or the token's end",
  DUPLICATE_CLIENTID: "another client connected with this client ID",
  FORBIDDEN_ACCESS: "it did what its policy does not allow",
  MQTT_KEEP_ALIVE_TIMEOUT: "it was silent for longer than its keep alive",
  SERVER_ERROR: "an error of the server's",
  SERVER_INITIATED_DISCONNECT: "the server ended it",
  API_INITIATED_DISCONNECT: "DeleteConnection was called",
  THROTTLED: "it was faster than IoT Core allows",
  WEBSOCKET_TTL_EXPIRATION: "the WebSocket's time was up",
};

const CONNECT_BY_POLICY = new Set(["client_id_not_granted", "connect_not_allowed", "nothing_granted"]);
const TROUBLE = new Set(["dropped", "refused_bytes", "storage"]);

const ACTIONS = {
  http_get_retained: "read the retained message over HTTPS",
  http_list_retained: "list retained messages over HTTPS",
  http_publish: "publish over HTTPS",
  retain: "publish, retained",
  refresh: "stay connected",
};

/** What a client wanted to do. */
export function actionOf(action) {
  return ACTIONS[action] ?? action;
}

/** Why a connection ended, from its disconnectReason. */
export function disconnectedBecause(reason) {
  return DISCONNECTED[reason] ?? reason ?? "";
}

/** Why a decision fell as it did, in a line: the template's entry, else the reason code and what it means. */
export function because(record) {
  if (record.explanation?.length) return record.explanation[0];
  if (!record.reason) return "";
  const { cause, cure } = reasonOf(record.reason);
  const isNamed = `${cause} ${cure}`.includes("detail") && record.detail;
  return `${record.reason}: ${cause}${isNamed ? ` (${record.detail})` : ""}`;
}

/** Whether a decision is about a connection, not about what is done on it. */
export function isAboutConnection({ action }) {
  return action === "connect" || action === "refresh";
}

/** Whether the policy refused a connection, so that the template says more than the reason code. */
export function isConnectByPolicy(record) {
  return isAboutConnection(record) && CONNECT_BY_POLICY.has(record.reason);
}

/** Whether a connection ended since its client broke a rule: IoT Core decides nothing then. */
export function isClientError(record) {
  return record.disconnect_reason === "CLIENT_ERROR";
}

/** Whether a record is about something that was refused, or went wrong. */
export function isRefused(record) {
  return record.allowed === false || record.ok === false || TROUBLE.has(record.kind) || isClientError(record);
}
