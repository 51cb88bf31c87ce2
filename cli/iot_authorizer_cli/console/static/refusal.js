/** Why a client was refused, at the client itself: IoT Core tells it nothing. */

import { element } from "./dom.js";
import { explanation } from "./explanation.js";
import { disconnectedBecause } from "./wording.js";

const CONSEQUENCES = {
  connect: "The client itself is told nothing more than that.",
  refresh: "IoT Core asked the authorizer again, and ended the connection.",
  publish: "IoT Core ends a connection that publishes what it may not.",
  retain: "IoT Core ends a connection that publishes what it may not.",
  receive: "The message was not delivered to this client.",
};
const ENDS = new Set(["connect", "refresh", "publish", "retain"]);

export class Refusal {
  #box;
  #endsConnection = false;
  #decision = null;

  constructor(box) {
    this.#box = box;
  }

  /** Whether the connection ends with what is shown. */
  get endsConnection() {
    return this.#endsConnection;
  }

  /** Whether it is about this decision. */
  shows(record) {
    return this.#decision === record.id;
  }

  /** Shows a decision of the feed. */
  decided(record) {
    this.#decision = record.id;
    this.#endsConnection ||= ENDS.has(record.action);
    this.#explain({ ...record, reasons: record.explanation }, CONSEQUENCES[record.action]);
  }

  /** Shows an answer to "why?". */
  explained(answer) {
    this.#explain(answer);
  }

  /** Shows which rule the client broke, so that its connection ended. */
  broke(record) {
    const what = disconnectedBecause(record.disconnect_reason);
    this.#show(
      element(
        "div",
        { class: "explanation refused" },
        element("p", { class: "verdict" }, element("b", {}, "Disconnected"), `: ${what}`),
        record.detail ? element("p", {}, record.detail) : null,
      ),
    );
  }

  hide() {
    this.#decision = null;
    this.#endsConnection = false;
    this.#box.hidden = true;
    this.#box.replaceChildren();
  }

  #explain(answer, consequence) {
    const body = explanation(answer);
    if (consequence) body.append(element("p", { class: "muted" }, consequence));
    this.#show(body);
  }

  #show(body) {
    const dismiss = () => {
      this.#decision = null;
      this.#box.hidden = true;
    };
    this.#box.replaceChildren(
      body,
      element("button", { type: "button", class: "link", "aria-label": "Dismiss", onclick: dismiss }, "✕"),
    );
    this.#box.hidden = false;
  }
}
