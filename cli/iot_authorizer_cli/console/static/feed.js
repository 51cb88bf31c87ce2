/** Receives the feed of decisions from the server. */

const REMEMBERED = 2000;
const AGAIN_AFTER = 2000; // ms

/** Gives each record to every listener once, although the server sends the recent records again after a lost connection. */
export class Feed {
  #listeners = [];
  #seen = new Set();
  #isLive = false;

  /** `onState` is called with `live` or `lost`. */
  constructor(onState) {
    this.#onState = onState;
    this.#open();
  }

  #onState;

  /** `listener(record, isLive)`: records from before the page was opened are not live. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  #open() {
    const source = new EventSource("/console/feed");
    source.addEventListener("live", () => {
      this.#isLive = true;
      this.#onState("live");
    });
    source.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.#onState("lost");
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#open(), AGAIN_AFTER);
    });
  }

  #take(record) {
    const name = `${record.id}@${record.time}`;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value);
    for (const listener of this.#listeners) listener(record, this.#isLive);
  }
}
