/** The form that asks what the chosen client may do. */

import { Refused } from "./api.js";
import { byId } from "./dom.js";
import { explanation } from "./explanation.js";

export class Question {
  #client = null;
  #edit;

  /** `edit()` gives the text of the edit by which to answer; null for the template in force. */
  constructor(edit) {
    this.#edit = edit;
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    byId("ask-action").addEventListener("change", () => this.showExample());
  }

  /** Asks about this client from now on. */
  choose(client) {
    if (client !== this.#client) this.clear();
    this.#client = client;
    byId("ask-principal").textContent = client.principal;
  }

  /** Removes an answer that is not by the template any more. */
  clear() {
    byId("ask-answer").replaceChildren();
    byId("ask-error").textContent = "";
  }

  /** Shows an example resource for the client and the action. */
  showExample() {
    const { client_id: clientId, publish = [], subscribe = [] } = this.#client.policy?.suggestions ?? {};
    const id = clientId ?? this.#client.clientId;
    const examples = { connect: id, subscribe: subscribe[0]?.text, send: `${id} ${publish[0]?.text ?? "topic"}` };
    byId("ask-resource").placeholder = examples[byId("ask-action").value] ?? publish[0]?.text ?? "";
  }

  async #ask() {
    const resource = byId("ask-resource").value;
    this.clear();
    try {
      if (resource === "") throw new Refused("enter a topic, a topic filter or a client ID");
      const edit = this.#edit();
      const answer = await this.#client.explain(byId("ask-action").value, resource, edit);
      byId("ask-answer").replaceChildren(explanation({ ...answer, by: edit === null ? "" : "by your edit" }));
    } catch (problem) {
      byId("ask-error").textContent = problem.message;
    }
  }
}
