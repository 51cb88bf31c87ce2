/** The console's endpoints. */

/** An answer that says what is wrong, and with which field. */
export class Refused extends Error {
  constructor(message, field) {
    super(message);
    this.field = field ?? null;
  }
}

export async function getState() {
  return answer(await reach("/console/state"));
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(await reach(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Refused("iot-authorizer dev does not answer: is it still running?");
  }
}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.message ?? `HTTP ${response.status}`, body.field);
  return body;
}
