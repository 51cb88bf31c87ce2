/** The console page. */

import { getState } from "./api.js";
import { Client } from "./client.js";
import { Decisions } from "./decisions.js";
import { byId, element } from "./dom.js";
import { Feed } from "./feed.js";
import { Policy } from "./policy.js";
import { isAboutConnection, isConnectByPolicy } from "./wording.js";

const AGAIN_AFTER = 2000; // ms

class Page {
  #state;
  #clients;
  #policy;

  constructor(state) {
    this.#state = state;
    const onPolicy = (client) => this.#policy.show(client);
    this.#clients = ["A", "B"].map((letter) => new Client(letter, state, onPolicy));
    this.#policy = new Policy(this.#clients);
    byId("clients").append(...this.#clients.map((client) => client.root));
    this.#show();
    const decisions = new Decisions((record) => this.#explain(record));
    const feed = new Feed((found) => this.#showFeed(found));
    feed.listen((record, isLive) => decisions.add(record, isLive));
    feed.listen((record, isLive) => isLive && this.#notice(record));
  }

  #notice(record) {
    for (const client of this.#clients) client.notice(record);
    if (record.kind === "reload") this.#reload();
  }

  #showFeed(found) {
    const shown = byId("feed-state");
    if (found === "live" && shown.dataset.state === "lost") this.#reload();
    shown.textContent = found === "lost" ? "no answer from the server" : found;
    shown.dataset.state = found;
  }

  /** Another template may be in force, or another problem there. */
  async #reload() {
    try {
      Object.assign(this.#state, await getState());
    } catch {
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
    byId("problem").hidden = !state.problem;
    byId("problem-text").textContent = state.problem ?? "";
    this.#showNotice();
    this.#clients.forEach((client, index) => client.offer(state.presets, index));
  }

  #showNotice() {
    const { mqtt_js: hasMqtt, signing } = this.#state;
    const text = !hasMqtt
      ? "MQTT.js is not installed, so that the clients here can't connect: run npm ci, or make, and reload this page."
      : signing
        ? "Signing is on: IoT Core refuses clients whose token has no signature, and the development issuer's have none."
        : "";
    byId("notice").textContent = text;
    byId("notice").hidden = text === "";
  }

  /** What the template says of a record, where a client of this page has its claims. */
  async #explain(record) {
    if (!record.allowed && isAboutConnection(record) && !isConnectByPolicy(record)) return null; // The token's fault.
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
    state = await getState();
  } catch (error) {
    byId("notice").textContent = error.message;
    byId("notice").hidden = false;
    setTimeout(start, AGAIN_AFTER);
    return;
  }
  new Page(state);
}

start();
