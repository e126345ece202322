/** @import { Speech } from "./types.js" */
/** @import { Detector } from "./detector.js" */
/** @import { MessageService } from "./message-service.js" */
/** @import { Interrupter } from "./interrupter.js" */
/** @import { By } from "./interruption.js" */
/** @import { Captured, Sound } from "./sound.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

import { OwnEars, ServerEars } from "./hands-free.js";
import { Talk } from "./push-to-talk.js";
import { asError } from "./sound.js";

/** What a microphone is for: hands-free by whichever ears the connection has, or while a button is held. */
export class Listening {
  /** @type {ServerEars | OwnEars | null} */
  #ears = null;
  /** @type {Talk | null} */
  #talk = null;
  #handsFree = false;

  /**
   * @param {object} parts
   * @param {WebSocketClient} parts.client
   * @param {Sound} parts.sound
   * @param {() => MessageService} parts.service
   * @param {() => Interrupter} parts.interrupter
   * @param {() => Promise<Detector>} parts.loadDetector
   * @param {(requestId: string, atMs: number | null) => void} parts.asked by a voice whose last sound was then; null: now
   * @param {() => void} parts.changed `hearing` did, or `listening`
   * @param {(error: unknown) => void} parts.failed
   */
  constructor({ client, sound, service, interrupter, loadDetector, asked, changed, failed }) {
    this.client = client;
    this.sound = sound;
    this.service = service;
    this.interrupter = interrupter;
    this.loadDetector = loadDetector;
    this.asked = asked;
    this.changed = changed;
    this.failed = failed;
    this.inputRate = 16000;
    client.on("open", () => void this.#choose().catch(failed));
    sound.on("audio", (captured) => this.#audio(captured));
  }

  /** @returns {boolean} whether the person is speaking, as far as is known */
  get hearing() {
    return this.#talk !== null || (this.#ears?.hearing ?? false);
  }

  /** @returns {boolean} whether the microphone is open hands-free */
  get listening() {
    return this.#handsFree && this.sound.microphone === "on";
  }

  /** When the server heard something, on the clock.  @param {Speech} speech @returns {number | null} */
  timeOf({ atMs }) {
    return this.#ears instanceof ServerEars ? this.#ears.msOf(atMs) : null;
  }

  /** Open the microphone hands-free. */
  async open() {
    this.#handsFree = true;
    try {
      await this.#openMicrophone();
      this.sound.muted = false;
      await this.#choose();
    } catch (error) {
      this.#handsFree = false;
      throw error;
    }
  }

  async #openMicrophone() {
    if (this.sound.microphone !== "on" && this.sound.microphone !== "muted") await this.sound.listen();
  }

  /** Take the ears that this connection has. */
  async #choose() {
    const { features, state } = this.client;
    if (state !== "open" || !this.#handsFree) return;
    const byServer = features.has("server_vad");
    if (this.#ears && this.#ears instanceof ServerEars === byServer) return;
    this.#deafen();
    this.#ears = byServer ? new ServerEars(this) : await this.#load();
    this.changed();
  }

  async #load() {
    try {
      const detector = await this.loadDetector();
      return this.#handsFree ? new OwnEars(this, detector) : null; // it may have been closed meanwhile
    } catch (error) {
      throw asError(error, "audio_failed", "the voice detector can't be loaded");
    }
  }

  #deafen() {
    this.#ears?.close();
    this.#ears = null;
  }

  /** Close the microphone. What is being said is over. */
  close() {
    this.#handsFree = false;
    this.#talk = null;
    this.#deafen();
    this.sound.deafen();
  }

  /** @param {Captured} captured */
  #audio(captured) {
    if (!this.#talk) this.#ears?.audio(captured);
    else if (!this.#talk.write(captured.pcm)) this.endTalk();
  }

  /** @param {By} by */
  async beginTalk(by) {
    if (this.#talk) return;
    void this.interrupter().cut(by, "USER_NEW_INPUT");
    const talk = this.#handsFree ? null : new Talk(this.client, this.service(), this.inputRate);
    this.#talk = talk;
    this.changed();
    try {
      await this.#openMicrophone();
      this.sound.muted = this.#talk !== talk; // it may be over before the person has allowed it
    } catch (error) {
      this.#talk = null;
      this.changed();
      throw error;
    }
  }

  /** @returns {string | null} the request */
  endTalk() {
    if (this.sound.microphone === "on") this.sound.muted = true;
    const request = this.#talk?.end() ?? null;
    this.#talk = null;
    if (request) this.asked(request.requestId, null);
    this.changed();
    return request?.requestId ?? null;
  }
}
