/** A decision with its reasons, as an element. */

import { copyButton } from "./copying.js";
import { element } from "./dom.js";
import { lineLink } from "./entry_links.js";
import { formatted, reasonLink, reasonOf } from "./reasons.js";
import { actionOf, isByPolicy, verdictOf } from "./wording.js";

/**
 * Shows a decision: `{allowed, action, resource, reason, detail, reasons, command, by}`. `reason` is a reason code, and
 * `reasons` are those of `explain`, which say more than the cause of the code. `command` gives the same answer in a
 * terminal.
 */
export function explanation({ allowed, action, resource, reason, detail, reasons = [], command, by }) {
  return element(
    "div",
    { class: `explanation ${allowed ? "allowed" : "refused"}` },
    element(
      "p",
      { class: "verdict" },
      element("b", {}, capitalized(verdictOf({ allowed, reason }))),
      ` ${actionOf(action)} `,
      element("code", {}, resource),
      by ? ` ${by}` : null,
    ),
    reason ? element("p", { class: "reason" }, reasonLink(reason), ...(reasons.length && isByPolicy({ reason }) ? [] : words(reason, detail))) : null,
    reasons.length ? element("ul", {}, ...reasons.map((each) => element("li", {}, each, " ", lineLink(each)))) : null,
    command ? element("p", {}, copyButton("Copy as a command", () => command)) : null,
  );
}

const capitalized = (word) => word[0].toUpperCase() + word.slice(1);

function words(code, detail) {
  const { cause, cure } = reasonOf(code);
  return [
    " ",
    ...formatted(cause),
    detail ? element("span", {}, " (", element("code", {}, detail), ")") : "",
    cure ? element("span", { class: "cure" }, ...formatted(cure)) : "",
  ];
}
