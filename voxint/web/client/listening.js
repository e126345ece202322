/** @import { Host, Speech } from "./types.js" */
/** @import { OwnEars } from "./own-ears.js" */
/** @import { By } from "./interruption.js" */
/** @import { Captured } from "./recorder.js" */

import { VoxintError } from "./errors.js";
import { Talk } from "./push-to-talk.js";
import { MicrophoneClock } from "./sample-clock.js";
import { ServerEars } from "./server-ears.js";
import { asError } from "./sound.js";

/** What a microphone is for: hands-free by whichever ears the connection has, or while a button is held. */
export class Listening {
  #host;
  /** @type {ServerEars | OwnEars | null} */
  #ears = null;
  /** @type {Talk | null} */
  #talk = null;
  #handsFree = false;
  /** What the server has got: it counts a connection's sound from 0 on, however often the microphone is opened.
   * @type {MicrophoneClock | null} */
  #sent = null;
  /** What the microphone was before the button was pressed; null: it is not. @type {"muted" | "open" | null} */
  #before = null;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    host.client.on("open", () => {
      this.#sent?.reset();
      void this.#choose().catch(host.failed);
    });
    host.sound.on("audio", (captured) => this.#audio(captured));
  }

  /** @returns {boolean} whether the person is speaking, as far as is known */
  get hearing() {
    return this.#talk !== null || (this.#ears?.hearing ?? false);
  }

  /** @returns {boolean} whether the microphone is open hands-free */
  get listening() {
    return this.#handsFree && this.#host.sound.microphone === "on";
  }

  /** When the server heard something, on the clock. @param {Speech} speech @returns {number | null} */
  timeOf({ atMs }) {
    return this.#ears instanceof ServerEars ? this.#ears.msOf(atMs) : null;
  }

  /** Open the microphone hands-free. */
  async open() {
    this.#handsFree = true;
    try {
      await this.#openMicrophone();
      this.#host.sound.muted = false;
      await this.#choose();
    } catch (error) {
      this.#handsFree = false;
      throw error;
    }
  }

  async #openMicrophone() {
    const { sound } = this.#host;
    if (sound.microphone !== "on" && sound.microphone !== "muted") await sound.openMicrophone();
  }

  /** Take the ears that this connection has. */
  async #choose() {
    const { features, state } = this.#host.client;
    if (state !== "open" || !this.#handsFree) return;
    const byServer = features.has("server_vad");
    if (this.#ears && this.#ears instanceof ServerEars === byServer) return;
    this.#deafen();
    const ears = byServer ? new ServerEars(this.#host, this.#clock()) : await this.#load();
    if (this.#ears || !this.#handsFree) return ears.close(); // closed, or opened again, while it was loaded
    this.#ears = ears;
    this.#host.changed();
  }

  #clock() {
    const { client: { audio: { inputRate } }, sound: { contextRate } } = this.#host;
    const fits = this.#sent?.rate === inputRate && this.#sent.contextRate === contextRate;
    return (this.#sent = fits && this.#sent ? this.#sent : new MicrophoneClock(inputRate, contextRate));
  }

  /** Load what only a server without ears needs. */
  async #load() {
    if (this.#host.client.audio.inputRate !== 16000)
      throw new VoxintError("audio_failed", "the voice detector hears 16 kHz: leave `audio.inputRate` out");
    try {
      const [{ OwnEars }, detector] = await Promise.all([import("./own-ears.js"), this.#host.loadDetector()]);
      return new OwnEars(this.#host, detector);
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
    this.endTalk();
    this.#handsFree = false;
    this.#deafen();
    this.#host.sound.closeMicrophone();
  }

  /** @param {Captured} captured */
  #audio(captured) {
    if (!this.#talk) this.#ears?.audio(captured);
    else if (!this.#talk.write(captured.pcm)) this.endTalk();
  }

  /** @param {By} by */
  async beginTalk(by) {
    if (this.#before) return;
    const { client, service, sound } = this.#host;
    this.#before = sound.muted || !this.#handsFree ? "muted" : "open";
    void this.#host.interrupter.cut(by, "USER_NEW_INPUT");
    if (!this.#handsFree) this.#talk = new Talk(client, service);
    this.#host.changed();
    try {
      await this.#openMicrophone();
      sound.muted = this.#before === null; // the press may be over before the person has allowed it
    } catch (error) {
      this.#before = this.#talk = null;
      this.#host.changed();
      throw error;
    }
  }

  /** @returns {string | null} the request */
  endTalk() {
    if (this.#before === null) return null;
    this.#host.sound.muted = this.#before === "muted";
    const requestId = this.#talk?.end() ?? null;
    this.#before = this.#talk = null;
    if (requestId) this.#host.asked(requestId, null);
    this.#host.changed();
    return requestId;
  }
}
