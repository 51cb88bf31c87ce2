/** Keeps what the user typed over a reload of the page, never a token. */

const KEY = "iot-authorizer";
const EDIT = `${KEY}-edit`;

const kept = read(localStorage, KEY);

/** The values kept under a name, with defaults for the missing ones. */
export function restored(name, defaults) {
  return { ...defaults, ...kept[name] };
}

export function keep(name, values) {
  kept[name] = values;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage is full or disabled. The page works without it.
  }
}

/** A few characters that make the client IDs of this tab unique: a client ID can have only one connection. */
export function tabName() {
  let name = sessionStorage.getItem(KEY);
  if (name === null) {
    name = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => (byte % 36).toString(36)).join("");
    sessionStorage.setItem(KEY, name);
  }
  return name;
}

/** The edit of a file in this tab that a reload interrupted: `{path, text, base}`; null if there is none. */
export function draft(path) {
  const found = read(sessionStorage, EDIT);
  return found.path === path ? found : null;
}

/** Keeps the edit of this tab over a reload; null forgets it. */
export function keepDraft(edit) {
  try {
    if (edit === null) sessionStorage.removeItem(EDIT);
    else sessionStorage.setItem(EDIT, JSON.stringify(edit));
  } catch {
    // As above.
  }
}

function read(storage, key) {
  try {
    const found = JSON.parse(storage.getItem(key));
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}
