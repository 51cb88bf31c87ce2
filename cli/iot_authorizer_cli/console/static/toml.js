/** Highlights the syntax of TOML. */

import { element } from "./dom.js";

const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|(^\s*\[\[?[^\]]*\]\]?)|(^\s*[\w.-]+(?=\s*=))/g;
const KINDS = ["comment", "text", "table", "key"];
const LONGEST = 2000; // characters of a line: quotes without an end take time that grows with the square
/** Characters that no reader sees. Some of them change the order in which the others are shown. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** The nodes of a line, with colours. */
export function coloured(line) {
  if (line.length > LONGEST) return marked(line);
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    if (match.index > end) pieces.push(...marked(line.slice(end, match.index)));
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)];
    pieces.push(element("span", { class: kind }, ...marked(match[0])));
    end = match.index + match[0].length;
  }
  return [...pieces, ...marked(line.slice(end))];
}

/** Names the characters of a line that no reader sees; empty if there are none. */
export function unseen(line) {
  const found = new Set([...line.matchAll(UNSEEN)].map(([each]) => `U+${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`));
  return found.size ? `has characters that are not visible: ${[...found].join(", ")}` : "";
}

/** A text with its invisible characters marked, each in an element of its own, so that it reorders nothing. */
function marked(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(UNSEEN)) {
    pieces.push(text.slice(end, match.index), element("span", { class: "unseen" }, match[0]));
    end = match.index + 1;
  }
  return [...pieces, text.slice(end)];
}
