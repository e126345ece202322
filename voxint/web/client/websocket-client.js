/** @import { Ack, ClientEvents, ClientOptions, InterruptMode, Opened } from "./types.js" */
/** @import { Request, Settings, VoiceRequest } from "./types.js" */

import { CLOCK } from "./clock.js";
import { Emitter } from "./emitter.js";
import { bytesOf, toBase64 } from "./envelope.js";
import { VoxintError } from "./errors.js";
import { Session } from "./session.js";
import { onWire } from "./settings.js";
import { BEHIND_BYTES, LONGEST_S, Upload } from "./upload.js";

const MOST_FRAME = 8 * 1024 * 1024 - 4096; // wire.md: the largest message, less what stands around the voice
const LATE_MS = 1_000; // ours: between two "late" events

/**
 * One session with a server, over as many connections as it takes.
 *
 * Usable at once: what is asked before there is a connection waits, 64 messages at most. A lost connection is dialled
 * again, at once where the browser says that the network or the person is back, else from 0.25 s doubling to
 * 8 s; the session goes on where it was, so that nothing of an answer is missing or comes twice.
 *
 * Whatever goes wrong is told by an event: "failed" of a request, whose promise rejects with the same, and "error" of
 * all else. So nobody has to catch a promise that is not awaited.
 *
 * @extends {Emitter<ClientEvents>}
 */
