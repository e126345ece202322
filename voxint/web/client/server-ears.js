/** @import { Host, Speech } from "./types.js" */
/** @import { Captured } from "./recorder.js" */
/** @import { MicrophoneClock } from "./sample-clock.js" */

/** The server hears: all sound goes out, and what it says of it comes back. */
export class ServerEars {
  #host;
  #sent;
  /** @type {string | null} of the utterance */
  #requestId = null;
  #end = new AbortController();

  /**
   * @param {Host} host
   * @param {MicrophoneClock} sent what has gone out over this connection, be it through ears that were closed since
   */
  constructor(host, sent) {
    this.#host = host;
    this.#sent = sent;
    const { client } = host;
    const { signal } = this.#end;
    client.on("speech", (speech) => this.#told(speech), { signal });
    client.on("end", ({ requestId }) => requestId === this.#requestId && this.#hears(null), { signal });
    client.on("failed", ({ requestId }) => requestId === this.#requestId && this.#hears(null), { signal });
    client.on("open", () => this.#hears(null), { signal }); // another connection has forgotten who spoke
  }

  /** Whether somebody speaks. */
  get hearing() {
    return this.#requestId !== null;
  }

  /** @param {Captured} captured */
  audio({ pcm, frame }) {
    const { client } = this.#host;
    if (client.state !== "open") return; // whoever comes back says it again
    if (client.sendAudio(pcm)) this.#sent.sent(pcm.length, frame); // the server counts what it gets
  }

  /** @param {Speech} speech */
  #told({ state, requestId, atMs, outcome }) {
    if (state === "started") this.#hears(requestId);
    if (state !== "stopped") return;
    if (outcome === "request") this.#host.asked(requestId, this.msOf(atMs));
    this.#hears(null);
  }

  /** @param {number} atMs of the microphone's sound @returns {number | null} on the clock */
  msOf(atMs) {
    const frame = this.#sent.frameOf(atMs);
    return frame === null ? null : this.#host.sound.msOf(frame);
  }

  /** @param {string | null} requestId */
  #hears(requestId) {
    this.#requestId = requestId;
    this.#host.changed();
  }

  close() {
    this.#end.abort();
    this.#hears(null);
  }
}
