/** Who a client is: principal, claims, client ID. */

import { post, Refused } from "./api.js";
import { element } from "./dom.js";
import { tabName } from "./storage.js";

/** How a client proves who it is, other than with a token minted here. */
const MEANS = {
  pasted: {
    secret: "Token",
    note: "The authorizer reads the token's own claims; those above are for the policy that is shown below.",
  },
  password: {
    secret: "Password",
    note: "The principal is the user name. Its claims are those of the password file; those above are for the policy that is shown below.",
  },
};

export class SignIn {
  #at;
  #letter;
  #presets = [];
  #onChange;

  /** `at` are the card's parts; `onChange` is told of every change, while one types. */
  constructor(at, letter, saved, onChange) {
    this.#at = at;
    this.#letter = letter;
    this.#onChange = onChange;
    at.principal.value = saved.principal;
    at.claims.value = saved.claims;
    at.clientId.value = saved.clientId;
    at.clientId.dataset.typed = saved.clientId && "yes";
    at.lives.value = saved.lives;
    at.version.value = saved.version;
    at.means.value = saved.means;
    at.clientId.addEventListener("input", () => {
      at.clientId.dataset.typed = "yes";
    });
    at.signInForm.addEventListener("input", () => this.#changed());
    at.means.addEventListener("change", () => this.#showMeans());
    this.#showMeans();
    this.#fit();
  }

  /** What is kept: all that was typed, but no token and no password. */
  get typed() {
    const { principal, claims, clientId, lives, version, means } = this.#at;
    return {
      principal: principal.value,
      claims: claims.value,
      clientId: clientId.dataset.typed ? clientId.value : "",
      lives: lives.value,
      version: version.value,
      means: means.value,
    };
  }

  /** The principal and its claims. Raises Refused for claims that are no JSON object. */
  get identity() {
    let claims;
    try {
      claims = JSON.parse(this.#at.claims.value || "{}");
    } catch (error) {
      throw new Refused(`no JSON: ${error.message}`, "claims");
    }
    if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
      throw new Refused('expected a JSON object, as in {"rooms": ["lobby"]}', "claims");
    }
    if (this.principal === "") throw new Refused("expected a name", "principal");
    return { principal: this.principal, claims };
  }

  /** The principal, its claims, and its client ID. Raises Refused where one can't be what it is. */
  get credentials() {
    if (this.clientId === "") throw new Refused("expected a client ID", "client_id");
    return { ...this.identity, clientId: this.clientId };
  }

  get principal() {
    return this.#at.principal.value;
  }

  get clientId() {
    return this.#at.clientId.value;
  }

  get version() {
    return Number(this.#at.version.value);
  }

  /** What proves who it is: a token, or a user name and a password. Raises Refused. */
  async proof() {
    const { means, lives, secret } = this.#at;
    if (means.value === "minted") {
      const { token } = await post("/console/token", { ...this.identity, expires_in: Number(lives.value) });
      return { token };
    }
    if (secret.value === "") throw new Refused(`expected a ${MEANS[means.value].secret.toLowerCase()}`, "secret");
    return means.value === "pasted" ? { token: secret.value.trim() } : { username: this.principal, password: secret.value };
  }

  /** Takes a client ID that is granted, unless the user types one; what a `*` stands for is this tab's own. */
  suggest(clientId) {
    const field = this.#at.clientId;
    if (field.dataset.typed || document.activeElement === field) return;
    const mine = `${this.#letter.toLowerCase()}-${tabName()}`;
    field.value = (clientId ?? `${this.principal}/*`).replace(/\*$/, mine);
  }

  /** Offers principals; the first time, and where nothing was typed before, takes the one at `index`. */
  offer(presets, index) {
    this.#presets = presets;
    this.#at.presets.replaceChildren(
      ...presets.map((preset) =>
        element("button", { type: "button", class: "chip", onclick: () => this.#take(preset) }, preset.label),
      ),
    );
    if (this.#at.principal.value === "" && presets.length) {
      this.#take(presets[Math.min(index, presets.length - 1)], this.#at.clientId.dataset.typed);
    }
    this.#mark();
  }

  /** Shows what is wrong beside the field that it is about; null clears all. */
  complain(error) {
    const { principal, claims, clientId, secret } = this.#at;
    const fields = { principal, claims, client_id: clientId, secret };
    const about = error && (error.field in fields ? error.field : "form");
    for (const each of this.#at.signInForm.querySelectorAll("[data-error]")) {
      const text = each.dataset.error === about ? error.message : "";
      if (each.textContent !== text) each.textContent = text;
    }
    for (const [name, field] of Object.entries(fields)) field.toggleAttribute("aria-invalid", name === about);
  }

  /** A client ID that was typed before the principals came is kept. */
  #take({ principal, claims }, typed = "") {
    this.#at.principal.value = principal;
    this.#at.claims.value = JSON.stringify(claims);
    this.#at.clientId.dataset.typed = typed;
    this.#changed(true);
  }

  #changed(isPreset = false) {
    this.#fit();
    this.#mark();
    this.#onChange(isPreset);
  }

  /** Marks the preset that the fields hold. */
  #mark() {
    const { principal, claims } = this.#at;
    [...this.#at.presets.children].forEach((chip, index) => {
      const preset = this.#presets[index];
      const isIt = preset.principal === principal.value && JSON.stringify(preset.claims) === claims.value;
      chip.setAttribute("aria-pressed", isIt);
    });
  }

  #showMeans() {
    const { means, meansNote, livesLabel, secretLabel, secretName, secret } = this.#at;
    const chosen = MEANS[means.value];
    livesLabel.hidden = chosen !== undefined;
    secretLabel.hidden = meansNote.hidden = chosen === undefined;
    secretName.textContent = chosen?.secret ?? "";
    meansNote.textContent = chosen?.note ?? "";
    secret.value = "";
  }

  /** As many rows as the claims have lines. */
  #fit() {
    const { claims } = this.#at;
    claims.rows = Math.min(10, Math.max(2, claims.value.split("\n").length));
  }
}
