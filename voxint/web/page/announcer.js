/**
 * What a screen reader is told without being asked: few things, each once. An answer that is spoken aloud is not read
 * out on top of it; one in writing is, when it is complete.
 */

import { say } from "./words.js";

/** @import { Message } from "../client/types.js" */

/** States that a person has to know of, and would not notice by ear. */
const TOLD = new Set(["listening", "ready", "held", "reconnecting", "failed"]);

/** Speaks through a live region. */
export class Announcer {
  #place;
  #lastState = "";
  /** @type {Set<string>} */
  #spoken = new Set();
  #told = "";

  /** @param {HTMLElement} place with the role status */
  constructor(place) {
    this.#place = place;
  }

  /** @param {import("../client/agent-state.js").AgentState} state */
  state(state) {
    // Between two turns "listening" comes each time: it is told after something else than talk only.
    const again = ["speaking", "thinking", "hearing", "held"].includes(this.#lastState) && state !== "held";
    if (TOLD.has(state) && !again) this.#say(say(`state_${state}`));
    this.#lastState = state;
  }

  /** @param {Message} message */
  message({ messageId, role, status, text, heard }) {
    if (role !== "agent" || messageId === this.#told) return;
    if (status === "speaking" || status === "held") this.#spoken.add(messageId);
    if (status === "interrupted") this.#say(cut(heard ?? ""));
    else if (status === "complete" && !this.#spoken.has(messageId)) this.#say(text);
    else return;
    this.#told = messageId;
    this.#spoken.delete(messageId);
  }

  /** @param {import("./words.js").Word} word */
  word(word) {
    this.#say(say(word));
  }

  /** @param {string} text */
  #say(text) {
    this.#place.textContent = text;
  }
}

/** @param {string} heard */
function cut(heard) {
  const last = heard.trim().split(/\s+/).slice(-6).join(" ");
  return last === "" ? say("note_unheard") : say("said_cut", { heard: last });
}
