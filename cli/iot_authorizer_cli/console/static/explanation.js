/** An answer to "may they?", with its reasons. */

import { element } from "./dom.js";
import { reasonLink, reasonOf } from "./reasons.js";
import { actionOf } from "./wording.js";

/**
 * A decision and why it fell so: `{allowed, action, resource, reason, detail, reasons}`, where `reason` is a code and
 * `reasons` are what `explain` says. Where there are such reasons, they say more than the code's own words.
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
    reason ? element("p", { class: "reason" }, reasonLink(reason), ...(reasons.length ? [] : words(reason, detail))) : null,
    reasons.length ? element("ul", {}, ...reasons.map((each) => element("li", {}, each))) : null,
  );
}

function words(code, detail) {
  const { cause, cure } = reasonOf(code);
  return [
    ` ${cause}`,
    detail ? element("span", {}, " (", element("code", {}, detail), ")") : "",
    cure ? element("span", { class: "cure" }, cure) : "",
  ];
}
