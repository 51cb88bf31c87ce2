/** Puts the decisions first on a narrow screen, for the eye, the keyboard and a screen reader alike. */

import { byId } from "./dom.js";

/** Keeps the order as the width of the window changes. The same width is in `layout.css`. */
export function followWidth() {
  const narrow = matchMedia("(max-width: 1080px)");
  const order = () => (narrow.matches ? byId("clients").before(byId("decisions")) : byId("clients").after(byId("decisions")));
  narrow.onchange = order;
  order();
}
