/** An edit of the template that is only on this page: its text, the state of each line, and how to keep it. */

import { announce, byId, count, element } from "./dom.js";
import { copied } from "./copying.js";
import { draft, keepDraft } from "./storage.js";
import { byLine, stateOf } from "./template_lines.js";
import { coloured } from "./toml.js";

const BESIDE = "The file was saved since you began this edit: the edit may lack what changed there.";
const MOST = { character: 65_536, line: 5000 }; // edits.py has the same characters; each line takes time to draw
const ROLES = { applies: "", denies: ", as a deny" };
const SAME = "This edit is the same as the file.";

export class TemplateEditor {
  #field = byId("edit-text");
  #list = byId("edit-lines");
  #error = byId("edit-error");
  #drawn = [];
  #items = [];
  #entries = new Map();
  #problem = null;
  #problemLine = null;
  #saved = null;
  #base = "";
  #discarded = null;
  #onChange;
  #chosen = "";

  /** `onChange()` is called when an edit begins, changes or ends. */
  constructor(onChange) {
    this.#onChange = onChange;
    byId("edit-open").addEventListener("click", () => this.#begin({ text: this.#saved, base: this.#saved }));
    byId("edit-restore").addEventListener("click", () => this.#begin(this.#discarded));
    byId("edit-copy").addEventListener("click", (event) => copied(event.target, "Copy", this.text));
    byId("edit-discard").addEventListener("click", () => this.#discard());
    this.#field.addEventListener("beforeinput", (event) => this.#check(event));
    this.#field.addEventListener("input", () => this.#changed());
    for (const name of ["keyup", "click", "focus"]) this.#field.addEventListener(name, () => this.#showCaret());
  }

  get isOpen() {
    return !byId("edit").hidden;
  }

  get text() {
    return this.#field.value;
  }

  /** Whether the edit says what the file says. */
  get isSame() {
    return this.text === this.#saved;
  }

  /** Takes the text of the file: null if there is no template. An edit from before a reload of the page goes on. */
  file(text) {
    const isFirst = this.#saved === null;
    if (text !== this.#saved) byId("edit-too-long").hidden = true;
    this.#saved = text;
    byId("edit-open").hidden = this.isOpen || text === null;
    const kept = isFirst && text !== null && draft(pathOf());
    if (kept) this.#open(kept);
    if (this.isOpen) this.#note();
  }

  /** Shows what the server says about the edit: a client's entries and their lines, or what is wrong. */
  draw({ entries, problem, problem_line: problemLine }, principal) {
    const before = this.#problem;
    this.#chosen = principal;
    this.#entries = byLine(entries);
    this.#problem = problem;
    this.#problemLine = problemLine;
    this.#items.forEach((line, index) => this.#mark(line, index + 1));
    this.#field.toggleAttribute("aria-invalid", problem !== null);
    this.#error.hidden = problem === null;
    this.#error.textContent = problem ?? "";
    this.#error.style.setProperty("--line", problemLine);
    this.#error.classList.toggle("whole", problemLine === null);
    if (problem !== before && problem !== null) announce(`${problemLine === null ? "" : `line ${problemLine}: `}${problem}`);
    this.#showCaret();
  }

  /** Lights lines. */
  light(lines) {
    this.#items.forEach((line, index) => line.classList.toggle("lit", lines.has(index + 1)));
  }

  /** Moves the caret to a line. */
  show(number) {
    const start = this.text.split("\n", number - 1).join("\n").length + (number > 1 ? 1 : 0);
    this.#field.focus({ preventScroll: true });
    this.#field.setSelectionRange(start, start);
    this.#items[number - 1]?.scrollIntoView({ block: "center" });
    this.#showCaret();
  }

  #begin(edit) {
    const problem = tooLong(edit.text);
    byId("edit-too-long").hidden = problem === null;
    byId("edit-too-long").textContent = problem ?? "";
    if (problem) return;
    this.#open(edit);
    this.#field.setSelectionRange(0, 0);
    this.#field.focus({ preventScroll: true });
    this.#onChange();
  }

  #open({ text, base }) {
    this.#base = base;
    this.#field.value = text;
    this.#entries = new Map();
    this.#problem = null;
    this.#error.hidden = true;
    this.#showOpen(true);
    this.#redraw();
    this.#keep();
  }

  #discard() {
    this.#discarded = this.isSame ? null : { text: this.text, base: this.#base };
    keepDraft(null);
    this.#showOpen(false);
    byId("edit-open").focus({ preventScroll: true });
    announce("The edit is discarded");
    this.#onChange();
  }

  #showOpen(isOpen) {
    byId("edit").hidden = !isOpen;
    byId("in-force").hidden = isOpen;
    byId("edit-open").hidden = isOpen;
    byId("edit-copy").hidden = byId("edit-discard").hidden = !isOpen;
    byId("edit-restore").hidden = isOpen || this.#discarded === null;
    byId("template-title").textContent = isOpen ? "Your edit of" : "Template";
  }

