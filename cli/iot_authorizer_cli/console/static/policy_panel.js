/** The panel of the policy: the template, the compiled policy, and which line asks for which resource. */

import { Refused } from "./api.js";
import { byId, element } from "./dom.js";
import { explanation } from "./explanation.js";
import { keep, restored } from "./storage.js";
import { coloured } from "./toml.js";

const LONGEST = 2048; // characters of a document
const MOST = 10; // documents
const number = (value) => value.toLocaleString("en");

export class PolicyPanel {
  #clients;
  #chosen;
  #lit = new Set();

  constructor(clients) {
    this.#clients = clients;
    const letter = restored("policy", { client: "A" }).client;
    this.#chosen = clients.find((client) => client.letter === letter) ?? clients[0];
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    byId("ask-action").addEventListener("change", () => this.#showExample());
    this.#offer();
  }

  /** Shows a client's policy, if it is the chosen one. */
  show(client) {
    this.#offer();
    if (client === this.#chosen) this.#draw();
  }

  #offer() {
    byId("policy-who").replaceChildren(
      ...this.#clients.map((client) =>
        element(
          "button",
          { type: "button", class: "chip", "aria-pressed": String(client === this.#chosen), onclick: () => this.#choose(client) },
          client.principal || `Client ${client.letter}`,
        ),
      ),
    );
    byId("ask-principal").textContent = this.#chosen.principal;
  }

  #choose(client) {
    this.#chosen = client;
    keep("policy", { client: client.letter });
    byId("ask-answer").replaceChildren();
    this.#offer();
    this.#draw();
  }

  async #ask() {
    const error = byId("ask-error");
    const resource = byId("ask-resource").value;
    error.textContent = "";
    try {
      if (resource === "") throw new Refused("enter a topic, a topic filter or a client ID");
      const answer = await this.#chosen.explain(byId("ask-action").value, resource);
      byId("ask-answer").replaceChildren(explanation(answer));
    } catch (problem) {
      byId("ask-answer").replaceChildren();
      error.textContent = problem.message;
    }
  }

  /** Shows an example resource for the chosen client and action. */
  #showExample() {
    const { client_id: clientId, publish = [], subscribe = [] } = this.#chosen.policy?.suggestions ?? {};
    const id = clientId ?? this.#chosen.clientId;
    const examples = { connect: id, subscribe: subscribe[0]?.text, send: `${id} ${publish[0]?.text ?? "topic"}` };
    byId("ask-resource").placeholder = examples[byId("ask-action").value] ?? publish[0]?.text ?? "";
  }

  #draw() {
    const { policy, problem } = this.#chosen;
    this.#lit.clear();
    this.#showExample();
    if (policy === null) {
      byId("policy-size").textContent = problem ?? "";
      for (const id of ["statements", "template-lines", "documents-text"]) byId(id).replaceChildren();
      byId("documents").hidden = true;
      return;
    }
    this.#drawTemplate(policy);
    this.#drawStatements(policy);
  }

  #drawTemplate({ template, entries, is_source: isInForce, problem, problem_line: problemLine }) {
    const note = byId("template-note");
    note.hidden = isInForce;
    note.textContent = `This file is not in force${problem ? "" : " yet"}.`;
    const byLine = Map.groupBy(entries.filter((entry) => entry.line !== null), (entry) => entry.line);
    byId("template-lines").replaceChildren(
      ...template
        .replace(/\n$/, "")
        .split("\n")
        .map((text, index) => this.#line(text, index + 1, byLine.get(index + 1) ?? [], index + 1 === problemLine)),
    );
  }

  #line(text, number, entries, isProblem) {
    const applies = entries.some((entry) => entry.applies);
    const whyNot = [...new Set(entries.filter((entry) => !entry.applies).map((entry) => entry.why_not))];
    const state = entries.length === 0 ? "" : applies ? (entries[0].effect === "Deny" ? "denies" : "applies") : "silent";
    const body = element("span", { class: "source" }, ...coloured(text));
    const line = element("li", { class: [state, isProblem ? "problem" : ""].join(" ").trim() || null, value: number, "data-line": number }, body);
    if (whyNot.length) line.append(element("span", { class: "why-not" }, whyNot.join("; ")));
    if (applies) {
      line.append(element("span", { class: "hidden" }, entries[0].effect === "Deny" ? "denies" : "applies"));
      body.setAttribute("role", "button");
      body.setAttribute("tabindex", "0");
      body.setAttribute("aria-pressed", "false");
      const light = () => this.#light([number]);
      body.addEventListener("click", light);
      body.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        light();
      });
    }
    return line;
  }

  #drawStatements({ statements, documents, characters, may_connect: mayConnect, error }) {
    const size = byId("policy-size");
    const total = characters.reduce((sum, each) => sum + each, 0);
    size.classList.toggle("error", error !== null || mayConnect === false);
    size.textContent =
      error ??
      `${documents.length} of ${MOST} documents · ${number(total)} of ${number(MOST * LONGEST)} characters` +
        (mayConnect === false ? `; client_id_not_granted: no entry of connect allows ${this.#chosen.clientId}` : "");
    byId("statements").replaceChildren(...statements.map((statement) => this.#statement(statement)));
    byId("documents").hidden = documents.length === 0;
    byId("documents-text").textContent = JSON.stringify(documents, null, 2);
  }

  #statement({ effect, actions, resources, condition }) {
    const names = actions.map((action) => action.replace("iot:", "")).join(", ");
    return element(
      "section",
      { class: `statement ${effect.toLowerCase()}` },
      element("h4", {}, element("span", { class: "effect" }, effect), ` ${names}`),
      condition ? element("p", { class: "condition mono" }, `if ${JSON.stringify(condition)}`) : null,
      element(
        "ul",
        {},
        ...resources.map(({ text, lines }) =>
          element(
            "li",
            {},
            element(
              "button",
              {
                type: "button",
                class: "resource mono",
                "data-lines": lines.join(" "),
                disabled: lines.length === 0,
                "aria-pressed": "false",
                title: lines.length ? `line ${lines.join(", ")}` : null,
                onclick: () => this.#light(lines),
              },
              text,
            ),
          ),
        ),
      ),
    );
  }

  /** Highlights lines of the template and the resources that they ask for; the same lines again end it. */
  #light(lines) {
    const isSame = lines.length === this.#lit.size && lines.every((line) => this.#lit.has(line));
    this.#lit = new Set(isSame ? [] : lines);
    for (const line of byId("template-lines").children) {
      const isLit = this.#lit.has(Number(line.dataset.line));
      line.classList.toggle("lit", isLit);
      line.querySelector("[role=button]")?.setAttribute("aria-pressed", isLit);
    }
    for (const resource of byId("statements").querySelectorAll(".resource")) {
      const isLit = resource.dataset.lines.split(" ").some((line) => this.#lit.has(Number(line)));
      resource.classList.toggle("lit", isLit);
      resource.setAttribute("aria-pressed", isLit);
    }
  }
}
