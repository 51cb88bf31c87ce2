/** The fields of a client's subscription and message. */

import { element } from "./dom.js";

export class Topics {
  #at;

  constructor(at, letter, saved, onChange) {
    this.#at = at;
    this.#restore(at.filter, saved.filter);
    this.#restore(at.topic, saved.topic);
    at.payload.value = saved.payload ?? "hello";
    at.subscribeQos.value = saved.subscribeQos ?? "1";
    at.publishQos.value = saved.publishQos ?? "1";
    at.retain.checked = saved.retain ?? false;
    for (const [field, list] of [
      [at.filter, at.filters],
      [at.topic, at.topics],
    ]) {
      list.id = `${list.dataset.part}-${letter}`;
      field.setAttribute("list", list.id);
    }
    for (const form of [at.subscribeForm, at.publishForm]) {
      form.addEventListener("input", (event) => {
        if (event.target.dataset.typed !== undefined) event.target.dataset.typed = event.target.value && "yes";
        onChange();
      });
    }
  }

  get filter() {
    return this.#at.filter.value;
  }

  get topic() {
    return this.#at.topic.value;
  }

  get subscribeQos() {
    return Number(this.#at.subscribeQos.value);
  }

  get message() {
    const { topic, payload, publishQos, retain } = this.#at;
    return { topic: topic.value, payload: payload.value, qos: Number(publishQos.value), retain: retain.checked };
  }

  /** The values to keep over a reload. */
  get typed() {
    const { filter, topic, payload, subscribeQos, publishQos, retain } = this.#at;
    return {
      filter: filter.dataset.typed ? filter.value : "",
      topic: topic.dataset.typed ? topic.value : "",
      payload: payload.value,
      subscribeQos: subscribeQos.value,
      publishQos: publishQos.value,
      retain: retain.checked,
    };
  }

  /** Puts a topic into its field. */
  take(topic) {
    this.#at.topic.value = topic;
    this.#at.topic.focus();
  }

  /** Forgets that the user typed the topics: they were for another principal. */
  forget() {
    this.#at.filter.dataset.typed = this.#at.topic.dataset.typed = "";
  }

  /** Offers topics, and fills in the first ones unless the user typed some. */
  suggest({ publish, subscribe }) {
    for (const [field, list, offers] of [
      [this.#at.filter, this.#at.filters, subscribe],
      [this.#at.topic, this.#at.topics, publish],
    ]) {
      list.replaceChildren(
        ...offers.map(({ text, allowed }) => element("option", { value: text }, allowed ? "" : "not allowed")),
      );
      if (!field.dataset.typed) field.value = offers[0]?.text ?? "";
    }
  }

  #restore(field, value) {
    field.value = value ?? "";
    field.dataset.typed = value ? "yes" : "";
  }
}
