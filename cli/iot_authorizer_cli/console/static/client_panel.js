/** The panel of one client: sign in, subscribe, publish, and the messages and refusals that follow. */

import { Refused } from "./api.js";
import { Asking } from "./asking.js";
import { Card } from "./card.js";
import { connect, endpoint } from "./connection.js";
import { ConnectionRecords } from "./connection_records.js";
import { announce } from "./dom.js";
import { Messages } from "./messages.js";
import { Refusal } from "./refusal.js";
import { SignIn } from "./sign_in.js";
import { Steps } from "./steps.js";
import { keep, restored } from "./storage.js";
import { Subscriptions } from "./subscriptions.js";
import { Topics } from "./topics.js";
import { actionOf, because, disconnectedBecause } from "./wording.js";

const PUBLISH = ["publish", "retain"];
const SUBSCRIBE = ["subscribe"];
const PAUSE = 250; // ms from the last key to the request for the policy
const DEFAULTS = { principal: "", claims: "", clientId: "", lives: "3600", version: "5", means: "minted" };

export class ClientPanel {
  #card;
  #state;
  #signIn;
  #asking;
  #topics;
  #messages;
  #steps;
  #subscriptions;
  #refusal;
  #connection = null;
  #connectedAs = null;
  #records = null;
  #principalBefore = null;
  #why = "";
  #sent = new Map();
  #timer;
  #onPolicy;

