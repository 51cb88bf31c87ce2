/** The list of a client's messages, received and sent. */

import { clock, element, levels } from "./dom.js";

const KEPT = 100;
const SHOWN = 4096; // characters of a payload

export class Messages {
  #box;
  #list;

  /** `box` is the log, which has a list. */
  constructor(box) {
    this.#box = box;
    this.#list = box.firstElementChild;
  }

  clear() {
    this.#list.replaceChildren();
    this.#box.hidden = true;
  }

  /** Adds a received message. */
  received({ topic, payload, qos, retain }) {
    this.#add({ topic, payload: readable(payload), qos, retain, sent: false });
  }

  /** Adds a message that is being sent; gives functions that tell whether it was delivered. */
  sent({ topic, payload, qos, retain }, onExplain) {
    const row = this.#add({ topic, payload, qos, retain, sent: true });
    const state = row.querySelector(".delivery");
    return {
      arrived: () => {
        state.textContent = qos ? "acknowledged" : "sent";
      },
      failed: () => {
        row.classList.add("failed");
        state.replaceChildren(element("button", { type: "button", class: "link", onclick: onExplain }, "not delivered: why?"));
      },
    };
  }

  #add({ topic, payload, qos, retain, sent }) {
    const row = element(
      "li",
      { class: sent ? "sent" : "received" },
      element("span", { class: "way", "aria-label": sent ? "sent" : "received" }, sent ? "↑" : "↓"),
      element("code", { class: "topic" }, ...levels(topic)),
      element(
        "span",
        { class: "flags" },
        element("span", { class: "flag" }, `QoS ${qos}`),
        retain ? element("span", { class: "flag" }, "retain") : null,
        element("span", { class: "delivery" }),
        element("time", {}, clock(Date.now())),
      ),
      element("span", { class: "payload" }, payload === "" ? element("i", {}, "empty") : payload),
    );
    this.#box.hidden = false;
    this.#list.prepend(row);
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove();
    return row;
  }
}

function readable(payload) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${payload.length} bytes)` : text;
  } catch {
    const hex = [...payload.subarray(0, 64)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `${payload.length} bytes: ${hex}${payload.length > 64 ? " …" : ""}`;
  }
}
