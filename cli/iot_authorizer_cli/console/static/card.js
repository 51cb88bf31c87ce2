/** The look of a client's panel in each state. */

import { levels, parts } from "./dom.js";

export class Card {
  constructor(letter) {
    const content = document.getElementById("client-template").content.cloneNode(true);
    this.root = content.firstElementChild;
    this.at = parts(content);
    this.letter = letter;
    this.root.setAttribute("aria-label", `Client ${letter}`);
    this.at.letter.textContent = letter;
    this.#isConnected = false;
    this.at.signIn.addEventListener("toggle", () => this.#showToggle());
  }

  #isConnected;
  #hadFocus = false;

  /** Whether the client is connecting or connected. */
  get isBusy() {
    return this.at.identity.disabled;
  }

  get stateText() {
    return this.at.state.textContent;
  }

  title(principal) {
    this.at.title.textContent = principal || `Client ${this.letter}`;
  }

  connecting() {
    this.#hadFocus = this.#hasFocus;
    this.at.identity.disabled = true;
    this.state("connecting", "connecting…");
  }

  connected(name) {
    const { subscribeFields, publishFields, summary, signIn, toggle } = this.at;
    this.#isConnected = true;
    subscribeFields.disabled = publishFields.disabled = false;
    summary.replaceChildren("Signed in as ", ...levels(name));
    signIn.open = false;
    this.#showToggle();
    this.#hadFocus = false;
    toggle.focus({ preventScroll: true });
    this.state("connected", "connected");
  }

  closed() {
    const { subscribeFields, publishFields, summary, identity } = this.at;
    const hadFocus = this.#hadFocus || this.#hasFocus;
    this.#isConnected = identity.disabled = false;
    subscribeFields.disabled = publishFields.disabled = true;
    summary.textContent = "Sign in";
    this.#hadFocus = false;
    this.#showToggle();
    if (hadFocus) this.focus();
  }

  /** Moves the focus to the button that connects: what had it was disabled or removed. */
  focus() {
    const { toggle, connect } = this.at;
    (toggle.hidden ? connect : toggle).focus({ preventScroll: true });
  }

  get #hasFocus() {
    return this.root.contains(document.activeElement);
  }

  state(name, text) {
    this.at.state.dataset.state = name;
    this.at.state.textContent = text;
  }

  /** Shows the button in the head: it disconnects, or connects again if the form is folded. */
  #showToggle() {
    this.at.toggle.textContent = this.#isConnected ? "Disconnect" : "Connect";
    this.at.toggle.hidden = !this.#isConnected && this.at.signIn.open;
  }
}
