/** The words for actions, decisions and the ends of connections. */

import { plain, reasonOf } from "./reasons.js";

/** The same words as in docs/reference/presence-and-feed.md. */
const DISCONNECTED = {
  CLIENT_INITIATED_DISCONNECT: "the client sent DISCONNECT",
  FORBIDDEN_ACCESS: "the client published what its policy does not allow; with MQTT 3.1, also if it subscribed to that",
  AUTH_ERROR: "the authorizer refused the client at a refresh",
  CUSTOMAUTH_TTL_EXPIRATION: "the connection reached the end that the authorizer set",
  WEBSOCKET_TTL_EXPIRATION: "the signed WebSocket connection has lasted 24 hours",
  DUPLICATE_CLIENTID: "another client connected with this client ID",
  CLIENT_ERROR: "the client broke a rule of MQTT or a limit of IoT Core",
  MQTT_KEEP_ALIVE_TIMEOUT: "the client sent nothing for 1.5 times its keep-alive time",
  CONNECTION_LOST: "the network connection broke",
  API_INITIATED_DISCONNECT: "DeleteConnection was called",
  THROTTLED: "the client read too slowly",
  SERVER_INITIATED_DISCONNECT: "IoT Core shut down",
  SERVER_ERROR: "IoT Core itself failed",
};

/** The reason codes of what a policy does not allow; a decision of `explain` has none. */
const BY_POLICY = new Set([
  undefined,
  "client_id_not_granted",
  "connect_not_allowed",
  "not_allowed_by_policy",
  "nothing_granted",
  "policy_too_large",
  "unsafe_value",
  "will_not_allowed",
]);
const TROUBLE = new Set(["dropped", "refused_bytes", "storage"]);

const ACTIONS = {
  credentials: "get credentials from the credentials endpoint",
  assume_role: "get credentials of a role from STS",
  cognito_identity: "get credentials from the identity pool",
  http_get_retained: "read the retained message over HTTPS",
  http_list_retained: "list retained messages over HTTPS",
  http_publish: "publish over HTTPS",
  http_send: "send directly over HTTPS",
  read: "read the retained message",
  send: "send directly to",
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
  const [first] = record.explanation ?? [];
  if (first && isByPolicy(record)) return first;
  if (!record.reason) return "";
  const { cause, cure } = reasonOf(record.reason);
  const named = first ?? (`${cause} ${cure}`.includes("detail") ? record.detail : "");
  return `${record.reason}: ${plain(cause)}${named ? ` (${named})` : ""}`;
}

/** The word for a decision: a policy allows or denies an action, and IoT Core or the authorizer refuses a client. */
export function verdictOf({ allowed, reason }) {
  if (allowed) return "allowed";
  return reason === undefined || reason === "not_allowed_by_policy" ? "denied" : "refused";
}

/** Whether a decision is about a connection, not about an action on it. */
export function isAboutConnection({ action }) {
  return action === "connect" || action === "refresh";
}

/** Whether the policy decided. Then the template explains more than the reason code. */
export function isByPolicy({ reason }) {
  return BY_POLICY.has(reason);
}

/** Whether a connection ended because its client broke a rule of MQTT or of IoT Core. That is no decision. */
export function isClientError(record) {
  return record.disconnect_reason === "CLIENT_ERROR";
}

/** Whether a record is about a refusal or an error. */
export function isRefused(record) {
  return record.allowed === false || record.ok === false || TROUBLE.has(record.kind) || isClientError(record);
}
