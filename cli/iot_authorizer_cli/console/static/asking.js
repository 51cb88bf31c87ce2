/** Asks the server for a client's policy and for explanations. */

import { post, Refused } from "./api.js";

export class Asking {
  #signIn;
  #count = 0;

  /** The compiled policy. If it is null, `problem` says why. */
  policy = null;
  problem = null;

  constructor(signIn) {
    this.#signIn = signIn;
  }

  /** Asks for the policy of the form's principal, and suggests a client ID. Gives false if a later call overtook it. */
  async ask(maySuggest) {
    const number = ++this.#count;
    this.policy = this.problem = null;
    try {
      let found = await this.#compile();
      const before = this.#signIn.clientId;
      if (number === this.#count && maySuggest) this.#signIn.suggest(found.suggestions.client_id);
      if (number === this.#count && this.#signIn.clientId !== before) found = await this.#compile();
      if (number === this.#count) this.policy = found;
      if (number === this.#count) this.#signIn.showStored(found.stored_claims);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (number !== this.#count) return false;
      this.problem = error.message;
      if (error.field) this.#signIn.complain(error);
    }
    return number === this.#count;
  }

  /** Asks why the template, or an edit of it, allows or refuses an action. Raises Refused. */
  async explain(clientId, action, resource, edit = null) {
    const body = { ...this.#signIn.asked, client_id: clientId || null, action, resource, template: edit };
    return { action, resource, ...(await post("/console/explain", body)) };
  }

  /** Asks for the policy by an edit of the template, and what the edit changes. Raises Refused. */
  async tried(clientId, edit, signal) {
    return post("/console/policy", { ...this.#signIn.asked, client_id: clientId || null, template: edit }, signal);
  }

  async #compile() {
    return post("/console/policy", { ...this.#signIn.asked, client_id: this.#signIn.clientId || null });
  }
}
