/** The lines of a template: which entries apply, why others do not, and what is wrong. */

import { element } from "./dom.js";
import { coloured, unseen } from "./toml.js";

/** What is to be said about a line: its class, and the reason why its entries do not apply or cannot be loaded. */
export function stateOf(text, entries, problem) {
  const applies = entries.some((entry) => entry.applies);
  const whyNot = entries.filter((entry) => !entry.applies).map((entry) => entry.why_not);
  const state = entries.length === 0 ? "" : applies ? (entries[0].effect === "Deny" ? "denies" : "applies") : "silent";
  return {
    applies,
    state,
    classes: [state, problem ? "problem" : ""].join(" ").trim(),
    note: [...new Set([problem, unseen(text), ...whyNot].filter(Boolean))].join("; "),
  };
}

/** The entries of each line, by its number. */
export function byLine(entries) {
  return Map.groupBy(entries.filter((entry) => entry.line !== null), (entry) => entry.line);
}

/** The template in force, as a list in which lines can be chosen. */
export class TemplateLines {
  #list;
  #onChoose;

  /** `onChoose(number)` is called when the user chooses a line. */
  constructor(list, onChoose) {
    this.#list = list;
    this.#onChoose = onChoose;
  }

  clear() {
    this.#list.replaceChildren();
  }

  draw({ template, entries, problem, problem_line: problemLine }) {
    const found = byLine(entries);
    this.#list.replaceChildren(
      ...template
        .replace(/\n$/, "")
        .split("\n")
        .map((text, index) => this.#line(text, index + 1, found.get(index + 1) ?? [], index + 1 === problemLine && problem)),
    );
  }

  light(lines) {
    for (const line of this.#list.children) {
      const isLit = lines.has(Number(line.dataset.line));
      line.classList.toggle("lit", isLit);
      line.querySelector("[role=button]")?.setAttribute("aria-pressed", isLit);
    }
  }

  /** Scrolls to a line and moves the focus there. */
  show(number) {
    const line = this.#list.children[number - 1];
    const target = line?.querySelector("[role=button]") ?? line;
    target?.scrollIntoView({ block: "center" });
    target?.focus({ preventScroll: true });
  }

  #line(text, number, entries, problem) {
    const { applies, state, classes, note } = stateOf(text, entries, problem);
    const body = element("span", { class: "source" }, ...coloured(text));
    const line = element("li", { class: classes || null, value: number, "data-line": number, tabindex: "-1" }, body);
    if (note) line.append(element("span", { class: "why-not" }, note));
    if (applies) {
      line.append(element("span", { class: "hidden" }, state));
      body.setAttribute("role", "button");
      body.setAttribute("tabindex", "0");
      body.setAttribute("aria-pressed", "false");
      body.addEventListener("click", () => this.#onChoose(number));
      body.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        this.#onChoose(number);
      });
    }
    return line;
  }
}
