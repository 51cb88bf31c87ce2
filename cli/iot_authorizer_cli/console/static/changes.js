/** What the edits since the start open and close: the server compares after each reload, and answers when it is done. */

import { get } from "./api.js";
import { announce, byId, clock, count, element } from "./dom.js";

let latest = 0;

/** Shows the changes; nothing before the first edit. */
export async function showChanges() {
  const asked = ++latest;
  byId("changes-since").textContent = "Comparing the template in force…";
  const found = await get("/console/changes").catch((error) => ({ problem: error.message }));
  if (asked !== latest) return; // A newer template is being compared.
  byId("changes").hidden = found.changes === null;
  if (found.changes !== null) show(found);
}

function show({ problem, since, changes = [], left_out: leftOut = 0, rest = "" }) {
  const added = changes.filter((change) => change.is_new).length;
  const marked = added && added < changes.length ? " New is what the comparison before did not have." : "";
  byId("changes-since").textContent = problem ?? `The template in force, compared with that of ${clock(since)}, the first since dev started.${marked}`;
  byId("change-list").replaceChildren(...changeLines(changes));
  byId("changes-rest").textContent = restText(leftOut, rest);
  announce(problem ?? (changes.length ? `Your edits: ${count(changes.length + leftOut, "change")}, ${added} new` : sentence(rest)));
}

/** What is to be said below the changes. */
export function restText(leftOut, rest) {
  return leftOut ? `And ${count(leftOut, "more change")}.` : sentence(rest);
}

/** The changes as elements of a list. */
export function changeLines(changes) {
  return changes.map(line);
}

const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}.`;

function line({ effect, text, who, example, is_new: isNew }) {
  return element(
    "li",
    { "data-effect": effect },
    element("p", {}, element("span", { class: "effect" }, effect), isNew && element("span", { class: "new" }, "new"), ` ${text}`),
    who !== "" && element("p", { class: "detail" }, who),
    example !== "" && element("p", { class: "detail" }, "example: ", element("span", { class: "mono" }, example)),
  );
}
