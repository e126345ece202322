/** Stand-ins for the server and the devices of a VoiceAgent, in virtual time. */
import { Emitter } from "../../../voxint/web/client/emitter.js";
import { VoxintError } from "../../../voxint/web/client/errors.js";
import { FakeClock, settled } from "./fakes.js";

/** @import { Ack, ClientEvents, Receipt } from "../../../voxint/web/client/types.js" */

/** @param {string} requestId @param {Partial<Receipt>} [more] @returns {Receipt} */
export const receipt = (requestId, more) => ({
  request_id: requestId, reason: "USER_STOP", stop_ms: 2,
  stages: { stt: "idle", llm: "closed", tts: "closed", tools: "idle" }, closed_ms: { llm: 1, tts: 2 },
  usage: { llm_tokens: 30, tts_characters: 60, source: "estimated" },
  audio: { generated_ms: 2000, sent_ms: 1500, heard_ms: 1200, source: "client" },
  text: { generated_chars: 100, heard: "The keeper" }, last: { text_stream_seq: 2, voice_stream_seq: 30 }, ...more,
});

/** A connection that grants what it is made with; what was sent stands in `sent`. @extends {Emitter<ClientEvents>} */
export class FakeClient extends Emitter {
  /** @type {"closed" | "connecting" | "open" | "waiting"} */
  state = "closed";
  sessionId = "sess_1";
  /** @type {Set<string>} */
  features = new Set();
  rttMs = 10;
  /** @type {any[][]} */
  sent = [];
  /** @type {VoxintError | null} what the next connect fails with */
  refuses = null;
  requireTts = true;
  /** Whether the network has room. */
  takes = true;
  audio = { inputRate: 16000, outputRate: 24000 };
  /** @type {(id: string | null, mode: string) => Promise<Ack>} */
  acknowledges = async (id, mode) => this.ack(id, mode, receipt(id ?? ""));
  #uploads = 0;
  #interrupting = 0;

  /** @param {any} options */
  constructor(options) {
    super();
    this.options = options;
    this.granted = options.features;
    made.push(this);
  }

  async connect() {
    this.becomes("connecting");
    await settled();
    if (this.refuses) {
      this.becomes("closed");
      throw this.refuses;
    }
    this.opens();
    return { sessionId: this.sessionId, features: this.features, audio: this.audio };
  }

  /** @param {FakeClient["state"]} state @param {object} [more] */
  becomes(state, more) {
    this.state = state;
    this.emit("state", { state, ...more });
  }

  opens(more = {}) {
    this.features = new Set(this.granted);
    this.becomes("open");
    this.emit("open", { sessionId: this.sessionId, resumed: false, lost: [], fresh: false, ...more });
  }

  /** @param {string | null} id @param {string} mode @param {Receipt | null} of @returns {Ack} */
  ack(id, mode, of) {
    const { now } = this.options.clock;
    return {
      interruptRequestId: id, interruptedRequestIds: id ? [id] : [], status: "SUCCESS", reason: "USER_STOP",
      outcomes: id ? { [id]: mode === "commit" ? "stopped" : mode === "hold" ? "held" : "released" } : {},
      receipts: id && of && mode === "commit" ? { [id]: of } : {}, mode: /** @type {Ack["mode"]} */ (mode),
      sentAt: now(), ackAt: now(),
    };
  }

  /**
   * Bring what an answer is when its bubble has that status.
   *
   * @param {string} requestId
   * @param {"waiting" | "speaking" | "held" | "complete"} status
   */
  answers(requestId, status) {
    const played = { requestId, playedMs: 100 };
    if (status === "waiting") this.emit("call", { requestId, name: "look", parameters: {}, callId: "c" });
    if (status === "held") this.emit("hold", { requestId, state: "held", seq: 1, reason: null });
    if (status === "complete") {
      this.emit("end", { requestId, interrupted: false, reason: null });
      devices.player?.tells("drained", { requestId });
    }
    if (status !== "speaking") return;
    this.emit("text", { requestId, text: "The keeper lived here.", seq: 0 });
    this.emit("audio", { requestId, pcm: new Int16Array(48000), seq: 0 });
    devices.player?.tells("played", played);
  }

  isInterrupting() {
    return this.#interrupting > 0;
  }

  /** @param {string} requestId @param {number} playedMs */
  played(requestId, playedMs) {
    this.sent.push(["PLAYED", requestId, playedMs]);
  }

  /** @param {string} text */
  sendTextRequest(text) {
    this.sent.push(["ASK", text]);
    return { requestId: `req_t${++this.#uploads}`, promise: new Promise(() => {}) };
  }

