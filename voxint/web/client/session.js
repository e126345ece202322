/** @import { Owner, Registered } from "./connection.js" */
/** @import { Incoming, Voice } from "./envelope.js" */
/** @import { Told } from "./incoming.js" */
/** @import { Ack, Answer, ClientEvents, ClientOptions, ConnectionState, InterruptMode, Settings } from "./types.js" */
/** @import { Upload } from "./upload.js" */

import { CLOCK } from "./clock.js";
import { Connection } from "./connection.js";
import { toldByServer, VoxintError } from "./errors.js";
import { acknowledgement, notice, object, response } from "./incoming.js";
import { Outbox } from "./outbox.js";
import { Replies } from "./replies.js";
import { Requests } from "./requests.js";
import { ResumeCursor } from "./resume-cursor.js";
import { changed, onWire } from "./settings.js";

/** What a client asks for. */
export const FEATURES = ["binary_audio", "transcripts", "hold", "marks"];

const PATIENCE_MS = 5_000; // ours: the server answers an INTERRUPT within 250 ms; the rest is the road
const SWEEP_MS = 10_000; // ours
const MOST_FINISHED = 64; // as the server remembers

/** @typedef {<Name extends keyof ClientEvents>(name: Name, detail: ClientEvents[Name]) => void} Emit */

/**
 * What outlives a connection: settings, requests that are live, and what is awaited of the server. Each message that
 * comes goes to the request, the reply or the event that it is for.
 *
 * @implements {Owner}
 */
export class Session {
  /** @type {Upload | null} the latest */
  upload = null;
  /** @type {VoxintError | null} why there is no connection and will be none until `connect` */
  over = null;
  /** @type {number | null} */
  rttMs = null;
  #options;
  #clock;
  #emit;
  #settings;
  #outbox = new Outbox();
  #cursor = new ResumeCursor();
  #requests = new Requests();
  /** @type {Replies<Ack>} */
  #acks;
  /** @type {Replies<Record<string, unknown>>} */
  #infos;
  /** @type {Set<string>} ids of requests that have ended, the latest */
  #finished = new Set();
  /** @type {unknown} */
  #sweep = null;

  /** @param {ClientOptions} options @param {Emit} emit */
  constructor(options, emit) {
    const { clock = CLOCK, requireTts = true, systemPrompt, voice, language, functions } = options;
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    this.#settings = /** @type {Settings} */ ({ requireTts, systemPrompt, voice, language, functions });
    this.#acks = new Replies(clock, PATIENCE_MS);
    this.#infos = new Replies(clock, PATIENCE_MS);
    this.connection = new Connection(options, this);
  }

