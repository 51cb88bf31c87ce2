/** Highlights the syntax of TOML. */

import { element } from "./dom.js";

const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|(^\s*\[\[?[^\]]*\]\]?)|(^\s*[\w.-]+(?=\s*=))/g;
const KINDS = ["comment", "text", "table", "key"];

/** The nodes of a line, with colours. */
export function coloured(line) {
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    if (match.index > end) pieces.push(line.slice(end, match.index));
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)];
    pieces.push(element("span", { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(line.slice(end));
  return pieces;
}
