/** The panel of the policy: the template or an edit of it, the compiled policy, and which line asks for which resource. */

import { byId, element } from "./dom.js";
import { showComparison, showEffects, showNoComparison } from "./edit_changes.js";
import { remember } from "./entry_links.js";
import { Question } from "./question.js";
import { showStatements } from "./statements.js";
import { keep, restored } from "./storage.js";
import { TemplateEditor } from "./template_editor.js";
import { TemplateLines } from "./template_lines.js";

const PAUSE = 300; // ms from the last key to the request about an edit
const UNKNOWN = { entries: [], problem: null, problem_line: null }; // for a client whose form is invalid

export class PolicyPanel {
  #clients;
  #chosen;
  #lit = new Set();
  #lines = new TemplateLines(byId("template-lines"), (number) => this.#light([number]));
  #editor = new TemplateEditor(() => this.#edited());
  #question = new Question(() => (this.#editor.isOpen ? this.#editor.text : null));
  #trial = null;
  #timer;

  constructor(clients) {
    this.#clients = clients;
    const letter = restored("policy", { client: "A" }).client;
    this.#chosen = clients.find((client) => client.letter === letter) ?? clients[0];
    this.#offer();
  }

  /** Shows a client's policy, if it is the chosen one. An edit is tried again, for both. */
  show(client) {
    this.#offer();
    if (client === this.#chosen) this.#draw();
    else if (this.#editor.isOpen) this.#tryLater();
  }

  #offer() {
    byId("policy-who").replaceChildren(
      ...this.#clients.map((client) =>
        element(
          "button",
          { type: "button", class: "chip", "aria-pressed": String(client === this.#chosen), onclick: () => this.#choose(client) },
          nameOf(client),
        ),
      ),
    );
    this.#question.choose(this.#chosen);
  }

  #choose(client) {
    this.#chosen = client;
    keep("policy", { client: client.letter });
    this.#offer();
    this.#draw();
  }

  #draw() {
    const { policy, problem } = this.#chosen;
    this.#question.showExample();
    if (policy) this.#editor.file(policy.template);
    if (this.#editor.isOpen) return this.#tryLater();
    this.#lit.clear();
    byId("compiled-title").textContent = "What IoT Core enforces";
    byId("edit-changes").hidden = true;
    if (policy === null) {
      this.#lines.clear();
      return this.#showNothing(problem ?? "");
    }
    const note = byId("template-note");
    note.hidden = policy.is_source;
    const unplaced = policy.problem && policy.problem_line === null ? `: ${policy.problem}` : ".";
    note.textContent = policy.problem ? `This file is not in force${unplaced}` : "This file is not in force yet.";
    this.#lines.draw(policy);
    this.#showPolicy(policy);
  }

  #edited() {
    this.#question.clear();
    if (this.#editor.isOpen) return this.#tryLater();
    clearTimeout(this.#timer);
    this.#trial?.abort();
    this.#trial = null;
    this.#draw();
  }

  #tryLater() {
    clearTimeout(this.#timer);
    this.#trial?.abort();
    this.#timer = setTimeout(() => this.#try(), PAUSE);
  }

  /** Asks the server about the edit. A later edit gives up the questions about an earlier one. */
  async #try() {
    const { text } = this.#editor;
    const trial = (this.#trial = new AbortController());
    const tried = await Promise.all(this.#clients.map((client) => client.tried(text, trial.signal)));
    if (trial !== this.#trial || trial.signal.aborted) return;
    this.#showTrial(tried);
    const isValid = tried.every(({ policy }) => !policy?.problem) && tried.some(({ policy }) => policy);
    if (!isValid || this.#editor.isSame) return showNoComparison("");
    try {
      await showComparison(text, trial.signal);
    } catch (error) {
      if (!trial.signal.aborted) showNoComparison(error.message);
    }
  }

  #showTrial(tried) {
    const { policy, problem } = tried[this.#clients.indexOf(this.#chosen)];
    const invalid = tried.find((each) => each.policy?.problem)?.policy;
    this.#lit.clear();
    byId("compiled-title").textContent = "What IoT Core would enforce";
    this.#editor.draw(policy ?? invalid ?? UNKNOWN, nameOf(this.#chosen));
    byId("edit-changes").hidden = invalid !== undefined;
    if (invalid) return this.#showNothing("The edit cannot be loaded.");
    showEffects(tried.map((each, index) => [nameOf(this.#clients[index]), each.problem ?? each.policy.effect]));
    if (policy) this.#showPolicy(policy);
    else this.#showNothing(problem);
  }

  #showPolicy(policy) {
    remember(policy.entries, (line) => this.#showLine(line));
    showStatements(policy, this.#chosen.clientId, (lines) => this.#light(lines));
  }

  #showNothing(why) {
    byId("policy-size").textContent = why;
    byId("policy-size").classList.toggle("error", why !== "");
    for (const id of ["statements", "documents-text"]) byId(id).replaceChildren();
    byId("documents").hidden = true;
  }

  #showLine(number) {
    if (!this.#lit.has(number) || this.#lit.size > 1) this.#light([number]);
    (this.#editor.isOpen ? this.#editor : this.#lines).show(number);
  }

  /** Highlights lines of the template and the resources that they ask for; the same lines again end it. */
  #light(lines) {
    const isSame = lines.length === this.#lit.size && lines.every((line) => this.#lit.has(line));
    this.#lit = new Set(isSame ? [] : lines);
    (this.#editor.isOpen ? this.#editor : this.#lines).light(this.#lit);
    for (const resource of byId("statements").querySelectorAll(".resource")) {
      const isLit = resource.dataset.lines.split(" ").some((line) => this.#lit.has(Number(line)));
      resource.classList.toggle("lit", isLit);
      resource.setAttribute("aria-pressed", isLit);
    }
  }
}

const nameOf = (client) => client.principal || `Client ${client.letter}`;
