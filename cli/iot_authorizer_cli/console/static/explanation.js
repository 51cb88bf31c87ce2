/** A decision with its reasons, as an element. */

import { element } from "./dom.js";
import { formatted, reasonLink, reasonOf } from "./reasons.js";
import { actionOf, isByPolicy, verdictOf } from "./wording.js";

/**
 * Shows a decision: `{allowed, action, resource, reason, detail, reasons}`. `reason` is a reason code and `reasons` are
 * those of `explain`, which say more than the cause of the code.
 */
export function explanation({ allowed, action, resource, reason, detail, reasons = [] }) {
  return element(
    "div",
    { class: `explanation ${allowed ? "allowed" : "refused"}` },
    element(
      "p",
      { class: "verdict" },
      element("b", {}, capitalized(verdictOf({ allowed, reason }))),
      ` ${actionOf(action)} `,
      element("code", {}, resource),
    ),
    reason ? element("p", { class: "reason" }, reasonLink(reason), ...(reasons.length && isByPolicy({ reason }) ? [] : words(reason, detail))) : null,
    reasons.length ? element("ul", {}, ...reasons.map((each) => element("li", {}, each))) : null,
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
