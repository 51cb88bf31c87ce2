/** Leads from a reason to the line of the template that has its entry. */

import { element } from "./dom.js";

let entries = [];
let show = () => {};

/** Remembers the entries of the template that is shown, and how to show a line. */
export function remember(found, onShow) {
  entries = found.filter((entry) => entry.line !== null);
  show = onShow;
}

/** A button that shows the line of a reason's entry; null if the template has no such entry. */
export function lineLink(reason) {
  const entry = entryOf(reason);
  if (!entry) return null;
  const button = element("button", { type: "button", class: "link", onclick: () => lead(button, reason) }, `line ${entry.line}`);
  return button;
}

/** Shows the line, which may be another one by now. */
function lead(button, reason) {
  const entry = entryOf(reason);
  if (entry) show(entry.line);
  else button.replaceWith(element("span", { class: "muted" }, "no longer in the template"));
}

/** A reason is "by ENTRY", or "ENTRY: what is missing". */
function entryOf(reason) {
  const named = entries.filter(({ name }) => reason === `by ${name}` || reason.startsWith(`${name}: `));
  return named.sort((a, b) => b.name.length - a.name.length)[0];
}