  /** `onPolicy(client)` is called when the policy of this client is known, or the reason why there is none. */
  constructor(letter, state, onPolicy) {
    this.letter = letter;
    this.#state = state;
    this.#onPolicy = onPolicy;
    this.#card = new Card(letter);
    const at = this.#card.at;
    const saved = restored(letter, DEFAULTS);
    this.#signIn = new SignIn(at, letter, saved, (isPreset) => this.#changed(isPreset));
    this.#asking = new Asking(this.#signIn);
    this.#topics = new Topics(at, letter, saved, () => this.#keep());
    this.#messages = new Messages(at.messages);
    this.#refusal = new Refusal(at.refusal, () => this.#card.focus());
    this.#steps = new Steps(at.steps, (topic) => this.#topics.take(topic));
    this.#subscriptions = new Subscriptions(at.subscriptions, {
      unsubscribe: (filter) => this.#unsubscribe(filter),
      explain: (filter) => this.#showWhy(this.#records, SUBSCRIBE, filter),
      removed: () => at.filter.focus({ preventScroll: true }),
    });
    this.#listen();
    this.#card.title(this.principal);
  }

  get root() {
    return this.#card.root;
  }

  get principal() {
    return this.#signIn.principal;
  }

  /** The client ID of its connection or of its last one; before that, the one in the form. */
  get clientId() {
    return this.#connectedAs ?? this.#signIn.clientId;
  }

  get policy() {
    return this.#asking.policy;
  }

  get problem() {
    return this.#asking.problem;
  }

  /** Offers principals to sign in as, and asks for the policy again, since the template may have changed. */
  offer(state, index) {
    this.#signIn.offer(state, index);
    this.#ask();
  }

  /** Asks why the template, or an edit of it, allows or refuses an action. Raises Refused. */
  explain(action, resource, edit) {
    return this.#asking.explain(this.clientId, action, resource, edit);
  }

  /** Its policy by an edit of the template, or the reason why there is none. */
  async tried(edit, signal) {
    try {
      return { policy: await this.#asking.tried(this.clientId, edit, signal), problem: null };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { policy: null, problem: error.message };
    }
  }

  /** Handles a record of the feed, if it is about this client. */
  notice(record) {
    if (!this.#records?.take(record)) return;
    if (record.kind === "decision" && !record.allowed) this.#refused(record);
    if (record.kind === "presence" && record.event === "disconnected") this.#disconnected(record);
  }

  /** Disconnects, if there is a connection. */
  #disconnect() {
    if (!this.#connection) return;
    this.#refusal.hide();
    this.#connection.end();
  }

  #listen() {
    const at = this.#card.at;
    const on = (form, act) =>
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        act();
      });
    on(at.signInForm, () => this.#connect());
    on(at.subscribeForm, () => this.#subscribe(this.#topics.filter, this.#topics.subscribeQos));
    on(at.publishForm, () => this.#publish());
    at.toggle.addEventListener("click", () => (this.#connection ? this.#disconnect() : this.#connect()));
  }

  #changed(isPreset) {
    this.#signIn.complain(null);
    if (isPreset) this.#topics.forget();
    if (!this.#card.isBusy) this.#connectedAs = this.#records = null;
    this.#card.title(this.principal);
    this.#keep();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), isPreset ? 0 : PAUSE);
  }

  #keep() {
    keep(this.letter, { ...this.#signIn.typed, ...this.#topics.typed });
  }

  async #ask() {
    clearTimeout(this.#timer);
    if (!(await this.#asking.ask(this.#connection === null))) return;
    if (this.policy) {
      this.#topics.suggest(this.policy.suggestions);
      this.#showSteps();
    }
    this.#onPolicy(this);
  }

  async #connect() {
    if (this.#card.isBusy) return;
    this.#signIn.complain(null);
    this.#refusal.hide();
    this.#card.connecting();
    this.#why = "";
    this.#records = null;
    this.#sent.clear();
    if (this.principal !== this.#principalBefore) this.#messages.clear();
    this.#principalBefore = this.principal;
    await this.#ask(); // The form may have changed, so that another client ID fits.
    try {
      const { clientId } = this.#signIn.credentials;
      this.#connectedAs = clientId;
      this.#records = new ConnectionRecords(clientId);
      const { token, signature, ...account } = await this.#signIn.proof();
      const options = { clientId, version: this.#signIn.version, account };
      const opened = await connect(endpoint(this.#state, token, signature), options, {
        connected: () => this.#connected(opened),
        message: (topic, payload, packet) => this.#messages.received({ topic, payload, ...packet }),
        closed: (why) => this.#closed(why),
      });
    } catch (error) {
      this.#closed(null);
      this.#card.at.signIn.open = true;
      this.#signIn.complain(error instanceof Refused ? error : new Refused(`MQTT.js: ${error.message}`));
      this.#signIn.focus(error.field);
    }
  }

  #connected(connection) {
    this.#connection = connection;
    this.#card.connected(this.#connectedAs);
    this.#steps.done("connect");
    announce(`${this.principal} is connected`);
    const again = this.#subscriptions.begin(JSON.stringify([this.principal, this.#connectedAs]));
    for (const [filter, qos] of again) this.#subscribe(filter, qos);
  }

  /** `why` is null if the user ended the connection. */
  #closed(why) {
    this.#connection = null;
    this.#subscriptions.end();
    this.#card.closed();
    this.#why = why === null ? null : why || this.#why;
    this.#showClosed();
    announce(`${this.principal}: ${this.#card.stateText}`);
    this.#ask(); // A template that was saved meanwhile may grant another client ID.
  }

  /** Shows a decision against this client. It may come before or after the connection closes. */
  #refused(record) {
    this.#refusal.decided(record);
    const isPublish = PUBLISH.includes(record.action);
    if (isPublish) this.#sent.get(record.resource)?.failed();
    this.#showClosed();
    if (isPublish) this.#steps.done("refused");
    announce(`${this.principal} is refused: ${actionOf(record.action)} ${record.resource}: ${because(record)}`);
  }

  /** Shows why the connection ended, if the server did not say so itself. */
  #disconnected(record) {
    if (record.detail && !this.#refusal.endsConnection) this.#refusal.broke(record);
    if (this.#why !== "") return;
    this.#why = disconnectedBecause(record.disconnect_reason);
    this.#showClosed();
  }

  /** Shows why something failed. The template does not say it: it may allow what IoT Core refused for another reason. */
  async #showWhy(records, actions, resource, otherwise = "the list of decisions does not say why") {
    const record = records.whyFailed(actions, resource);
    if (record?.kind === "decision") this.#refusal.decided(record);
    else if (record?.kind === "presence") this.#refusal.broke(record);
    else {
      const problem = record ? because(record) : ((await this.#brokenRule(actions[0], resource)) ?? otherwise);
      this.#refusal.failed(actions[0], resource, problem);
    }
  }

  /** The rule that a topic or topic filter breaks, which MQTT.js does not even send; null if there is none. */
  async #brokenRule(action, resource) {
    try {
      await this.explain(action, resource);
      return null;
    } catch (error) {
      return error.message;
    }
  }

  async #subscribe(filter, qos) {
    const connection = this.#connection;
    if (!connection) return;
    this.#refusal.hide();
    const granted = await connection.subscribe(filter, qos);
    if (connection !== this.#connection) return;
    this.#subscriptions.set(filter, granted);
    if (granted !== null) this.#steps.done("subscribe");
  }

  #unsubscribe(filter) {
    this.#refusal.hide();
    return this.#connection?.unsubscribe(filter);
  }

  async #publish() {
    if (!this.#connection) return;
    this.#refusal.hide();
    const message = this.#topics.message;
    const { topic, payload, qos, retain } = message;
    const records = this.#records;
    let wrong;
    const row = this.#messages.sent(message, () => this.#showWhy(records, PUBLISH, topic, wrong));
    this.#sent.set(topic, row);
    wrong = await this.#connection.publish(topic, payload, { qos, retain });
    if (wrong) return row.failed();
    row.arrived();
    this.#steps.done("publish");
  }

  #showSteps() {
    const { publish } = this.policy.suggestions;
    this.#steps.show({
      principal: this.principal,
      filter: this.#topics.filter,
      topic: publish.find((each) => each.allowed)?.text,
      refused: publish.find((each) => !each.allowed)?.text,
    });
  }

  #showClosed() {
    if (this.#card.isBusy) return;
    if (this.#refusal.endsConnection) this.#card.state("closed", "closed: refused");
    else if (this.#why === null) this.#card.state("idle", "not connected");
    else this.#card.state("closed", this.#why ? `closed: ${this.#why}` : "closed");
  }
}
