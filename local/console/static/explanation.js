/** An answer to "may they?", with its reasons. */

import { element } from "./dom.js";
import { reasonLink, reasonOf } from "./reasons.js";
import { actionOf } from "./wording.js";

/**
 * A decision and why it fell so: `{allowed, action, resource, reason, detail, reasons}`, where `reason` is a code
 * and `reasons` are what `explain` says.
 */
export function explanation({ allowed, action, resource, reason, detail, reasons = [] }) {
  return element(
    "div",
    { class: `explanation ${allowed ? "allowed" : "refused"}` },
    element(
      "p",
      { class: "verdict" },
      element("b", {}, allowed ? "Allowed" : "Refused"),
      ` ${actionOf(action)} `,
      element("code", {}, resource),
    ),
    reason ? codeLine(reason, detail) : null,
    reasons.length ? element("ul", {}, ...reasons.map((each) => element("li", {}, each))) : null,
  );
}

function codeLine(code, detail) {
  const { cause, cure } = reasonOf(code);
  return element(
    "p",
    { class: "reason" },
    reasonLink(code),
    ` ${cause}`,
    detail ? element("span", {}, " (", element("code", {}, detail), ")") : null,
    cure ? element("span", { class: "cure" }, cure) : null,
  );
}
