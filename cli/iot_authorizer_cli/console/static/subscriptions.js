/** The list of a client's subscriptions, granted and refused. */

import { element } from "./dom.js";

export class Subscriptions {
  #list;
  #owner = null;
  #granted = new Map();
  #on;

  /** `on` has `unsubscribe(filter)`, `explain(filter)`, and `removed()`, after a row that had the focus is gone. */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
  }

  get size() {
    return this.#granted.size;
  }

  /** Adds a subscription with its granted QoS, or null if it was refused. */
  set(filter, qos) {
    this.#granted.set(filter, qos);
    this.#draw();
  }

  /** Starts a connection. Gives the subscriptions of the same client's last connection, as `[filter, qos]`. */
  begin(owner) {
    const again = owner === this.#owner ? [...this.#granted].filter(([, qos]) => qos !== null) : [];
    this.#owner = owner;
    this.#granted.clear();
    this.#draw();
    this.#list.hidden = false;
    return again;
  }

  /** Ends the connection, and its subscriptions with it. */
  end() {
    this.#list.hidden = true;
  }

  async #remove(filter) {
    if (this.#granted.get(filter) !== null) await this.#on.unsubscribe(filter);
    this.#granted.delete(filter);
    this.#draw();
    this.#on.removed();
  }

  #draw() {
    this.#list.replaceChildren(...[...this.#granted].map(([filter, qos]) => this.#row(filter, qos)));
  }

  #row(filter, qos) {
    const button = (text, label, act) =>
      element("button", { type: "button", class: "link", "aria-label": label, onclick: act }, text);
    return element(
      "li",
      { class: qos === null ? "refused" : "granted" },
      element("code", {}, filter),
      qos === null
        ? button("refused: why?", `Why is ${filter} refused?`, () => this.#on.explain(filter))
        : element("span", { class: "flag" }, `QoS ${qos}`),
      button("✕", qos === null ? `Remove ${filter}` : `Unsubscribe from ${filter}`, () => this.#remove(filter)),
    );
  }
}
