/** Copies texts to the clipboard. */

import { announce, element } from "./dom.js";

const SHOWN = 2000; // ms

/** A button that copies what `text()` gives. Without a clipboard, as over HTTP from another machine, it shows the text. */
export function copyButton(label, text) {
  const copy = () => copied(button, label, text());
  const button = element("button", { type: "button", class: "link", onclick: copy }, label);
  return button;
}

/** Copies a text, and says so on the button. */
export async function copied(button, label, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    show(button, text);
    return;
  }
  button.textContent = "Copied";
  announce("Copied");
  setTimeout(() => (button.textContent = label), SHOWN);
}

/** Shows a text beside the button, selected for the user to copy. */
function show(button, text) {
  const shown = element("textarea", { class: "mono copy", readonly: true, rows: 3, "aria-label": "Copy this text" });
  shown.value = text;
  button.parentElement.querySelector(".copy")?.remove();
  button.after(shown);
  shown.focus();
  shown.select();
}
