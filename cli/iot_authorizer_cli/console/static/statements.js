/** The compiled policy of a client: its size, its statements and its documents. */

import { byId, element } from "./dom.js";

const LONGEST = 2048; // characters of a document
const MOST = 10; // documents
const number = (value) => value.toLocaleString("en");

/** Shows a policy. `onChoose(lines)` is called with the lines that ask for a resource, when the user chooses it. */
export function showStatements({ statements, documents, characters, may_connect: mayConnect, error }, clientId, onChoose) {
  const size = byId("policy-size");
  const total = characters.reduce((sum, each) => sum + each, 0);
  size.classList.toggle("error", error !== null || mayConnect === false);
  size.textContent =
    error ??
    `${documents.length} of ${MOST} documents · ${number(total)} of ${number(MOST * LONGEST)} characters` +
      (mayConnect === false ? `; client_id_not_granted: no entry of connect allows ${clientId}` : "");
  byId("statements").replaceChildren(...statements.map((statement) => section(statement, onChoose)));
  byId("documents").hidden = documents.length === 0;
  byId("documents-text").textContent = JSON.stringify(documents, null, 2);
}

function section({ effect, actions, resources, condition }, onChoose) {
  const names = actions.map((action) => action.replace("iot:", "")).join(", ");
  return element(
    "section",
    { class: `statement ${effect.toLowerCase()}` },
    element("h4", {}, element("span", { class: "effect" }, effect), ` ${names}`),
    condition ? element("p", { class: "condition mono" }, `if ${JSON.stringify(condition)}`) : null,
    element("ul", {}, ...resources.map((each) => element("li", {}, resource(each, onChoose)))),
  );
}

function resource({ text, lines }, onChoose) {
  return element(
    "button",
    {
      type: "button",
      class: "resource mono",
      "data-lines": lines.join(" "),
      disabled: lines.length === 0,
      "aria-pressed": "false",
      title: lines.length ? `line ${lines.join(", ")}` : null,
      onclick: () => onChoose(lines),
    },
    text,
  );
}
