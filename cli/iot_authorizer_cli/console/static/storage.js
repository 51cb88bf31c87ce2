/** What survives a reload: what was typed, never a token. */

const KEY = "iot-authorizer";

const kept = read(localStorage);

/** What is kept under a name, over its defaults. */
export function restored(name, defaults) {
  return { ...defaults, ...kept[name] };
}

export function keep(name, values) {
  kept[name] = values;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage is full or forbidden: the page works all the same.
  }
}

/** A few characters that tell this tab's clients from another tab's: a client ID is one connection's alone. */
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
