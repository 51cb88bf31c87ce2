/** The list of first steps: it hides when all are done. */

import { element } from "./dom.js";

export class Steps {
  #list;
  #done = new Set();
  #shown = null;
  #onTake;

  /** `onTake(topic)` is called with the refused topic when the user clicks it. */
  constructor(list, onTake) {
    this.#list = list;
    this.#onTake = onTake;
  }

  show(what) {
    this.#shown = what;
    this.#draw();
  }

  done(step) {
    this.#done.add(step);
    this.#draw();
  }

  #draw() {
    if (!this.#shown) return;
    const { principal, filter, topic, refused } = this.#shown;
    const code = (text) => element("code", {}, text);
    const steps = [
      ["connect", ["Connect as ", element("b", {}, principal), "."]],
      ["subscribe", ["Subscribe to ", code(filter), "."]],
    ];
    if (topic) steps.push(["publish", ["Publish to ", code(topic), "."]]);
    if (refused) {
      const take = element("button", { type: "button", class: "link", onclick: () => this.#onTake(refused) }, refused);
      steps.push(["refused", ["Publish to ", take, ", which the policy denies, and see why."]]);
    }
    this.#list.hidden = steps.every(([name]) => this.#done.has(name));
    this.#list.replaceChildren(
      ...steps.map(([name, text]) => element("li", { class: this.#done.has(name) ? "done" : null }, ...text)),
    );
  }
}
