/** @import { VoiceRequest } from "./types.js" */
/** @import { MessageService } from "./message-service.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

/** Ours: a press that is shorter was none, in seconds; no word is. */
const LEAST_S = 0.2;
/** The most sound of one request, in seconds; the server takes 120. */
const MOST_S = 119;

/**
 * What a person says while they hold a button: uploaded as it is spoken, or in one piece at its end where the
 * connection has the server's ears, which take the microphone's frames for themselves.
 */
export class Talk {
  #service;
  #rate;
  #inPieces;
  /** @type {Int16Array[]} what waits for the end, or for a press that is long enough */
  #kept = [];
  #samples = 0;
  /** @type {VoiceRequest | null} */
  #upload = null;

  /** @param {WebSocketClient} client @param {MessageService} service */
  constructor(client, service) {
    this.#service = service;
    this.#rate = client.audio.inputRate;
    this.#inPieces = client.state === "open" && !client.features.has("server_vad"); // before, nobody knows
  }

  /** @param {Int16Array} pcm @returns {boolean} false: it is as long as a request may be, and no more of it is taken */
  write(pcm) {
    if (this.#samples + pcm.length > MOST_S * this.#rate) return false;
    this.#samples += pcm.length;
    if (this.#upload) this.#upload.write(pcm);
    else this.#kept.push(pcm);
    if (this.#inPieces && !this.#upload && this.#samples >= LEAST_S * this.#rate) {
      this.#upload = this.#service.talk();
      this.#upload.write(this.#joined());
    }
    return true;
  }

  /** @returns {string | null} the request; null: it was too short, and nothing is asked */
  end() {
    this.#upload?.end();
    if (this.#upload) return this.#upload.requestId;
    return this.#samples < LEAST_S * this.#rate ? null : this.#service.askVoice(this.#joined()).requestId;
  }

  #joined() {
    const pcm = new Int16Array(this.#samples);
    let at = 0;
    for (const piece of this.#kept.splice(0)) {
      pcm.set(piece, at);
      at += piece.length;
    }
    return pcm;
  }
}
