/** The dialog with what IoT Core stores: retained messages, and sessions without a connection with queued messages. */

import { get } from "./api.js";
import { byId, clock, count, element, levels } from "./dom.js";
import { disconnectedBecause } from "./wording.js";

const AGAIN_AFTER = 500; // ms, so that a burst of records is one request

const dialog = byId("stored");
let timer = null;

/** Opens the dialog when its button is pressed. */
export function offerStored() {
  byId("stored-open").addEventListener("click", () => {
    dialog.showModal();
    show();
  });
}

/** Shows what is stored now, soon after something happened. */
export function refreshStored() {
  if (dialog.open) timer ??= setTimeout(show, AGAIN_AFTER);
}

async function show() {
  timer = null;
  const found = await get("/console/stored").catch((error) => ({ problem: error.message }));
  byId("stored-problem").textContent = found.problem ?? "";
  if (found.problem === undefined) draw(found);
}

function draw({ retained, retained_total: retainedTotal, sessions, sessions_total: sessionsTotal }) {
  byId("retained-count").textContent = shown(retainedTotal, retained.length);
  byId("retained").replaceChildren(...retained.map((message) => row(message, `published ${moment(message.published)}`)));
  byId("session-count").textContent = shown(sessionsTotal, sessions.length);
  byId("sessions").replaceChildren(...sessions.map(session));
}

const shown = (total, listed) => (total === listed ? `${total}` : `${total.toLocaleString("en")}, the first ${listed}`);
const moment = (time) => `${new Date(time).toLocaleDateString()} ${clock(time)}`;

function row({ topic, payload, size, qos }, detail) {
  return element(
    "li",
    {},
    element("code", {}, ...levels(topic)),
    element("span", { class: "note" }, ` QoS ${qos}, ${count(size, "byte")}${detail && `, ${detail}`}`),
    element("p", { class: "mono" }, payload),
  );
}

function session({ client_id: clientId, topic_filters: filters, queued, queued_total: total, ...times }) {
  return element(
    "li",
    {},
    element("code", {}, ...levels(clientId)),
    element("span", { class: "note" }, ` ${count(total, "queued message")}, the session ends ${moment(times.ends)}`),
    element("p", { class: "note" }, `disconnected ${moment(times.disconnected)}: ${disconnectedBecause(times.disconnect_reason)}`),
    element("p", { class: "note" }, filters.length ? `subscribed to ${filters.join(", ")}` : "no subscription"),
    queued.length > 0 && element("ul", {}, ...queued.map((message) => row(message, ""))),
  );
}