export class WebSocketClient extends Emitter {
  #options;
  #clock;
  #session;
  #connection;
  #late = { droppedMs: 0, toldAt: -Infinity };
  #deaf = false;

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? CLOCK;
    this.#session = new Session(options, (name, detail) => this.emit(name, detail));
    this.#connection = this.#session.connection;
  }

  get state() {
    return this.#connection.state;
  }

  /** @returns {number | null} milliseconds of a round trip: the least of the last eight, one each 10 s */
  get rttMs() {
    return this.#session.rttMs;
  }

  /** @returns {string | null} null before the first connection, and after `close` */
  get sessionId() {
    return this.#connection.opened?.sessionId ?? null;
  }

  /** @returns {Set<string>} those that the server granted */
  get features() {
    return this.#connection.opened?.features ?? new Set();
  }

  /** @returns {{inputRate: number, outputRate: number}} in Hz; before the first connection what was asked for */
  get audio() {
    const { inputRate = 16_000, outputRate = 16_000 } = this.#options.audio ?? {};
    return this.#connection.opened?.audio ?? { inputRate, outputRate };
  }

  /** Whether answers are spoken, as far as this client has asked for it. */
  get requireTts() {
    return this.#session.requireTts;
  }

  /**
   * Connect, or try again at once.
   *
   * The promise is settled by the first try, 10 s at most. Where its error is `retryable`, the client goes on trying
   * until `close`, unless the option `reconnect` is false: "open" tells when it is there.
   *
   * @returns {Promise<Opened>}
   */
  connect() {
    return this.#session.connect();
  }

  /**
   * Ask in text. What is live in the session is interrupted by it.
   *
   * @param {string} text not empty, 32,768 characters at most
   * @param {{requestId?: string, updateSession?: Settings}} [options] the id is made where none is given
   * @returns {Request} at once: its id can be interrupted before anything has come
   */
  sendTextRequest(text, { requestId = this.#session.newId(), updateSession } = {}) {
    const update = updateSession && { update_session: onWire(updateSession) };
    const fields = { data_type: "TEXT", stream_flag: false, stream_seq: 0, content: { text }, ...update };
    const promise = this.#session.ask(requestId, fields, text.length);
    if (updateSession) promise.then(() => this.#session.change(updateSession), () => {}); // "failed" tells it
    return { requestId, promise };
  }

  /**
   * Ask in voice as it is spoken: `write` what the microphone gives, then `end`. One at a time; a new request of any
   * kind interrupts it. Where the connection is lost meanwhile, it is interrupted, and the promise says so.
   *
   * @param {{requestId?: string}} [options]
   * @returns {VoiceRequest} at once; what is written before the connection stands waits, 120 s of it at most
   */
  sendVoiceRequestStream({ requestId = this.#session.newId() } = {}) {
    const upload = new Upload(requestId, this.#road(requestId), this.#clock, this.audio.inputRate);
    const content = { voice_mode: "BINARY", audio_format: "pcm" };
    const fields = { data_type: "VOICE", stream_flag: true, stream_seq: 0, content };
    const promise = this.#session.ask(requestId, fields, 0, { sent: () => upload.started() });
    this.#session.upload = upload;
    return {
      requestId,
      promise,
      write: (pcm) => upload.write(pcm),
      end: () => upload.end(),
      cancel: () => this.interrupt(requestId),
    };
  }

  /**
   * Ask in voice that is here already: 120 s and 6 MB at most, else the promise rejects with "too_large".
   *
   * @param {Int16Array} pcm at the session's input rate
   * @param {{requestId?: string}} [options]
   * @returns {Request}
   */
  sendVoiceRequest(pcm, { requestId = this.#session.newId() } = {}) {
    const voice = toBase64(bytesOf(pcm));
    const content = { voice_mode: "BASE64", voice, audio_format: "pcm" };
    const fields = { data_type: "VOICE", stream_flag: false, stream_seq: 0, content };
    const tooLong = pcm.length > LONGEST_S * this.audio.inputRate || voice.length > MOST_FRAME;
    const refused = tooLong ? new VoxintError("too_large", `a voice in one piece has ${LONGEST_S} s at most`) : null;
    return { requestId, promise: this.#session.ask(requestId, fields, voice.length, { refused }) };
  }

  /**
   * Send sound of the open microphone (feature "server_vad"), which belongs to no request. While there is no connection
   * it is dropped. Where the network is 64 kB behind (2 s at 16 kHz), new sound is dropped and told by "late": what was
   * handed to the browser can't be taken back, and no INTERRUPT may queue behind more.
   *
   * @param {Int16Array} pcm at the session's input rate
   * @returns {boolean} whether it was sent
   */
  sendAudio(pcm) {
    if (!this.#connection.open) return false;
    if (!this.features.has("server_vad")) {
      const error = new VoxintError("malformed", "server_vad was not granted: nobody listens");
      if (!this.#deaf) this.emit("error", { error });
      this.#deaf = true; // told once
      return false;
    }
    if (this.#connection.behind > BEHIND_BYTES) {
      this.#late.droppedMs += (1000 * pcm.length) / this.audio.inputRate;
      const now = this.#clock.now();
      if (now - this.#late.toldAt < LATE_MS) return false;
      this.#late.toldAt = now;
      this.emit("late", { droppedMs: Math.round(this.#late.droppedMs) });
      return false;
    }
    this.#connection.sendBytes(bytesOf(pcm));
    return true;
  }

  /**
   * Interrupt a request, or with null every live one, and wait for the acknowledgement, 5 s at most. Nothing to stop is
   * no error: its status is "FAILED" then, and `outcomes` says why. With the mode "hold" or "release" it is held, or
   * goes on.
   *
   * @param {string | null} [requestId]
   * @param {{reason?: string, playedMs?: number, mode?: InterruptMode}} [options] `playedMs`: how much of it was heard
   * @returns {Promise<Ack>} rejects with "timeout", "lost" (the connection is), "closed", or "malformed" (a hold that
   *   was not granted)
   */
  interrupt(requestId = null, { reason = "USER_STOP", playedMs, mode = "commit" } = {}) {
    return this.#session.interrupt(requestId || null, { reason, playedMs, mode });
  }

  /**
   * Whether an acknowledgement is on its way that will bring this request's receipt.
   *
   * @param {string} requestId
   */
  isInterrupting(requestId) {
    return this.#session.isInterrupting(requestId);
  }

  /**
   * Report how much of a request's speech was heard: a hint, dropped where the network is behind.
   *
   * @param {string} requestId
   * @param {number} playedMs
   */
  played(requestId, playedMs) {
    if (!this.#connection.open || this.#connection.behind > BEHIND_BYTES) return;
    this.#connection.send("PLAYED", { request_id: requestId, played_ms: playedMs });
  }

  /**
   * Change the session; live answers go on. Before `connect` it is noted for it.
   *
   * @param {Settings} settings what is not given stays
   * @returns {Promise<void>} when the server has it; rejects with what it says, as "malformed" of an unknown voice
   */
  async updateSession(settings) {
    if (this.state === "closed" && this.#session.over === null) return this.#session.change(settings);
    const fields = { data_type: "TEXT", content: { text: "" }, update_session: onWire(settings) };
    await this.#session.ask(this.#session.newId(), fields, 0, { quiet: true });
    this.#session.change(settings);
  }

  /**
   * Return a token by which another device joins this session, once.
   *
   * @returns {Promise<string>} rejects like `interrupt`; "malformed": this server gives none
   */
  async joinToken() {
    const token = await this.#session.query("join_token");
    if (typeof token !== "string") throw new VoxintError("malformed", "this server gives no join tokens");
    return token;
  }

  /**
   * End the session. What is live is interrupted; promises reject with "closed".
   *
   * @param {string} [reason] for people
   */
  async close(reason = "the client was closed") {
    await this.#connection.close(reason);
  }

  /** @param {string} requestId */
  #road(requestId) {
    const end = { request_id: requestId, data_type: "VOICE", stream_flag: true, stream_seq: -1 };
    return {
      open: () => this.#connection.open,
      behind: () => this.#connection.behind,
      send: (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
        this.#session.heard(requestId);
        this.#connection.sendBytes(bytes);
      },
      end: () => this.#session.post("REQUEST", end, 0),
      tooLong: () => {
        void this.interrupt(requestId, { reason: "CLIENT_ERROR" });
        const message = `an upload has ${LONGEST_S} s at most`;
        this.#session.fail(requestId, new VoxintError("too_large", message, { requestId }));
      },
    };
  }
}