  /** @param {string | null} id @param {{mode?: string, playedMs?: number, reason?: string}} [how] */
  async interrupt(id, { mode = "commit", playedMs, reason } = {}) {
    this.sent.push(["INTERRUPT", id, mode, reason, playedMs]);
    this.#interrupting += 1;
    const ack = await this.acknowledges(id, mode);
    this.#interrupting -= 1;
    if (mode === "commit" && id) this.emit("end", { requestId: id, interrupted: true, reason: reason ?? "USER_STOP" });
    this.emit("ack", ack);
    return ack;
  }

  /** @param {Int16Array} pcm */
  sendAudio(pcm) {
    if (this.takes) this.sent.push(["AUDIO", pcm.length]);
    return this.takes;
  }

  /** @param {Int16Array} pcm */
  sendVoiceRequest(pcm) {
    this.sent.push(["VOICE", pcm.length]);
    return { requestId: "req_v", promise: new Promise(() => {}) };
  }

  sendVoiceRequestStream() {
    const requestId = `req_u${++this.#uploads}`;
    this.sent.push(["BEGIN", requestId]);
    return {
      requestId, promise: new Promise(() => {}),
      write: (/** @type {Int16Array} */ pcm) => void this.sent.push(["WRITE", pcm.length]),
      end: () => void this.sent.push(["END", requestId]), cancel: async () => this.ack(requestId, "commit", null),
    };
  }

  /** @param {object} settings */
  async updateSession(settings) {
    this.sent.push(["UPDATE", settings]);
  }

  async joinToken() {
    return "tok/en";
  }

  /** @param {string} [reason] */
  async close(reason) {
    this.sent.push(["CLOSE", reason]);
    this.becomes("closed");
  }
}

/** @type {FakeClient[]} every client that was made, the latest last */
export const made = [];

/** What the last of these was. @type {{player: FakePlayer | null, recorder: FakeRecorder | null, opens: number}} */
export const devices = { player: null, recorder: null, opens: 0 };

/** @extends {Emitter<any>} */
export class FakePlayer extends Emitter {
  /** @type {string[]} */
  did = [];
  ms = 1200;
  hintPort = /** @type {any} */ ({});

  /** @param {any} context @param {{rate?: number}} [options] */
  static async open(context, { rate } = {}) {
    devices.player = new FakePlayer();
    devices.player.did.push(`open ${rate}`);
    return /** @type {any} */ (devices.player);
  }

  /** @param {string} name @param {object} detail */
  tells(name, detail) {
    this.emit(name, detail);
  }

  playedMs() {
    return this.ms;
  }

  /** @param {string} requestId */
  async discard(requestId) {
    this.did.push(`discard ${requestId}`);
    return { requestId, playedMs: this.ms, silentFrame: 0 };
  }

  begin() {}
  put() {}
  end() {}

  pause() {
    this.did.push("pause");
  }

  resume() {
    this.did.push("resume");
  }

  close() {
    this.did.push("close");
  }
}

/** @extends {Emitter<any>} */
export class FakeRecorder extends Emitter {
  muted = false;
  closed = false;
  /** @type {boolean[]} */
  confirmed = [];
  frame = 48000;

  /** @type {() => Promise<void>} what a person and a device say */
  static allows = async () => {};

  static async open() {
    devices.opens += 1;
    await FakeRecorder.allows();
    devices.recorder = new FakeRecorder();
    return /** @type {any} */ (devices.recorder);
  }

  /** @param {string} name @param {object | null} detail */
  tells(name, detail) {
    this.emit(name, detail);
  }

  /** Record 20 ms, as often.  @param {number} [times] */
  hears(times = 1) {
    for (; times > 0; times--) {
      this.tells("audio", { pcm: new Int16Array(320), frame: this.frame });
      this.frame += 960;
    }
  }

  /** @param {boolean} was */
  confirm(was) {
    this.confirmed.push(was);
  }

  close() {
    this.closed = true;
  }
}

/** A context of 48 kHz whose time began with the clock's 0. */
export class FakeContext extends EventTarget {
  /** @type {FakeClock} */
  static clock;
  /** Whether a click has been. */
  static allowed = true;
  /** @type {FakeContext} */
  static latest;
  sampleRate = 48000;
  state = "suspended";

  constructor() {
    super();
    FakeContext.latest = this;
  }

  get currentTime() {
    return FakeContext.clock.now() / 1000;
  }

  resume() {
    if (!FakeContext.allowed) return new Promise(() => {});
    this.becomes("running");
    return Promise.resolve();
  }

  /** @param {string} state */
  becomes(state) {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }

  async close() {
    this.state = "closed";
  }
}

/** Begin anew: devices that are there, allowed and closed, on a clock of their own. */
export function freshDevices() {
  const clock = new FakeClock();
  FakeContext.clock = clock;
  FakeContext.allowed = true;
  FakeRecorder.allows = async () => {};
  Object.assign(devices, { player: null, recorder: null, opens: 0 });
  return clock;
}
