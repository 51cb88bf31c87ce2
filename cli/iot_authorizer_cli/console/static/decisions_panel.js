/** The panel of decisions: each client's actions, whether they were allowed, and why. */

import { byId, clock, count, element, levels } from "./dom.js";
import { explanation } from "./explanation.js";
import { keep, restored } from "./storage.js";
import { actionOf, because, disconnectedBecause, isRefused, verdictOf } from "./wording.js";

const KEPT = 1000;
const SHOWN = 200;
const CHOICES = { filter: "feed-filter", client: "feed-client", text: "feed-text" };

export class DecisionsPanel {
  #records = [];
  #waiting = [];
  #clients = new Set();
  #isPaused = false;
  #isDrawing = false;
  #refused = 0;
  #onExplain;

  /** `onExplain(record)` gives the answer of `explain`, or null if no client of this page can ask. */
  constructor(onExplain) {
    this.#onExplain = onExplain;
    const saved = restored("feed", { filter: "all", client: "", text: "" });
    this.#offer(saved.client);
    for (const [name, id] of Object.entries(CHOICES)) {
      byId(id).value = saved[name];
      byId(id).addEventListener("input", () => this.#chosen());
    }
    byId("feed-pause").addEventListener("click", () => this.#pause());
    this.#showEmpty();
  }

  /** Adds a record of the feed. */
  add(record, isLive) {
    this.#offer(record.client_id);
    if (isLive && isRefused(record)) this.#countRefused();
    this.#waiting.push(record);
    if (this.#waiting.length > KEPT) this.#waiting.shift();
    if (!this.#isDrawing) {
      this.#isDrawing = true;
      requestAnimationFrame(() => this.#draw());
    }
  }

  #draw() {
    this.#isDrawing = false;
    const pause = byId("feed-pause");
    if (this.#isPaused) {
      pause.textContent = `Resume (${this.#waiting.length} new)`;
      return;
    }
    const taken = this.#waiting.splice(0);
    this.#records = [...this.#records, ...taken].slice(-KEPT);
    const list = byId("feed-rows");
    const rows = taken.filter((record) => this.#isWanted(record)).slice(-SHOWN);
    list.prepend(...rows.map((record) => this.#row(record)).reverse());
    while (list.children.length > SHOWN) list.lastElementChild.remove();
    this.#showEmpty();
  }

  #chosen() {
    keep("feed", Object.fromEntries(Object.entries(CHOICES).map(([name, id]) => [name, byId(id).value])));
    const rows = this.#records.filter((record) => this.#isWanted(record)).slice(-SHOWN);
    byId("feed-rows").replaceChildren(...rows.map((record) => this.#row(record)).reverse());
    this.#showEmpty();
  }

  #pause() {
    this.#isPaused = !this.#isPaused;
    const pause = byId("feed-pause");
    pause.setAttribute("aria-pressed", this.#isPaused);
    pause.textContent = this.#isPaused ? "Resume" : "Pause";
    this.#draw();
  }

  #isWanted(record) {
    const client = byId("feed-client").value;
    if (client && record.client_id !== client) return false;
    if (byId("feed-filter").value !== "all" && !isRefused(record)) return false;
    const words = byId("feed-text").value.toLowerCase().split(/\s+/);
    const text = words.some(Boolean) ? textOf(record) : "";
    return words.every((word) => text.includes(word));
  }

  #offer(client) {
    if (!client || this.#clients.has(client) || this.#clients.size >= KEPT) return;
    this.#clients.add(client);
    byId("feed-client").append(element("option", { value: client }, client));
  }

  #showEmpty() {
    const isEmpty = !byId("feed-rows").hasChildNodes();
    byId("feed-rows").hidden = isEmpty;
    byId("feed-empty").hidden = !isEmpty;
    byId("feed-empty").textContent = this.#records.length
      ? "No decision matches this filter."
      : "No decisions yet. Connect a client: this list shows the decision on each CONNECT, PUBLISH and SUBSCRIBE, and its reason.";
  }

  #countRefused() {
    this.#refused += 1;
    byId("refused-count").hidden = false;
    byId("refused-count").textContent = `${this.#refused > 99 ? "99+" : this.#refused} not allowed`;
  }

  #row(record) {
    const more = element("div", { class: "more", hidden: true });
    const head = element(
      "button",
      { type: "button", class: "head", "aria-expanded": "false", onclick: () => this.#toggle(record, head, more) },
      ...headline(record),
    );
    return element("li", { class: `${record.kind} ${isRefused(record) ? "refused" : "allowed"}` }, head, more);
  }

  #toggle(record, head, more) {
    const isOpen = head.getAttribute("aria-expanded") === "true";
    head.setAttribute("aria-expanded", !isOpen);
    more.hidden = isOpen;
    if (!isOpen && !more.hasChildNodes()) {
      more.append(...details(record));
      if (record.kind === "decision" && !record.explanation?.length) this.#explain(record, more);
    }
  }

  async #explain(record, more) {
    const answer = await this.#onExplain(record);
    if (!answer) return;
    more.prepend(explanation(answer));
  }
}

/** What the text filter looks in: what the row shows, and who it is about. */
function textOf(record) {
  const shown = headline(record).map((each) => each.textContent);
  return [...shown, record.principal, record.client_id].join(" ").toLowerCase();
}

function headline(record) {
  const who = record.client_id ?? record.principal ?? "";
  const time = element("time", {}, clock(record.time));
  const verdict = (text) => element("span", { class: "verdict" }, text);
  const name = element("span", { class: "who" }, ...levels(who));
  const line = (...texts) => element("span", { class: "why" }, ...texts);
  switch (record.kind) {
    case "decision":
      return [
        time,
        verdict(verdictOf(record)),
        name,
        element("span", { class: "what" }, `${actionOf(record.action)} `, record.resource === who ? "" : element("code", {}, ...levels(record.resource ?? ""))),
        line(because(record)),
      ];
    case "presence":
      return [time, verdict(record.event), name, line(record.detail || disconnectedBecause(record.disconnect_reason))];
    case "subscriptions":
      return [time, verdict(record.event), name, line(element("code", {}, (record.topics ?? []).join(" ")))];
    case "rule":
      return [
        time,
        verdict(record.problem ? "rule failed" : "rule"),
        element("span", { class: "who" }, record.rule),
        element("span", { class: "what" }, element("code", {}, ...levels(record.topic))),
        line(record.problem ?? record.output ?? record.resource ?? ""),
      ];
    case "reload":
      return [time, verdict(record.ok ? "reloaded" : "not reloaded"), line(record.problem ?? record.path ?? "")];
    case "dropped":
      return [time, verdict("dropped"), name, line(`${count(record.count, "message")}, ${because(record)}`)];
    case "refused_bytes":
      return [time, verdict("refused"), element("span", { class: "who" }, record.address ?? ""), line(because(record))];
    default:
      return [time, verdict(record.kind), name, line(record.problem ?? record.detail ?? "")];
  }
}

function details(record) {
  const shown = {
    principal: record.principal,
    "client ID": record.client_id,
    "credential source": record.source,
    hint: record.hint,
    address: record.address,
    authorizer: record.authorizer,
    "disconnect reason": record.disconnect_reason,
    detail: record.kind === "decision" ? null : record.detail,
    warning: record.warning,
    file: record.path,
  };
  const list = element("dl", {});
  for (const [name, value] of Object.entries(shown)) {
    if (value) list.append(element("dt", {}, name), element("dd", {}, element("code", {}, value)));
  }
  const answer = record.kind === "decision" && (record.explanation?.length || record.reason);
  return [answer ? explanation({ ...record, reasons: record.explanation }) : null, list].filter(Boolean);
}
