/** Why a client is refused: each reason code's cause and cure, as docs/reference/log-and-reason-codes.md has them. */

import { byId, element } from "./dom.js";

/** Reason codes: `[cause, cure]`. */
export const REASONS = {
  malformed_event: ["a field has a type that IoT Core never sends", "whoever invokes the Lambda is not IoT Core, or the test event is wrong"],
  malformed_query: ["a token in a query string is percent-encoded, and not as UTF-8; or the query string is over 65,535 characters", "encode it with the language's own function for URLs"],
  malformed_password: ["the event's password is no base64", "with --mqtt-context, encode it; clients send it raw"],
  no_credentials: ["neither token nor user name and password, and no [anonymous]; or a key without its value, which detail names", "send some; check the token key name's spelling"],
  conflicting_credentials: ["two different tokens, or a token and a password", "send one"],
  unsupported_scheme: ["an Authorization header that is not Bearer", "Authorization: Bearer TOKEN"],
  user_name_missing: ["a password without a user name", "send both"],
  password_missing: ["a user name without a password", "send both"],
  account_unknown: ["the Lambda's context holds no function ARN", "invoke it as Lambda does"],
  tokens_not_configured: ["a token, but no [[jwt]] and no [signed_tokens]", "configure its issuer"],
  token_too_long: ["more than 8,192 characters", "fewer claims"],
  malformed_token: ["no JWT: not three parts of base64url and JSON; detail says which", "send the token whole, and nothing else"],
  duplicate_key: ["a name stands twice in one JSON object", "the issuer must not write that"],
  alg_none: ["a token without signature", "never accepted"],
  algorithm_not_allowed: ["an algorithm that is not in algorithms", "add it, if the issuer uses it"],
  algorithm_confusion: ["an HMAC token for an issuer with public keys", "an attack, or a client that signs its own tokens"],
  key_in_header: ["jku, jwk, x5u or x5c in the header: a token that brings its own key", "never accepted; the issuer can leave it out"],
  critical_header: ["a crit header", "never accepted"],
  unknown_issuer: ["iss is missing, or no configured issuer to the letter", "compare them, final slash and all"],
  key_id_missing: ["no kid, and several keys fit", "the issuer must name the key"],
  unknown_key: ["no key with that kid, also after looking again", "is jwks the issuer's? After a rotation, wait 30 seconds"],
  key_use_mismatch: ["the key is for encryption, or not for verifying", "the issuer signs with the wrong key"],
  key_type_mismatch: ["the key's type, curve or alg is not the token's", "the issuer signs with the wrong key"],
  weak_key: ["an RSA key under 2,048 bits, or a secret under 32 bytes", "a longer one"],
  keys_unavailable: ["the JWKS URL or the secret did not answer in time, and nothing fresh enough is kept", "can the function reach it? A file needs no network"],
  bad_signature: ["signed with another key, or changed on its way", "a forgery, or the wrong issuer's keys"],
  expired: ["exp is past", "get a new token"],
  not_yet_valid: ["nbf is to come", "a clock is wrong, or raise leeway"],
  issued_in_future: ["iat is to come", "the same"],
  wrong_audience: ["aud is not in audience", "the token is for another service"],
  wrong_client: ["client_id is not in client_id", "the token is of another app client"],
  wrong_token_use: ["no access token, or another typ than token_type", "send the other token"],
  missing_claim: ["a required claim is not there; detail names it", "have the issuer add it"],
  invalid_claim: ["a claim has the wrong type; detail names it", "have the issuer mend it"],
  signature_not_verified: ["a token of [signed_tokens] whose signature IoT Core did not verify, or header.payload alone", "enable signing, and send the signature"],
  passwords_not_configured: ["a user name and a password, but no [passwords]", "configure them; or is the password a broken token?"],
  password_too_long: ["over 1,024 bytes, or a user name over 256 characters", "a shorter one"],
  unknown_user: ["no such user", "add it; the name is not logged, since people mistype passwords there"],
  wrong_password: ["the user is there, the password is another", "try again"],
  password_expired: ["the password before the last rotation, and its time is over", "the client needs the new one"],
  locked: ["too many wrong passwords, by this client ID or for this principal; the right one is refused too; detail is how long it waits", "wait, up to 15 minutes, or users unlock; generated passwords are never locked, whoever guesses"],
  user_disabled: ["iot-authorizer users disable", "users enable"],
  user_expired: ["the user's time is over", "users set-valid-until"],
  principal_revoked: ["the principal is revoked, or its tokens from before a moment", "a new token, or undo the revocation"],
  token_revoked: ["this one token is revoked", "a new token"],
  issued_before_revocation: ["all tokens from before a moment are revoked, or its issuer's; a token without iat counts as one", "a new token"],
  table_unavailable: ["the table did not answer in time, throttled, or the role may not; detail has DynamoDB's word for it", "the table's name, its capacity, the role; when_unavailable says who is let in meanwhile"],
  malformed_item: ["an item was written by something else; detail names the attribute", "write it again with iot-authorizer users or revoke"],
  unsafe_value: ["a value can't stand in a topic level; detail names its claim, never the value", "a value without / + # * ? $ and control characters, at most 128 bytes"],
  nothing_granted: ["no grant applies to this principal", "explain says what its claims lack"],
  policy_too_large: ["more than 10 documents of 2,048 characters", "fewer values in a list claim, or a # in the place of many entries; lint says how many fit"],
  invalid_topics: ["a grant function returned topics that no policy can stand for exactly; detail names the entry", "test it with PolicyTemplate.of"],
  client_id_not_granted: ["the client ID is not among connect", "explain … connect CLIENT-ID"],
  internal_error: ["an exception; detail has its type and place", "look there, in your own verify or grant first; else open an issue with that line"],
  authorizer_missing: ["the client names no authorizer, and the account has no default one", "x-amz-customauthorizer-name in the URL, a header or the user name's query; or aws iot set-default-authorizer"],
  authorizer_not_found: ["there is none of that name", "compare the names"],
  authorizer_inactive: ["it is not active", "aws iot update-authorizer --status ACTIVE"],
  token_missing: ["signing is on, and there is no token under the token key name", "send it there: signing knows no other place"],
  signature_missing: ["signing is on, and there is no x-amz-customauthorizer-signature", "sign the token, as iot-authorizer sign does"],
  signature_invalid: ["no public key of the authorizer fits", "RSASSA-PKCS1-v1_5 with SHA-256 over the token's bytes, standard base64, URL-encoded"],
  function_not_found: ["the authorizer names a function that is not on this machine", "its ARN is in detail"],
  function_timeout: ["no answer within 5 seconds", "what does the function wait for?"],
  function_error: ["the function raised, or did not load", "detail has the exception and its place"],
  invalid_answer: ["the answer is not what IoT Core takes; detail names the field", "for principalId: letters and digits alone"],
  not_authenticated: ["a function of your own said no, and logged no reason", "log one"],
  connect_not_allowed: ["the policy does not allow iot:Connect for this client ID and what the CONNECT asks for", "explain … connect CLIENT-ID; connect_with for a Will and persistent sessions"],
  will_not_allowed: ["the policy does not allow the Will's topic", "publish (and retain) on it"],
  invalid_connect: ["one of IoT Core's limits, which detail names", "keep to it"],
  connect_rate_exceeded: ["more than one connection a second with one client ID, or 500 in the account", "wait a second, or name another client ID; --no-throttling lifts both"],
  connect_timeout: ["no CONNECT within 10 seconds", "send one"],
  tls_failed: ["a TLS handshake that fails; detail says why", "give the client the local CA's ca.pem, and use a host name of the certificate"],
  not_mqtt: ["bytes that are no MQTT; detail names the rule", "is it the right port, the right protocol?"],
  not_allowed_by_policy: ["the policy does not allow it; for an HTTPS request, detail has the action", "explain says by which entry it is denied, or what it lacks"],
  invalid_topic_filter: ["a filter that IoT Core refuses, whatever the policy says; detail names the limit", "at most 256 bytes and 7 slashes, # only last, wildcards alone in their level"],
  too_many_subscriptions: ["more than 50 subscriptions on one connection", "filters with wildcards, or several connections"],
  throttled: ["more than 100 publishes a second on one connection", "fewer, or several connections; --no-throttling to see whether it is that"],
  slow: ["a subscriber does not read; QoS 0 is dropped first, then the client ended", "read faster, subscribe to less"],
  queue_full: ["more than 1,000 messages or 4 MiB wait for a persistent session", "connect more often, or publish less to it"],
  queues_full: ["what waits for clients that are away takes 256 MiB in all, a limit of this machine's alone", "connect more often, or publish less to clients that are away"],
  too_many_sessions: ["more than 10,000 persistent sessions have no connection, a limit of this machine's alone: the one that was left first ended", "shorter session expiry, or fewer client IDs"],
  will_not_valid: ["a Will whose topic or properties break one of IoT Core's limits, which detail names", "keep to it"],
  too_many_retained: ["5,000 retained messages", "delete some: an empty retained message"],
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
