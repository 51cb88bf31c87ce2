/** What an edit on this page would open and close: for each client of the page, and for every principal. */

import { post } from "./api.js";
import { changeLines, restText } from "./changes.js";
import { announce, byId, count, element } from "./dom.js";

/** Shows what the edit changes for each client: `[name, text]`, where an empty text is no change. */
export function showEffects(effects) {
  byId("edit-changes").hidden = false;
  byId("edit-effects").replaceChildren(
    ...effects.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text || "nothing changes"))),
  );
}

/** Says that there is nothing to compare, and why; empty for no reason. */
export function showNoComparison(text) {
  byId("edit-compared").textContent = text;
  byId("edit-change-list").replaceChildren();
  byId("edit-rest").textContent = "";
}

/** Compares an edit with the template in force. It throws if it fails or `signal` gives it up. */
export async function showComparison(text, signal) {
  byId("edit-compared").textContent = "Comparing for every principal…";
  const { changes, left_out: leftOut, rest } = await post("/console/changes", { template: text }, signal);
  byId("edit-compared").textContent = changes.length ? "For every principal, compared with the template in force:" : "";
  byId("edit-change-list").replaceChildren(...changeLines(changes));
  byId("edit-rest").textContent = restText(leftOut, rest);
  announce(`Your edit: ${changes.length ? count(changes.length + leftOut, "change") : restText(0, rest)}`);
}
