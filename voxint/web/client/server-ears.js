/** @import { Speech } from "./types.js" */
/** @import { Interrupter } from "./interrupter.js" */
/** @import { MessageService } from "./message-service.js" */
/** @import { MicrophoneClock } from "./sample-clock.js" */
/** @import { Captured, Sound } from "./sound.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

/**
 * @typedef {object} Host what ears need of the agent that they belong to
 * @property {WebSocketClient} client
 * @property {Sound} sound
 * @property {() => MessageService} service
 * @property {() => Interrupter} interrupter
 * @property {(requestId: string, atMs: number | null) => void} asked by a voice that ended then, on the clock; null: now
 * @property {() => void} changed `hearing` did
 * @property {(error: unknown) => void} failed
 */

/** The server hears: all sound goes out, and what it says of it comes back. */
export class ServerEars {
  /** Whether somebody speaks. */
  hearing = false;
  /** @type {string | null} of the utterance */
  #requestId = null;
  #end = new AbortController();

  /**
   * @param {Host} host
   * @param {MicrophoneClock} sent what has gone out over this connection, be it through ears that were closed since
   */
  constructor(host, sent) {
    this.host = host;
    this.sent = sent;
    const { client } = host;
    const { signal } = this.#end;
    client.on("speech", (speech) => this.#told(speech), { signal });
    client.on("end", ({ requestId }) => requestId === this.#requestId && this.#hears(null), { signal });
    client.on("failed", ({ requestId }) => requestId === this.#requestId && this.#hears(null), { signal });
    client.on("open", () => this.#hears(null), { signal }); // another connection has forgotten who spoke
  }

  /** @param {Captured} captured */
  audio({ pcm, frame }) {
    if (this.host.client.state !== "open") return; // whoever comes back says it again
    this.host.client.sendAudio(pcm);
    this.sent.sent(pcm.length, frame);
  }

  /** @param {Speech} speech */
  #told({ state, requestId, atMs, outcome }) {
    if (state === "started") this.#hears(requestId);
    if (state !== "stopped") return;
    if (outcome === "request") this.host.asked(requestId, this.msOf(atMs));
    this.#hears(null);
  }

  /** @param {number} atMs of the microphone's sound @returns {number | null} on the clock */
  msOf(atMs) {
    const frame = this.sent.frameOf(atMs);
    return frame === null ? null : this.host.sound.msOf(frame);
  }

  /** @param {string | null} requestId */
  #hears(requestId) {
    this.#requestId = requestId;
    this.hearing = requestId !== null;
    this.host.changed();
  }

  close() {
    this.#end.abort();
    this.#hears(null);
  }
}
