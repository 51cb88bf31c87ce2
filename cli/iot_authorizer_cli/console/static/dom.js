/** Makes and finds elements. Text from outside is inserted as text, never as markup. */

/** Makes an element. Null and false attributes are left out; attributes such as `onclick` are listeners. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The elements below a root that have a `data-part`, by its value. */
export function parts(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
}

export const byId = (id) => document.getElementById(id);

/** Tells a screen reader something. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** A topic or a client ID as text that breaks at its slashes. */
export function levels(text) {
  return text.split(/(?<=\/)/).flatMap((level, index) => (index ? [element("wbr"), level] : [level]));
}

/** A time of day, from milliseconds since 1970. */
export function clock(time) {
  return new Date(time).toLocaleTimeString(undefined, { hourCycle: "h23" });
}

/** "1 document", "2 documents". */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
