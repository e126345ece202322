/** The quiet panel beside the conversation: what the last interruption stopped, and when. */

import { saved } from "../client/interruption.js";
import { copyOnClick, icon, make } from "./dom.js";
import { receiptWords, silentAfter } from "./receipt-words.js";
import { chart } from "./timeline-chart.js";
import { duration, say, spoken } from "./words.js";

/**
 * @import { InterruptionRecord } from "../client/interruption.js"
 *
 * @typedef {object} Known
 * @property {readonly InterruptionRecord[]} interruptions
 * @property {number | null} medianStopMs
 * @property {{dropped: number, stale: number, interruptions: number}} counts
 */

/** Shows the panel, and on a small screen the strip that opens it. */
export class InterruptionPanel {
  #panel;
  #strip;
  #content = make("div", { class: "content" });
  #close = make("button", { type: "button", class: "quiet close" });
  #rawOpen = false;

  /**
   * @param {HTMLElement} panel
   * @param {HTMLButtonElement} strip
   */
  constructor(panel, strip) {
    this.#panel = panel;
    this.#strip = strip;
    panel.append(this.#close, this.#content);
    this.#close.append(icon("cross"));
    strip.addEventListener("click", () => this.#toggle(!this.isOpen));
    this.#close.addEventListener("click", () => this.#toggle(false));
  }

  /** On a small screen the panel lies over the conversation while it is open. */
  get isOpen() {
    return this.#strip.getAttribute("aria-expanded") === "true";
  }

  /** Close it, and say whether it was open. */
  shut() {
    const was = this.isOpen;
    if (was) this.#toggle(false);
    return was;
  }

  /** @param {Known} known */
  show({ interruptions, medianStopMs, counts }) {
    this.#close.setAttribute("aria-label", say("close"));
    const last = interruptions.at(-1);
    this.#strip.hidden = last === undefined;
    if (last === undefined) {
      this.#content.replaceChildren(
        make("h2", {}, say("panel")),
        make("p", { class: "none" }, say("panel_none")),
        make("p", { class: "try" }, say("panel_try")),
      );
      return;
    }
    const stop = last.receipt?.stop_ms;
    this.#strip.replaceChildren(
      stop === undefined ? say("panel") : say("strip", { time: duration(stop), stale: counts.stale }),
    );
    this.#content.replaceChildren(
      make("h2", {}, say("panel")),
      this.#figures(last, counts.stale),
      chart(last),
      make("h3", {}, say("receipt")),
      make("p", { class: "receipt" }, receiptWords(last).join(spoken() === "zh" ? "" : " ")),
      this.#account(last, medianStopMs, interruptions.length),
      this.#raw(last),
    );
  }

  /** @param {InterruptionRecord} record @param {number} stale */
  #figures(record, stale) {
    const figures = make("dl", { class: "figures" });
    /** @type {(word: import("./words.js").Word, value: string) => void} */
    const add = (word, value) => {
      figures.append(make("div", {}, make("dt", {}, say(word)), make("dd", {}, value)));
    };
    const silent = silentAfter(record);
    if (silent !== null) add("figure_silent", duration(silent));
    else if (record.alreadySilent) add("figure_already", "–");
    if (record.receipt) add("figure_stop", duration(record.receipt.stop_ms));
    add("figure_stale", String(stale));
    return figures;
  }

  /** @param {InterruptionRecord} record @param {number | null} medianMs @param {number} count */
  #account(record, medianMs, count) {
    const account = make("dl", { class: "account" });
    /** @type {(word: import("./words.js").Word, value: string) => void} */
    const add = (word, value) => account.append(make("dt", {}, say(word)), make("dd", {}, value));
    const spent = saved(record);
    if (spent) {
      const all = spent.tokens ?? 0;
      const tokens = spent.source === "provider" ? "tokens_saved" : "tokens_guess";
      add("row_tokens", spent.tokens === null ? say("tokens_unknown") : say(tokens, { all }));
      add("row_audio", say("audio_saved", { heard: duration(spent.heardMs), saved: duration(spent.unheardMs) }));
    }
    if (medianMs !== null) add("row_median", say("median_of", { time: duration(medianMs), count }));
    if (record.dropped > 0) add("row_dropped", say("pieces", { count: record.dropped }));
    return account;
  }

  /** @param {InterruptionRecord} record */
  #raw(record) {
    const text = JSON.stringify(record, null, 2);
    const copy = make("button", { type: "button", class: "side" }, say("copy"));
    copyOnClick(copy, () => text, { copied: () => say("copied"), failed: () => say("copy_failed") });
    const raw = make("details", { class: "raw" },
      make("summary", {}, say("raw")), copy, make("pre", { tabindex: "0" }, text));
    raw.open = this.#rawOpen;
    raw.addEventListener("toggle", () => (this.#rawOpen = raw.open));
    return raw;
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.#strip.setAttribute("aria-expanded", String(open));
    this.#panel.dataset.open = String(open);
    (open ? this.#close : this.#strip).focus();
  }
}
