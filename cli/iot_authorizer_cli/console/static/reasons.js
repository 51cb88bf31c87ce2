/** Why a client is refused: each reason code's cause and cure, as docs/reference/log-and-reason-codes.md has them. */

import { byId, element } from "./dom.js";

/** Reason codes: `[cause, cure]`. */
export const REASONS = {
  malformed_event: ["a field of the event has a type that IoT Core never sends", "check the test event, or find out what invokes the Lambda function: it is not IoT Core"],
  malformed_query: ["the token in the query string is percent-encoded but not UTF-8, or the query string is over 65,535 characters", "encode the token with the URL function of your language"],
  malformed_password: ["the password in the event is not base64", "encode the password in --mqtt-context; clients send it as it is"],
  no_credentials: ["the client sent no token, user name or password, and [anonymous] is not configured; or the key that detail names has no value", "send credentials; compare the name of the token key"],
  conflicting_credentials: ["the client sent two different tokens, or a token and a password", "send only one of them"],
  unsupported_scheme: ["the Authorization header does not use the Bearer scheme", "send Authorization: Bearer TOKEN"],
  user_name_missing: ["the client sent a password without a user name", "send both"],
  password_missing: ["the client sent a user name without a password", "send both"],
  account_unknown: ["the Lambda context has no function ARN", "invoke the function as Lambda does"],
  tokens_not_configured: ["the client sent a token, but neither [[jwt]] nor [signed_tokens] is configured", "configure the token's issuer"],
  token_too_long: ["the token has more than 8,192 characters", "put fewer claims into the token"],
  malformed_token: ["the token is not a JWT, which is three parts of base64url and JSON; detail says what is wrong", "send the whole token and nothing else"],
  duplicate_key: ["a JSON object of the token has a duplicate key", "correct the issuer: it must not write a key twice"],
  alg_none: ["the token has no signature (alg is none)", "send a signed token: unsigned tokens are never accepted"],
  algorithm_not_allowed: ["the token's algorithm is not in algorithms", "add the algorithm if the issuer uses it"],
  algorithm_confusion: ["the token is signed with HMAC, but its issuer has public keys", "find the client that signs its own tokens: this can be an attack"],
  key_in_header: ["the token brings its own key: its header has jku, jwk, x5u or x5c", "have the issuer leave the header out: such tokens are never accepted"],
  critical_header: ["the token has a crit header", "have the issuer leave the header out: such tokens are never accepted"],
  unknown_issuer: ["iss is missing or is not exactly a configured issuer", "compare both, including a final slash"],
  key_id_missing: ["the token has no kid, and several keys fit", "have the issuer write kid"],
  unknown_key: ["no key has the token's kid, even after fetching the keys again", "check that jwks belongs to the issuer; after a rotation, wait 30 seconds"],
  key_use_mismatch: ["the key is for encryption, or not for verifying", "have the issuer sign with a signing key"],
  key_type_mismatch: ["the key's type, curve or alg does not fit the token's algorithm", "have the issuer sign with a key of that algorithm"],
  weak_key: ["an RSA key has fewer than 2,048 bits, or a secret has fewer than 32 bytes", "use a longer key"],
  keys_unavailable: ["the JWKS URL or the secret did not answer in time, and no cached copy is fresh enough", "check that the function can reach it; a JWKS file needs no network"],
  bad_signature: ["the token was signed with another key, or was changed after it was signed", "check that the keys belong to the issuer; otherwise the token is a forgery"],
  expired: ["the token has expired (exp)", "get a new token"],
  not_yet_valid: ["the token is not valid yet (nbf)", "correct the clocks, or raise leeway"],
  issued_in_future: ["the token's issue time is in the future (iat)", "correct the clocks, or raise leeway"],
  wrong_audience: ["aud is not in the configured audience", "send a token for this service"],
  wrong_client: ["the token's client_id is not in the configured client_id", "send a token of a configured app client"],
  wrong_token_use: ["the token is not an access token, or its typ is not token_type", "send the other token that the issuer gave"],
  missing_claim: ["the token lacks a required claim; detail names it", "have the issuer add the claim"],
  invalid_claim: ["a claim has the wrong type; detail names it", "have the issuer correct the claim"],
  signature_not_verified: ["IoT Core did not verify the signature of a token of [signed_tokens], or the token is only header.payload", "enable signing, and send the signature"],
  passwords_not_configured: ["the client sent a user name and a password, but [passwords] is not configured", "configure [passwords]; if the password is meant to be a token, check that the token is complete"],
  password_too_long: ["the password has more than 1,024 bytes, or the user name more than 256 characters", "use a shorter one"],
  unknown_user: ["the user does not exist", "add the user; the log leaves the name out because people type passwords there by mistake"],
  wrong_password: ["the user exists, but the password is wrong", "try again"],
  password_expired: ["the password was replaced, and the time for using the old one has ended", "give the client the new password"],
  locked: ["too many wrong passwords came from this client ID or for this principal; the right one is refused too; detail says for how long", "wait up to 15 minutes, or run users unlock; generated passwords are never locked"],
  user_disabled: ["the user was disabled with iot-authorizer users disable", "run iot-authorizer users enable"],
  user_expired: ["the user has expired", "run iot-authorizer users set-valid-until"],
  principal_revoked: ["the principal is revoked, or all its tokens issued before some time are", "get a new token, or undo the revocation"],
  token_revoked: ["this token is revoked", "get a new token"],
  issued_before_revocation: ["all tokens issued before some time are revoked, or all of this issuer; a token without iat is one of them", "get a new token"],
  table_unavailable: ["the table did not answer in time, throttled the request or denied access; detail has DynamoDB's error code", "check the table's name and capacity and the function's role; when_unavailable says whether clients are allowed meanwhile"],
  malformed_item: ["an item of the table has an invalid attribute, which detail names: another program wrote it", "write the item again with iot-authorizer users or iot-authorizer revoke"],
  unsafe_value: ["a value cannot be a topic level; detail names its claim, never the value", "use at most 128 bytes without / + # * ? $ and control characters"],
  nothing_granted: ["no grant applies to this principal", "run iot-authorizer explain: it says what the claims lack"],
  policy_too_large: ["the policy needs more than 10 documents of 2,048 characters", "put fewer values into list claims, or replace many entries with a #; iot-authorizer lint says how many values fit"],
  invalid_topics: ["your grant function returned an entry that no policy can express exactly; detail names it", "test the function's grants with PolicyTemplate.of"],
  client_id_not_granted: ["no entry of connect allows the client ID", "run iot-authorizer explain … connect CLIENT-ID"],
  internal_error: ["the code raised an exception; detail has its type and place", "look there, first in your own verify or grant; otherwise open an issue with the log line"],
  authorizer_missing: ["the client names no authorizer, and the account has no default authorizer", "send x-amz-customauthorizer-name in the URL, in a header or in the user name's query; or run aws iot set-default-authorizer"],
  authorizer_not_found: ["no authorizer has the name that the client sent", "compare the two names"],
  authorizer_inactive: ["the authorizer is not active", "run aws iot update-authorizer --status ACTIVE"],
  token_missing: ["signing is enabled, and the request has no token under the token key name", "send the token under that name: with signing enabled, IoT Core looks nowhere else"],
  signature_missing: ["signing is enabled, and the request has no x-amz-customauthorizer-signature", "sign the token, for example with iot-authorizer sign"],
  signature_invalid: ["no public key of the authorizer verifies the token's signature", "sign the token's bytes with RSASSA-PKCS1-v1_5 and SHA-256, and send the signature as standard base64, URL-encoded"],
  function_not_found: ["the authorizer names a function that is not on this machine", "compare its ARN with the ARN in detail"],
  function_timeout: ["the function did not answer within 5 seconds", "find out what the function waits for"],
  function_error: ["the function raised an exception, or could not be loaded", "look at the exception and its place in detail"],
  invalid_answer: ["IoT Core does not accept the function's answer; detail names the field", "correct that field; for example, principalId must have only letters and digits"],
  not_authenticated: ["a function of your own refused the client and logged no reason", "let the function log a reason"],
  iot_core_error: ["dev itself failed while it authorized the client; detail has the exception", "open an issue with the traceback from its terminal"],
  connect_not_allowed: ["the policy does not allow iot:Connect for this client ID, or for a Will or a persistent session", "run explain … connect CLIENT-ID; allow a Will and persistent sessions by connect_with"],
  will_not_allowed: ["the policy does not allow the client to publish its Will", "grant publish on the Will's topic, and retain if the Will is retained"],
  invalid_connect: ["the CONNECT breaks one of IoT Core's rules, which detail names", "change the CONNECT"],
  connect_rate_exceeded: ["more than one connection a second with one client ID, or more than 500 a second in the account", "wait a second, or use another client ID; --no-throttling removes both limits"],
  connect_timeout: ["the client sent no CONNECT within 10 seconds", "send a CONNECT at once"],
  tls_failed: ["the TLS handshake failed; detail says why", "give the client the local CA's ca.pem, and use a host name that is in the certificate"],
  not_mqtt: ["the client sent bytes that are not MQTT; detail names the rule", "check the port and the protocol"],
  not_allowed_by_policy: ["the policy does not allow it; for an HTTPS request, detail names the action", "run explain: it shows the entry that denies it, or what is missing"],
  invalid_topic_filter: ["IoT Core refuses this topic filter, whatever the policy allows; detail names the limit", "use at most 256 bytes and 7 slashes, # only at the end, and a wildcard only as a whole level"],
  too_many_subscriptions: ["more than 50 subscriptions on one connection", "use filters with wildcards, or several connections"],
  throttled: ["more than 100 publishes a second on one connection", "publish less often, or over several connections; --no-throttling shows whether this limit is the cause"],
  slow: ["the subscriber does not read; IoT Core drops messages with QoS 0 first, then ends the connection", "read faster, or subscribe to less"],
  queue_full: ["more than 1,000 messages or 4 MiB wait for one persistent session", "connect more often, or publish less to this client"],
  queues_full: ["more than 256 MiB wait for all disconnected clients together, a limit that only this machine has", "connect more often, or publish less to disconnected clients"],
  too_many_sessions: ["more than 10,000 persistent sessions have no connection, a limit that only this machine has; the session that was disconnected first ended", "use a shorter session expiry, or fewer client IDs"],
  will_not_valid: ["the Will's topic or properties break one of IoT Core's limits, which detail names", "change the Will"],
  too_many_retained: ["5,000 messages are retained", "delete some: publish an empty retained message to their topics"],
};

/** What a reason code means; a code that is the user's own is its own explanation. */
export function reasonOf(code) {
  const [cause, cure] = REASONS[code] ?? [code.replaceAll("_", " "), ""];
  return { cause, cure };
}

/** A link from a reason code to its place among all of them. */
export function reasonLink(code) {
  if (!(code in REASONS)) return element("code", {}, code);
  const open = (event) => {
    event.preventDefault();
    showReason(code);
  };
  return element("a", { href: `#reason-${code}`, onclick: open, title: "What does this mean?" }, element("code", {}, code));
}

function showReason(code) {
  const list = byId("reason-list");
  if (!list.hasChildNodes()) {
    for (const [name, [cause, cure]] of Object.entries(REASONS)) {
      list.append(
        element("dt", { id: `reason-${name}` }, element("code", {}, name)),
        element("dd", {}, cause, element("span", { class: "cure" }, cure)),
      );
    }
  }
  byId("reasons").showModal();
  for (const each of list.querySelectorAll(".lit")) each.classList.remove("lit");
  const term = byId(`reason-${code}`);
  for (const each of [term, term.nextElementSibling]) each.classList.add("lit");
  term.scrollIntoView({ block: "center" });
}
