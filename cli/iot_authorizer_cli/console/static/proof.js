/** Whether the template in force is proved: the server proves it after each reload, and answers when it is done. */

import { get } from "./api.js";
import { byId, element } from "./dom.js";

let latest = 0;

/** Shows the proof of the template; nothing without a template, because then the grants come from code. */
export async function showProof(templatePath) {
  const asked = ++latest;
  byId("proof").hidden = !templatePath;
  if (!templatePath) return;
  show({ verdict: "", text: "Proving the template in force…", lines: [] });
  const found = await get("/console/proof").catch((error) => ({ verdict: "", text: error.message, lines: [] }));
  if (asked === latest) show(found); // Else a newer template is being proved.
}

function show({ verdict, text, lines }) {
  const shown = byId("proof");
  shown.dataset.verdict = verdict;
  const list = lines.length ? element("ul", {}, ...lines.map((line) => element("li", {}, line))) : null;
  shown.replaceChildren(...[element("p", {}, text), list].filter((each) => each !== null));
}
