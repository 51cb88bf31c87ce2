/** Keeps what the user typed over a reload of the page, never a token. */

const KEY = "iot-authorizer";

const kept = read(localStorage);

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

function read(storage) {
  try {
    const found = JSON.parse(storage.getItem(KEY));
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}