  #changed() {
    this.#redraw();
    this.#keep();
    this.#onChange();
  }

  /** Refuses to insert what would make the text too long: drawing it would take minutes. */
  #check(event) {
    const { selectionStart, selectionEnd } = this.#field;
    const problem = event.data && tooLong(this.text.slice(0, selectionStart) + event.data + this.text.slice(selectionEnd));
    if (!problem) return;
    event.preventDefault();
    byId("edit-beside").textContent = problem;
  }

  #keep() {
    keepDraft({ path: pathOf(), text: this.text, base: this.#base });
    this.#note();
  }

  #note() {
    byId("edit-beside").textContent = this.isSame ? SAME : this.#saved === this.#base ? "" : BESIDE;
  }

  /** Draws the lines that changed. The others keep their states until the server has answered. */
  #redraw() {
    const lines = this.text.split("\n");
    const most = Math.min(lines.length, this.#drawn.length);
    let start = 0;
    while (start < most && lines[start] === this.#drawn[start]) start += 1;
    let same = 0;
    while (same < most - start && lines.at(-1 - same) === this.#drawn.at(-1 - same)) same += 1;
    const made = lines.slice(start, lines.length - same).map((text) => drawn(text));
    const before = document.createComment("");
    this.#list.insertBefore(before, this.#items[start] ?? null);
    for (const gone of this.#items.splice(start, this.#drawn.length - same - start, ...made)) gone.remove();
    before.replaceWith(...made);
    this.#drawn = lines;
  }

  #mark(line, number) {
    const { classes, note } = this.#stateOf(number);
    line.className = classes;
    line.lastChild.textContent = note;
  }

  #stateOf(number) {
    const problem = number === this.#problemLine && this.#problem;
    return stateOf(this.#drawn[number - 1] ?? "", this.#entries.get(number) ?? [], problem);
  }

  /** Says below the text what the line of the caret does, and keeps the error from covering that line. */
  #showCaret() {
    const number = this.text.slice(0, this.#field.selectionStart).split("\n").length;
    const { state, note } = this.#stateOf(number);
    const whole = note ? `, but not all of it: ${note}` : "";
    const about = state in ROLES ? ` applies to ${this.#chosen}${ROLES[state]}${whole}` : note && `: ${note}`;
    byId("edit-line").textContent = about && `Line ${number}${about}.`;
    this.#error.classList.toggle("above", this.#problemLine !== null && number > this.#problemLine);
  }
}

/** The file of the template: another project may run on this port later. */
const pathOf = () => byId("template-path").textContent;

/** Why a text cannot be edited here; null if it can. */
function tooLong(text) {
  const found = { character: text.length, line: text.split("\n").length };
  const over = Object.keys(MOST).find((unit) => found[unit] > MOST[unit]);
  if (over === undefined) return null;
  return `Too long to edit on this page: ${count(found[over], over)}, and it takes at most ${count(MOST[over], over)}.`;
}

/** A line behind the text field: its colours, and room for what is said about it. */
function drawn(text) {
  return element("li", {}, element("span", { class: "source" }, ...coloured(text)), element("span", { class: "said" }));
}