  connect() {
    this.over = null;
    if (this.#sweep === null) this.#sweepLater();
    return this.connection.connect();
  }

  get requireTts() {
    return this.#settings.requireTts ?? false;
  }

  /** Note what the session has from now on. @param {Settings} settings */
  change(settings) {
    this.#settings = changed(this.#settings, settings);
  }

  /** Return an id that no other request has. */
  newId() {
    return this.#requests.newId();
  }

  /**
   * @param {string} requestId
   * @param {object} fields of REQUEST
   * @param {number} chars roughly, of what is large in it
   * @param {object} [how]
   * @param {() => void} [how.sent]
   * @param {boolean} [how.quiet] it only changes the session
   * @param {VoxintError | null} [how.refused] why it can't be asked
   * @returns {Promise<Answer>}
   */
  ask(requestId, fields, chars, { sent, quiet = false, refused = null } = {}) {
    let promise;
    try {
      promise = this.#requests.begin(requestId, this.#clock.now(), quiet);
    } catch (error) {
      const rejected = Promise.reject(error);
      rejected.catch(() => {}); // no "failed": the live request of this id goes on
      return rejected;
    }
    try {
      const why = this.over ?? refused;
      if (why) throw why;
      if (!quiet) this.upload?.cut();
      this.post("REQUEST", { request_id: requestId, ...fields }, chars, () => {
        this.#cursor.began(requestId);
        sent?.();
      });
    } catch (error) {
      const why = /** @type {VoxintError} */ (error).of(requestId);
      queueMicrotask(() => this.fail(requestId, why)); // when the caller knows the id
    }
    return promise;
  }

  /**
   * Send a message behind those that wait.
   *
   * @param {string} type
   * @param {Record<string, unknown>} payload
   * @param {number} chars
   * @param {() => void} [sent] called in the step in which it is handed to a socket
   */
  post(type, payload, chars, sent) {
    if (!this.connection.open || !this.#outbox.isEmpty) {
      this.#outbox.push({ type, payload, chars, sent });
      return;
    }
    this.connection.send(type, payload);
    sent?.();
  }

  /**
   * @param {string | null} requestId
   * @param {{reason: string, playedMs: number | undefined, mode: InterruptMode}} options
   * @returns {Promise<Ack>}
   */
  interrupt(requestId, { reason, playedMs, mode }) {
    const ack = this.#acks.make("an INTERRUPT", reason);
    const pause = mode === "commit" ? undefined : mode;
    const fields = { interrupt_request_id: requestId, reason, played_ms: playedMs, mode: pause };
    try {
      if (this.over) throw this.over;
      if (pause && this.connection.open && !this.connection.opened?.features.has("hold")) {
        throw new VoxintError("malformed", "hold was not granted");
      }
      if (!pause && (requestId === null || requestId === this.upload?.requestId)) this.upload?.cut();
      this.post("INTERRUPT", fields, 0, () => this.#acks.asked(kindOf(requestId, mode), ack));
    } catch (error) {
      ack.reject(/** @type {VoxintError} */ (error));
    }
    return ack.promise;
  }

  /** @param {string} requestId */
  isInterrupting(requestId) {
    return this.#acks.has(kindOf(requestId, "commit")) || this.#acks.has(kindOf(null, "commit"));
  }

  /** @param {string} field of the session @returns {Promise<unknown>} */
  async query(field) {
    if (this.over) throw this.over;
    const info = this.#infos.make("a SESSION_QUERY");
    this.post("SESSION_QUERY", { query_fields: [field] }, 0, () => this.#infos.asked("", info));
    return (await info.promise)[field];
  }

  /** Note that something of a request was sent or has come. @param {string} requestId */
  heard(requestId) {
    this.#requests.heard(requestId, this.#clock.now());
  }

  // What the connection tells.

  register() {
    const { platform = "WEB", features = FEATURES, audio, onDisconnect } = this.#options;
    return {
      platform,
      ...onWire(this.#settings),
      features,
      audio: audio && { input_rate: audio.inputRate, output_rate: audio.outputRate },
      on_disconnect: onDisconnect,
    };
  }

  seen() {
    return this.#cursor.seen;
  }

  /** @param {ConnectionState} state @param {{attempt?: number, inMs?: number}} more */
  state(state, more) {
    this.#emit("state", { state, ...more });
  }

  /** @param {number} ms */
  measured(ms) {
    this.rttMs = ms;
    this.#emit("rtt", { ms });
  }

  /** @param {VoxintError} error */
  fault(error) {
    this.#emit("error", { error });
  }

  /** @param {Registered} registered */
  registered({ opened, resumed, fresh }) {
    const never = resumed ? this.#cursor.resumed(resumed) : [];
    for (let next = this.#outbox.take(); next; next = this.#outbox.take()) {
      this.connection.send(next.type, next.payload);
      next.sent?.();
    }
    const lost = [...new Set([...never, ...(resumed?.lost ?? [])])];
    this.#emit("open", { sessionId: opened.sessionId, resumed: resumed !== null, lost, fresh });
    const message = "it has not reached the server, or is forgotten there";
    this.#failAll(never, new VoxintError("lost", message, { retryable: true }));
  }

  /** @param {Voice} frame */
  voice({ requestId, seq, pcm }) {
    if (this.#took(requestId, null, seq)) this.#emit("audio", { requestId, pcm, seq });
  }

  /** @param {Incoming} message */
  message({ type, payload }) {
    switch (type) {
      case "RESPONSE":
        this.#response(response(payload));
        break;
      case "INTERRUPT_ACK":
        this.#acknowledged(acknowledgement(payload));
        break;
      case "SESSION_INFO":
        this.#infos.next("")?.resolve(object(payload.session_data));
        break;
      case "ERROR": {
        const error = toldByServer(payload, this.connection.draining);
        if (error.requestId) this.fail(error.requestId, error);
        else this.fault(error);
        break;
      }
      default:
        this.#tell(notice(type, payload));
    }
  }

  /** The session is. */
  gone() {
    this.#failAll(this.#cursor.clear(), new VoxintError("session_gone", "the server has this session no more"));
  }

  lost() {
    const lost = () => new VoxintError("lost", "the connection was lost before the answer", { retryable: true });
    this.#acks.fail(lost);
    this.#infos.fail(lost);
    if (this.upload?.underWay) this.upload.cut(); // the server interrupts it, and says so when the session goes on
  }

  /** @param {VoxintError} error */
  ended(error) {
    this.over = error;
    this.#clock.clearTimeout(this.#sweep);
    this.#sweep = null;
    this.#acks.fail(() => error);
    this.#infos.fail(() => error);
    this.#outbox.clear();
    this.upload?.cut();
    this.#failAll([...new Set([...this.#requests.ids, ...this.#cursor.clear()])], error);
    if (error.code !== "closed") this.fault(error);
  }

  // What becomes of a message.

  /** @param {Told | null} told null: a newer server's message, which a client need not know */
  #tell(told) {
    if (told === null) return;
    const [name, detail] = told;
    if (name === "speech" && detail.outcome === "request") this.#cursor.began(detail.requestId); // its answer comes
    this.#emit(name, detail);
  }

  /** @param {ReturnType<typeof response>} frame */
  #response({ requestId, textSeq, voiceSeq, ended, told }) {
    const quiet = this.#requests.isQuiet(requestId);
    if (!ended && !this.#took(requestId, textSeq, voiceSeq)) return;
    for (const [name, detail] of told) {
      if (name === "text") this.#requests.heard(requestId, this.#clock.now(), detail.text);
      if (name === "end") {
        this.#finish(requestId);
        this.#requests.end(requestId, detail.interrupted, detail.reason);
      }
      if (!quiet) this.#emit(name, detail);
    }
  }

  /**
   * Note a frame, and return whether it is to be told.
   *
   * @param {string} requestId @param {number | null} textSeq @param {number | null} voiceSeq
   */
  #took(requestId, textSeq, voiceSeq) {
    this.heard(requestId);
    if (this.#finished.has(requestId)) return true; // it should not have come: whoever counts these has to see it
    const place = this.#cursor.took(requestId, textSeq, voiceSeq);
    if (place !== "next") {
      const message = place === "again" ? "a frame came twice" : "a frame is missing";
      this.fault(new VoxintError("malformed", message, { requestId }));
    }
    return place !== "again";
  }

  /** @param {ReturnType<typeof acknowledgement>} told */
  #acknowledged(told) {
    const asked = this.#acks.next(kindOf(told.interruptRequestId, told.mode));
    if (asked === null) throw new VoxintError("malformed", "an INTERRUPT_ACK came that nobody waits for");
    const ack = { ...told, reason: asked.note, sentAt: asked.askedAt, ackAt: this.#clock.now() };
    this.#emit("ack", ack);
    asked.resolve(ack);
  }

  /** @param {string} requestId */
  #finish(requestId) {
    this.#cursor.ended(requestId);
    if (this.upload?.requestId === requestId) this.upload.cut();
    this.#finished.add(requestId);
    const [oldest] = this.#finished;
    if (this.#finished.size > MOST_FINISHED && oldest !== undefined) this.#finished.delete(oldest);
  }

  /** @param {string} requestId @param {VoxintError} error */
  fail(requestId, error) {
    const quiet = this.#requests.isQuiet(requestId);
    this.#finish(requestId);
    this.#outbox.drop(requestId);
    this.#requests.fail(requestId, error);
    if (!quiet) this.#emit("failed", { requestId, error });
  }

  /** @param {string[]} ids @param {VoxintError} error */
  #failAll(ids, error) {
    for (const id of ids) this.fail(id, error.of(id));
  }

  #sweepLater() {
    this.#sweep = this.#clock.setTimeout(() => {
      const late = new VoxintError("timeout", "nothing came of it for two minutes", { retryable: true });
      this.#failAll(this.#requests.overdue(this.#clock.now()), late);
      this.#sweepLater();
    }, SWEEP_MS);
  }
}

/**
 * The kind of an acknowledgement: that of a hold may come before that of an earlier commit of the same id.
 *
 * @param {string | null} requestId @param {InterruptMode} mode
 */
function kindOf(requestId, mode) {
  return JSON.stringify([requestId, mode]);
}
