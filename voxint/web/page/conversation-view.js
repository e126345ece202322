/** The bubbles: what was said, how far the voice is, and where it was cut. */

import { icon, make } from "./dom.js";
import { say } from "./words.js";

/**
 * @import { Message } from "../client/types.js"
 *
 * @typedef {{element: HTMLElement, spoken: HTMLElement, rest: HTMLElement, note: HTMLElement, message: Message}} Bubble
 */

/** Ours: who has scrolled up further than this reads, and is left there. In pixels. */
const NEAR_THE_END = 120;

/** Ours: the page stays quick; older bubbles leave it. */
const MOST_BUBBLES = 400;

/**
 * Say how many UTF-16 units of an answer's text stand as heard.
 *
 * @param {Message} message
 */
export function solid({ role, status, text, spokenChars, heard }) {
  if (role === "person" || status === "complete" || status === "failed") return text.length;
  if (status !== "interrupted" || heard === null) return Math.min(spokenChars, text.length);
  return text.startsWith(heard) ? heard.length : Math.min(spokenChars, text.length);
}

/** Ours: how far the writing may be ahead of the voice, in letters: two lines, so that the voice stays in sight. */
const AHEAD = 140;

/** What is twice as wide as a letter. */
const WIDE = /[\u2e80-\uffef]/;

/**
 * Say how many UTF-16 units of an answer's text are shown: a model writes a page while its voice says a line.
 *
 * @param {Message} message
 * @param {number} until how many stand as heard
 */
export function shown({ text }, until) {
  let at = until;
  for (let left = AHEAD; at < text.length && left > 0; at += 1) left -= WIDE.test(text.charAt(at)) ? 2 : 1;
  if (at >= text.length) return at;
  const word = text.slice(until, at).search(/\S+$/);
  const whole = WIDE.test(text.charAt(at - 1)) || word <= 0 ? at : until + word; // a very long word may be cut
  return whole - (/[\ud800-\udbff]/.test(text.charAt(whole - 1)) ? 1 : 0);
}

/** Shows messages in the order in which they came. */
export class ConversationView {
  #log;
  /** @type {Map<string, Bubble>} */
  #bubbles = new Map();
  /** What has changed since the last frame: a text in a hundred pieces is drawn once. @type {Map<string, Message>} */
  #changed = new Map();
  #follows = true;

  /** @param {HTMLElement} log */
  constructor(log) {
    this.#log = log;
    log.addEventListener("scroll", () => {
      this.#follows = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_THE_END;
    });
    new ResizeObserver(() => this.#follow()).observe(log); // a note or a strip takes room from it
  }

  #follow() {
    if (this.#follows) this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Say everything again, in the language of now. */
  translate() {
    for (const bubble of this.#bubbles.values()) this.#fill(bubble);
  }

  /** @param {Message} message added or changed */
  show(message) {
    if (this.#changed.size === 0) requestAnimationFrame(() => this.#draw());
    this.#changed.set(message.messageId, message);
    const [oldest] = this.#changed.keys(); // a page that is not seen draws nothing, for as long as that takes
    if (this.#changed.size > MOST_BUBBLES && oldest !== undefined) this.#changed.delete(oldest);
  }

  #draw() {
    for (const message of this.#changed.values()) {
      const bubble = this.#bubbles.get(message.messageId) ?? this.#add(message);
      bubble.message = message;
      this.#fill(bubble);
    }
    this.#changed.clear();
    this.#follow();
  }

  /** @param {Message} message */
  #add(message) {
    const spoken = make("span", { class: "spoken" });
    const rest = make("span", { class: "rest" });
    const note = make("p", { class: "note" });
    const who = make("span", { class: "unseen who" });
    const text = make("p", { class: "text" }, spoken, rest); // alone: its first letter says which way it is written
    const element = make("article", { class: `bubble ${message.role}` }, who, text, note);
    const bubble = { element, spoken, rest, note, message };
    this.#bubbles.set(message.messageId, bubble);
    this.#log.querySelector(".empty")?.remove();
    this.#log.append(element);
    const [oldest] = this.#bubbles;
    if (this.#bubbles.size > MOST_BUBBLES && oldest) {
      this.#bubbles.delete(oldest[0]);
      oldest[1].element.remove();
    }
    return bubble;
  }

  /** @param {Bubble} bubble */
  #fill({ element, spoken, rest, note, message }) {
    const { status, text, role } = message;
    const until = solid(message);
    // What nobody has heard of a cut answer is marked as deleted for those, too, who see no line through it.
    element.dataset.status = status;
    rest.setAttribute("role", status === "interrupted" ? "deletion" : "none");
    setText(spoken, text.slice(0, until));
    const end = shown(message, until);
    setText(rest, text.slice(until, end).trimEnd() + (end < text.length && status === "interrupted" ? "…" : ""));
    rest.parentElement?.classList.toggle("bare", text === "");
    const who = element.querySelector(".who");
    if (who) setText(who, `${say(role === "person" ? "you" : "agent")}: `);
    const [symbol, words] = noteOf(message, until);
    note.replaceChildren(...(symbol === "" ? [] : [icon(symbol)]), words);
    note.hidden = words === "";
  }
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Message} message @param {number} until @returns {[symbol: string, words: string]} */
function noteOf({ role, status, text, outcome }, until) {
  if (status === "dismissed") return ["", say(outcome === "backchannel" ? "note_murmur" : "note_noise")];
  if (role === "person") return ["", ""];
  if (status === "held") return ["hold", say("note_held")];
  if (status === "waiting" && text === "") return ["", say("note_waiting")];
  if (status === "failed") return ["", say("note_failed")];
  if (status !== "interrupted") return ["", ""];
  if (until === 0) return ["", say("note_unheard")];
  return ["", say("note_cut")];
}
