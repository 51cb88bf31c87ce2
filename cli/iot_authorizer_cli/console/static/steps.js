/** What to try first: it teaches the page, and goes once it is done. */

import { element } from "./dom.js";

export class Steps {
  #list;
  #done = new Set();
  #shown = null;
  #onTake;

  /** `onTake(topic)` takes the topic that is refused. */
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
      steps.push(["refused", ["Publish to ", take, ", which the policy forbids: see why."]]);
    }
    this.#list.hidden = steps.every(([name]) => this.#done.has(name));
    this.#list.replaceChildren(
      ...steps.map(([name, text]) => element("li", { class: this.#done.has(name) ? "done" : null }, ...text)),
    );
  }
}
