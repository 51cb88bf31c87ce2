/** The explanation of a refusal in the client's panel. IoT Core itself does not tell the client why. */

import { element } from "./dom.js";
import { explanation } from "./explanation.js";
import { disconnectedBecause } from "./wording.js";

const CONSEQUENCES = {
  connect: "IoT Core does not tell the client why.",
  refresh: "IoT Core asked the authorizer again, and ended the connection.",
  publish: "IoT Core ends the connection after such a publish.",
  retain: "IoT Core ends the connection after such a publish.",
  receive: "The message was not delivered to this client.",
};
const ENDS = new Set(["connect", "refresh", "publish", "retain"]);

export class Refusal {
  #box;
  #onDismiss;
  #endsConnection = false;

  /** `onDismiss` is called when the user closes the box, which had the focus. */
  constructor(box, onDismiss) {
    this.#box = box;
    this.#onDismiss = onDismiss;
  }

  /** Whether the refusal that is shown ends the connection. */
  get endsConnection() {
    return this.#endsConnection;
  }

  /** Shows a decision of the feed. */
  decided(record) {
    this.#endsConnection ||= ENDS.has(record.action);
    this.#explain({ ...record, reasons: record.explanation }, CONSEQUENCES[record.action]);
  }

  /** Shows what went wrong with an action about which there is no decision. */
  failed(action, resource, problem) {
    this.#explain({ allowed: false, action, resource, reasons: [problem] });
  }

  /** Shows why the connection ended, with the rule that the client broke. */
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
      this.#box.hidden = true;
      this.#onDismiss();
    };
    this.#box.replaceChildren(
      body,
      element("button", { type: "button", class: "link", "aria-label": "Dismiss", onclick: dismiss }, "✕"),
    );
    this.#box.hidden = false;
  }
}
