/** Reason codes: the cause and the cure of each, as the server has them. */

import { get } from "./api.js";
import { byId, element } from "./dom.js";

/** By its code, `[cause, cure]`, both Markdown with code between backticks. */
let reasons = new Map();

/** Fetches the reason codes, once before the page starts. Raises Refused. */
export async function loadReasons() {
  reasons = new Map(Object.entries(await get("/console/reasons")));
}

/** The cause and the cure of a reason code. A code of your own handler explains itself. */
export function reasonOf(code) {
  const [cause, cure] = reasons.get(code) ?? [code.replaceAll("_", " "), ""];
  return { cause, cure };
}

/** Markdown as plain text. */
export function plain(markdown) {
  return markdown.replaceAll("`", "");
}

/** Markdown as nodes: what is between backticks is code. */
export function formatted(markdown) {
  return markdown.split("`").map((text, index) => (index % 2 ? element("code", {}, text) : text));
}

/** A link from a reason code to its place in the list of all of them. */
export function reasonLink(code) {
  if (!reasons.has(code)) return element("code", {}, code);
  const open = (event) => {
    event.preventDefault();
    showReason(code);
  };
  return element("a", { href: `#reason-${code}`, onclick: open, title: "What does this mean?" }, element("code", {}, code));
}

function showReason(code) {
  const list = byId("reason-list");
  if (!list.hasChildNodes()) {
    for (const [name, [cause, cure]] of reasons) {
      list.append(
        element("dt", { id: `reason-${name}` }, element("code", {}, name)),
        element("dd", {}, ...formatted(cause), element("span", { class: "cure" }, ...formatted(cure))),
      );
    }
  }
  byId("reasons").showModal();
  for (const each of list.querySelectorAll(".lit")) each.classList.remove("lit");
  const term = byId(`reason-${code}`);
  for (const each of [term, term.nextElementSibling]) each.classList.add("lit");
  term.scrollIntoView({ block: "center" });
}
