/** Calls the console's endpoints. */

/** An error of the server: its message, and the field of the form that is wrong. */
export class Refused extends Error {
  constructor(message, field) {
    super(message);
    this.field = field ?? null;
  }
}

/** Gets JSON. Raises Refused. */
export async function get(path) {
  return answer(await reach(path));
}

/** Posts JSON and gives the JSON of the answer. Raises Refused, also if `signal` gives it up. */
export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return answer(await reach(path, { method: "POST", headers, body: JSON.stringify(body), signal }));
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Refused("iot-authorizer dev does not answer: check that it is still running");
  }
}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.message ?? `HTTP ${response.status}`, body.field);
  return body;
}
