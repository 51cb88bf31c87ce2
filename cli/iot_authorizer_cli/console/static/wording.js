/** The words for actions, decisions and the ends of connections. */

import { plain, reasonOf } from "./reasons.js";

const DISCONNECTED = {
  AUTH_ERROR: "the authorizer refused it",
  CLIENT_INITIATED_DISCONNECT: "the client disconnected",
  CLIENT_ERROR: "the client broke MQTT's rules or IoT Core's limits",
  CONNECTION_LOST: "the connection was lost",
  CUSTOMAUTH_TTL_EXPIRATION: "disconnect_after or the expiry of the token ended it",
  DUPLICATE_CLIENTID: "another client connected with this client ID",
  FORBIDDEN_ACCESS: "it did something that its policy does not allow",
  MQTT_KEEP_ALIVE_TIMEOUT: "it sent nothing for longer than its keep alive",
  SERVER_ERROR: "the server had an error",
  SERVER_INITIATED_DISCONNECT: "the server ended it",
  API_INITIATED_DISCONNECT: "DeleteConnection was called",
  THROTTLED: "it exceeded a rate limit",
  WEBSOCKET_TTL_EXPIRATION: "the WebSocket reached its maximum duration",
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

/** The words for an action. */
export function actionOf(action) {
  return ACTIONS[action] ?? action;
}

/** The words for a disconnectReason. */
export function disconnectedBecause(reason) {
  return DISCONNECTED[reason] ?? reason ?? "";
}

/** The reason of a decision in one line: the template's entry, else the reason code and its cause. */
export function because(record) {
  if (record.explanation?.length) return record.explanation[0];
  if (!record.reason) return "";
  const { cause, cure } = reasonOf(record.reason);
  const isNamed = `${cause} ${cure}`.includes("detail") && record.detail;
  return `${record.reason}: ${plain(cause)}${isNamed ? ` (${record.detail})` : ""}`;
}

/** Whether a decision is about a connection, not about an action on it. */
export function isAboutConnection({ action }) {
  return action === "connect" || action === "refresh";
}

/** Whether the policy refused a connection. Then the template explains more than the reason code. */
export function isConnectByPolicy(record) {
  return isAboutConnection(record) && CONNECT_BY_POLICY.has(record.reason);
}

/** Whether a connection ended because its client broke a rule of MQTT or of IoT Core. That is no decision. */
export function isClientError(record) {
  return record.disconnect_reason === "CLIENT_ERROR";
}

/** Whether a record is about a refusal or an error. */
export function isRefused(record) {
  return record.allowed === false || record.ok === false || TROUBLE.has(record.kind) || isClientError(record);
}
