/** The sign-in form of a client: principal, claims, client ID and credentials. */

import { post, Refused } from "./api.js";
import { element } from "./dom.js";
import { tabName } from "./storage.js";

/** Ways to sign in other than with a token of the development issuer. */
const MEANS = {
  pasted: {
    secret: "Token",
    note: "The authorizer reads the claims of the token. The claims above are used only for the policy below.",
  },
  password: {
    secret: "Password",
    note: "The principal is the user name. Its claims come from the password file or the table.",
  },
  anonymous: {
    note: "The client sends no credentials. Its principal and claims are those of [anonymous] in the configuration.",
  },
};

export class SignIn {
  #at;
  #letter;
  #presets = [];
  #anonymous = null;
  #onChange;

  /** `at` are the parts of the panel; `onChange` is called on every change, also while the user types. */
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
    at.principal.addEventListener("input", () => {
      at.clientId.dataset.typed = ""; // A client ID belongs to its principal.
    });
    at.signInForm.addEventListener("input", () => this.#changed());
    at.means.addEventListener("change", () => this.#choose(at.means.value));
    this.#showMeans();
    this.#fit();
  }

  /** The values to keep over a reload: no token and no password. */
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

  /** The principal and its claims. Raises Refused if the claims are not a JSON object. */
  get identity() {
    let claims;
    try {
      claims = JSON.parse(this.#at.claims.value || "{}");
    } catch (error) {
      throw new Refused(`not valid JSON: ${error.message}`, "claims");
    }
    if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
      throw new Refused('expected a JSON object, as in {"rooms": ["lobby"]}', "claims");
    }
    if (this.principal === "") throw new Refused("enter a principal", "principal");
    return { principal: this.principal, claims };
  }

  /** Whose policy to show. `means` says whose claims count: those of the form, of the stored user, or of `[anonymous]`. */
  get asked() {
    return { ...this.identity, means: this.#at.means.value };
  }

  /** The principal, its claims and its client ID. Raises Refused if one is invalid. */
  get credentials() {
    if (this.clientId === "") throw new Refused("enter a client ID", "client_id");
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

  /** The credentials: a token, with its signature if signing is enabled, a user name and a password, or none. Raises Refused. */
  async proof() {
    const { means, lives, secret } = this.#at;
    if (means.value === "minted") {
      return post("/console/token", { ...this.identity, expires_in: Number(lives.value) });
    }
    if (means.value === "anonymous") return {};
    if (secret.value === "") throw new Refused(`enter a ${MEANS[means.value].secret.toLowerCase()}`, "secret");
    return means.value === "pasted" ? { token: secret.value.trim() } : { username: this.principal, password: secret.value };
  }

  /** Fills in a granted client ID unless the user typed one; a `*` becomes a text of this tab. */
  suggest(clientId) {
    const field = this.#at.clientId;
    if (field.dataset.typed || document.activeElement === field) return;
    const mine = `${this.#letter.toLowerCase()}-${tabName()}`;
    field.value = (clientId ?? `${this.principal}/*`).replace(/\*$/, mine);
  }

  /** Offers principals, and to send no credentials if that is configured. If the form is empty, fills in the one at `index`. */
  offer({ presets, anonymous, starts_anonymous: startsAnonymous }, index) {
    const { means, principal } = this.#at;
    this.#presets = presets;
    this.#anonymous = anonymous;
    means.querySelector("[value=anonymous]").hidden = anonymous === null;
    if (anonymous === null && means.value === "anonymous") this.#choose("minted");
    else if (startsAnonymous && principal.value === "") this.#choose("anonymous");
    else this.#showAnonymous();
    this.#at.presets.replaceChildren(
      ...presets.map((preset) =>
        element("button", { type: "button", class: "chip", onclick: () => this.#take(preset) }, preset.label),
      ),
    );
    if (principal.value === "" && presets.length) {
      this.#take(presets[Math.min(index, presets.length - 1)], this.#at.clientId.dataset.typed);
    }
    this.#mark();
  }

  /** Shows the claims that are stored for the user, which are null for an unknown user. */
  showStored(claims) {
    if (this.#at.means.value !== "password") return;
    const found = claims ? `Stored claims: ${JSON.stringify(claims)}` : "No claims are stored for this user on this machine: the policy below is for those in the field";
    this.#at.meansNote.textContent = `${MEANS.password.note} ${found}.`;
  }

  /** Moves the focus to the field of an error. */
  focus(field) {
    this.#fields[field]?.focus();
  }

  get #fields() {
    const { principal, claims, clientId, secret } = this.#at;
    return { principal, claims, client_id: clientId, secret };
  }

  /** Shows an error beside its field; null clears all errors. */
  complain(error) {
    const fields = this.#fields;
    const about = error && (error.field in fields ? error.field : "form");
    for (const each of this.#at.signInForm.querySelectorAll("[data-error]")) {
      const text = each.dataset.error === about ? error.message : "";
      if (each.textContent !== text) each.textContent = text;
    }
    for (const [name, field] of Object.entries(fields)) field.toggleAttribute("aria-invalid", name === about);
  }

  /** Fills in a principal, which has credentials. A client ID that the user typed before is kept. */
  #take({ principal, claims }, typed = "") {
    if (this.#at.means.value === "anonymous") this.#choose("minted");
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

  /** Marks the preset that is in the fields. */
  #mark() {
    const { principal, claims } = this.#at;
    [...this.#at.presets.children].forEach((chip, index) => {
      const preset = this.#presets[index];
      const isIt = preset.principal === principal.value && JSON.stringify(preset.claims) === claims.value;
      chip.setAttribute("aria-pressed", isIt);
    });
  }

  #choose(means) {
    this.#at.means.value = means;
    this.#showMeans();
    if (means !== "anonymous") return;
    this.#at.clientId.dataset.typed = ""; // A client ID belongs to its principal.
    this.#changed(true);
  }

  #showMeans() {
    const { means, meansNote, livesLabel, secretLabel, secretName, secret } = this.#at;
    const chosen = MEANS[means.value];
    livesLabel.hidden = chosen !== undefined;
    meansNote.hidden = chosen === undefined;
    secretLabel.hidden = chosen?.secret === undefined;
    secretName.textContent = chosen?.secret ?? "";
    meansNote.textContent = chosen?.note ?? "";
    secret.value = "";
    this.#showAnonymous();
  }

  /** Without credentials, the principal and its claims are the configured ones, and cannot be changed. */
  #showAnonymous() {
    const { means, principal, claims } = this.#at;
    const isAnonymous = means.value === "anonymous";
    principal.readOnly = claims.readOnly = isAnonymous;
    if (!isAnonymous || this.#anonymous === null) return;
    principal.value = this.#anonymous.principal;
    claims.value = JSON.stringify(this.#anonymous.claims);
  }

  /** Gives the claims as many rows as they have lines. */
  #fit() {
    const { claims } = this.#at;
    claims.rows = Math.min(10, Math.max(2, claims.value.split("\n").length));
  }
}
