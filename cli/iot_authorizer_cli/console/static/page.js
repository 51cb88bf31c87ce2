/** The console page: it connects the panels with the feed. */

import { get } from "./api.js";
import { showChanges } from "./changes.js";
import { ClientPanel } from "./client_panel.js";
import { DecisionsPanel } from "./decisions_panel.js";
import { byId, element } from "./dom.js";
import { Feed } from "./feed.js";
import { followWidth } from "./order.js";
import { PolicyPanel } from "./policy_panel.js";
import { showProof } from "./proof.js";
import { loadReasons } from "./reasons.js";
import { offerStored, refreshStored } from "./stored.js";
import { isAboutConnection, isByPolicy } from "./wording.js";

const AGAIN_AFTER = 2000; // ms

class Page {
  #state;
  #clients;
  #policy;

  constructor(state) {
    this.#state = state;
    const onPolicy = (client) => this.#policy.show(client);
    this.#clients = ["A", "B"].map((letter) => new ClientPanel(letter, state, onPolicy));
    this.#policy = new PolicyPanel(this.#clients);
    byId("clients").append(...this.#clients.map((client) => client.root));
    this.#show();
    offerStored();
    const decisions = new DecisionsPanel((record) => this.#explain(record));
    const feed = new Feed((found) => this.#showFeed(found));
    feed.listen((record, isLive) => decisions.add(record, isLive));
    feed.listen((record, isLive) => isLive && this.#notice(record));
  }

  #notice(record) {
    for (const client of this.#clients) client.notice(record);
    if (record.kind === "reload") this.#reload();
    refreshStored();
  }

  #showFeed(found) {
    const shown = byId("feed-state");
    if (found === "lost" || shown.dataset.state === "lost") this.#reload();
    shown.textContent = found === "lost" ? "the server does not answer" : found;
    shown.dataset.state = found;
  }

  /** Fetches the state again: the template or the problem may have changed. */
  async #reload() {
    try {
      Object.assign(this.#state, await get("/console/state"));
    } catch (error) {
      byId("notice").textContent = error.message; // The server is gone, or the console's secret is a new one.
      byId("notice").hidden = false;
      return;
    }
    this.#show();
  }

  #show() {
    const state = this.#state;
    byId("authorizer").textContent = `${state.authorizer ?? "no authorizer"} at ${webSocket(state.endpoint)}`;
    const rows = {
      WebSocket: `${webSocket(state.endpoint)} · ${webSocket(state.tls_endpoint)}`,
      MQTT: `${mqtt(state.endpoint, "mqtt")} · ${mqtt(state.tls_endpoint, "mqtts")}`,
      "HTTPS, aws --endpoint-url": `${state.endpoint} · ${state.tls_endpoint}`,
      "CA certificate": state.ca_path,
      "Authorizer's name": state.authorizer,
      "Token key name": state.token_key_name,
      Function: state.function,
      Configuration: state.configuration_path,
      Issuer: state.issuer,
    };
    byId("endpoint-list").replaceChildren(
      ...Object.entries(rows)
        .filter(([, value]) => value)
        .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, element("code", {}, value)))),
    );
    byId("template-path").textContent = state.template_path ?? "";
    showProof(state.template_path);
    showChanges();
    byId("problem").hidden = !state.problem;
    byId("problem-text").textContent = state.problem ?? "";
    this.#showNotice();
    this.#clients.forEach((client, index) => client.offer(state, index));
  }

  #showNotice() {
    const { mqtt_js: hasMqtt, signing, signing_key: key } = this.#state;
    const text = !hasMqtt
      ? "MQTT.js is not installed, so the clients on this page cannot connect: run npm ci or make, then reload this page."
      : signing
        ? `Signing is enabled: IoT Core refuses clients without a signed token, such as those with a pasted token or a password. ${key ? `Development tokens are signed with the key ${key}.` : "Development tokens are not signed either: no private key is in keys/private."}`
        : "";
    byId("notice").textContent = text;
    byId("notice").hidden = text === "";
  }

  /** Explains a record by the template, if a client of this page has the claims; else null. */
  async #explain(record) {
    if (!record.allowed && (isAboutConnection(record) || !isByPolicy(record))) return null; // The template does not say why.
    const client = this.#clients.find((each) => each.clientId === record.client_id);
    const action = record.action === "refresh" ? "connect" : record.action;
    return client ? client.explain(action, record.resource).catch(() => null) : null;
  }
}

const webSocket = (url) => `${url.replace(/^http/, "ws")}/mqtt`;
const mqtt = (url, scheme) => url.replace(/^https?/, scheme);

async function start() {
  let state;
  try {
    state = await get("/console/state");
    await loadReasons();
  } catch (error) {
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
    setTimeout(start, AGAIN_AFTER);
    return;
  }
  new Page(state);
}

followWidth();
start();
