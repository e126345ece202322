/** @import { Deferred } from "./clock.js" */
/** @import { Incoming, Voice } from "./envelope.js" */
/** @import { ClientOptions, ConnectionState, Opened } from "./types.js" */

import { delayMs } from "./backoff.js";
import { CLOCK, deferred, within } from "./clock.js";
import { malformed, pack } from "./envelope.js";
import { toldByClose, toldByServer, VoxintError } from "./errors.js";
import { object, strings } from "./incoming.js";
import { MessageSocket } from "./message-socket.js";
import { isVisible, watchReturn } from "./presence.js";
import { Pulse } from "./pulse.js";

const OPENING_MS = 10_000; // ours: from the dial to REGISTER_ACK; the slowest right answer takes some 3 s
const STEADY_MS = 10_000; // ours: a connection that held for so long is no failed try
const FAREWELL_MS = 1_000; // wire.md: the server's own patience with a close

/**
 * @typedef {object} Registered
 * @property {Opened} opened
 * @property {{live: string[], lost: string[], outcomes: object} | null} resumed
 * @property {boolean} fresh whether an old session was gone
 *
 * @typedef {object} Owner who is told, and may close the connection whenever it is
 * @property {() => object} register what REGISTER says, all but `auth` and `resume`
 * @property {() => object} seen what of each request has come
 * @property {(state: ConnectionState, more: {attempt?: number, inMs?: number}) => void} state
 * @property {(registered: Registered) => void} registered
 * @property {(message: Incoming) => void} message
 * @property {(frame: Voice) => void} voice
 * @property {(error: VoxintError) => void} fault
 * @property {() => void} lost the connection is gone; there may be a next one
 * @property {() => void} gone the session is
 * @property {(error: VoxintError) => void} ended there will be no other connection until `connect`
 * @property {(ms: number) => void} measured the least round trip of the last few
 */

/** Keeps one registered connection: dials, registers, goes on with the session where the last one was lost. */
export class Connection {
  /** @type {ConnectionState} */
  state = "closed";
  /** @type {Opened | null} */
  opened = null;
  /** Whether the server has said that it goes down. */
  draining = false;
  #options;
  #owner;
  #clock;
  /** @type {MessageSocket | null} */
  #socket = null;
  /** @type {Pulse | null} */
  #pulse = null;
  /** What REGISTER resumes. @type {{session_id: string, resume_token: string} | null} */
  #resume = null;
  /** Whether that is another device's session, whose token this one has not used yet. */
  #joins = false;
  #fresh = false;
  #tries = 0;
  /** Of the dial under way: what an older one still brings is nobody's. */
  #dials = 0;
  #openedAt = 0;
  /** @type {VoxintError | null} why REGISTER was refused */
  #refusal = null;
  /** @type {unknown} */
  #timer = null;
  /** @type {Deferred<Opened> | null} what `connect` has promised */
  #first = null;
  /** @type {WeakMap<MessageSocket, (value: unknown) => void>} who waits for the server's goodbye */
  #farewells = new WeakMap();
  #unwatch = () => {};

  /** @param {ClientOptions} options @param {Owner} owner */
  constructor(options, owner) {
    this.#options = options;
    this.#owner = owner;
    this.#clock = options.clock ?? CLOCK;
    const { join } = options;
    if (join) this.#resume = { session_id: join.sessionId, resume_token: join.token };
    this.#joins = join !== undefined;
  }

  /** Whether a message can be sent now. */
  get open() {
    return this.state === "open" && (this.#socket?.open ?? false);
  }

  /** Bytes that the platform has not sent yet. */
  get behind() {
    return this.#socket?.behind ?? 0;
  }

  /** @returns {Promise<Opened>} one whose rejection needs no catch: `fault` and `ended` tell it too */
  connect() {
    if (this.opened && this.state === "open") return Promise.resolve(this.opened);
    const { promise } = (this.#first ??= deferred());
    if (this.state === "closed") {
      this.#tries = 0;
      this.#unwatch = watchReturn(() => this.#hint());
    }
    if (this.state !== "connecting") void this.#dial();
    return promise;
  }

  /** @param {string} type @param {object} payload */
  send(type, payload) {
    this.#socket?.send(pack(type, payload, this.opened?.sessionId ?? null, Date.now()));
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  sendBytes(bytes) {
    this.#socket?.send(bytes);
  }

  /**
   * End the session, and wait until the server has said goodbye, for a second at most.
   *
   * @param {string} reason for people
   */
  async close(reason) {
    if (this.state === "closed") return;
    const { open } = this;
    const socket = this.#socket;
    if (open) this.send("SHUTDOWN", { reason });
    this.#dials += 1;
    this.#resume = null;
    this.#fresh = false;
    this.#socket = null;
    const answered = open && socket && new Promise((resolve) => this.#farewells.set(socket, resolve));
    this.#end(new VoxintError("closed", "the client was closed"));
    if (answered) await within(answered, FAREWELL_MS, () => new Error(), this.#clock).catch(() => {}); // then it is cut
    socket?.drop();
  }

  /** @param {ConnectionState} state @param {{attempt?: number, inMs?: number}} [more] */
  #become(state, more = {}) {
    this.state = state;
    this.#owner.state(state, more);
  }

  async #dial() {
    const dial = ++this.#dials;
    this.#clock.clearTimeout(this.#timer);
    this.#refusal = null;
    if (this.opened && !this.#resume) this.#gone(); // a server that gives no token resumes nothing
    if (dial !== this.#dials) return; // it was closed by who was told
    const silence = "no answer to REGISTER in time: is this a voxint server?";
    const late = () => this.#broke(this.#refusal ?? again("timeout", silence)); // one that refuses has to close, too
    this.#timer = this.#clock.setTimeout(late, OPENING_MS);
    this.#become("connecting", { attempt: this.#tries + 1 });
    try {
      const auth = await this.#auth();
      if (dial === this.#dials) this.#socket = this.#newSocket(auth);
    } catch (error) {
      if (dial === this.#dials) this.#broke(/** @type {VoxintError} */ (error));
    }
  }

  /** The session is; told once, until there is another. */
  #gone() {
    this.#resume = null;
    if (this.#fresh) return;
    this.#fresh = true;
    this.#owner.gone();
  }

  async #auth() {
    const { auth } = this.#options;
    if (typeof auth !== "function") return auth ?? { type: "API_KEY", api_key: "any" };
    try {
      return await auth(); // bounded by the opening
    } catch (cause) {
      if (cause instanceof VoxintError) throw cause;
      const words = `no key to register with: ${cause instanceof Error ? cause.message : cause}`;
      throw new VoxintError("unreachable", words, { detail: "auth", retryable: true, cause });
    }
  }

  /** @param {object} auth */
  #newSocket(auth) {
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!Socket) throw new VoxintError("no_websocket", "this platform has no WebSocket: give one as an option");
    /** @type {MessageSocket} */
    const socket = new MessageSocket(Socket, String(this.#options.url), {
      open: () => socket.send(pack("REGISTER", this.#register(auth), null, Date.now())),
      message: (message) => socket === this.#socket && this.#receive(message),
      voice: (frame) => {
        if (socket !== this.#socket) return;
        this.#pulse?.heard();
        this.#owner.voice(frame);
      },
      fault: (error) => this.#owner.fault(error),
      closed: (code, reason) => {
        if (socket === this.#socket) this.#broke(this.#refusal ?? toldByClose(code, reason, this.state === "open"));
        this.#farewells.get(socket)?.(undefined);
      },
    });
    return socket;
  }

  /** @param {object} auth */
  #register(auth) {
    const seen = this.#joins ? undefined : this.#owner.seen();
    return { ...this.#owner.register(), auth, resume: this.#resume ? { ...this.#resume, seen } : undefined };
  }

  /** @param {Incoming} message */
  #receive(message) {
    this.#pulse?.heard();
    const { type, payload } = message;
    if (this.state === "connecting") {
      if (type === "REGISTER_ACK") this.#registered(message);
      else if (type === "ERROR") this.#refused(payload);
      return; // a server says nothing else before
    }
    switch (type) {
      case "HEARTBEAT":
        this.send("HEARTBEAT_REPLY", { client_status: "ONLINE" });
        break;
      case "HEALTH_CHECK_ACK":
        this.#pulse?.pong();
        break;
      case "SHUTDOWN":
        this.draining = true;
        this.#owner.fault(again("draining", "the server goes down; what is live may end"));
        break;
      default:
        this.#owner.message(message);
    }
  }

  /** @param {Incoming} message */
  #registered({ sessionId, payload }) {
    if (sessionId === null) throw malformed("REGISTER_ACK has no session_id");
    const audio = object(payload.audio);
    const opened = {
      sessionId,
      features: new Set(strings(payload.features)),
      audio: { inputRate: rateOf(audio.input_rate), outputRate: rateOf(audio.output_rate) },
    };
    const token = payload.resume_token;
    const told = object(payload.resumed);
    const resumed = { live: strings(told.live), lost: strings(told.lost), outcomes: object(told.outcomes) };
    const registered = { opened, resumed: payload.resumed ? resumed : null, fresh: this.#fresh };
    this.#clock.clearTimeout(this.#timer);
    this.#resume = typeof token === "string" ? { session_id: sessionId, resume_token: token } : null;
    this.#joins = this.#fresh = this.draining = false;
    this.opened = opened;
    this.#openedAt = this.#clock.now();
    this.state = "open";
    const pulse = (this.#pulse = new Pulse(this.#clock, {
      visible: isVisible,
      ping: () => this.send("HEALTH_CHECK", {}),
      dead: () => this.#broke(again("lost", "nothing came from the server for too long")),
      measured: (ms) => this.#owner.measured(ms),
    }));
    const first = this.#first;
    this.#first = null;
    first?.resolve(opened);
    this.#owner.state("open", {});
    if (pulse === this.#pulse) this.#owner.registered(registered); // else it was closed by who was told
  }

  /** @param {Record<string, unknown>} payload of an ERROR that came in place of REGISTER_ACK */
  #refused(payload) {
    const error = toldByServer(payload);
    const gone = error.code === "session_gone" && error.detail.startsWith("$.payload.resume");
    if (gone && this.#joins) {
      this.#resume = null; // the link is used up: whoever connects again begins a session of their own
      this.#joins = false;
    } else if (gone && this.#resume) {
      this.#socket?.drop();
      this.#socket = null;
      const dials = this.#dials;
      this.#gone();
      if (dials === this.#dials) void this.#dial(); // at once: the next REGISTER asks for no old session
      return;
    }
    const keyless = error.code === "key_refused" && this.#options.auth === undefined;
    this.#refusal = keyless ? new VoxintError("key_needed", "this server asks for a key") : error;
  }

  /** @param {VoxintError} error why there is no connection */
  #broke(error) {
    this.#dials += 1;
    this.#letGo();
    if (this.state === "open") {
      if (this.#clock.now() - this.#openedAt > STEADY_MS) this.#tries = 0;
      this.#owner.lost();
    }
    if (!error.retryable || this.#options.reconnect === false) {
      this.#end(error);
      return;
    }
    this.#fail(error);
    this.#tries += 1;
    const inMs = delayMs(this.#tries, this.#options.random ?? Math.random);
    this.#timer = this.#clock.setTimeout(() => void this.#dial(), inMs);
    this.#become("waiting", { attempt: this.#tries, inMs });
    this.#owner.fault(error);
  }

  /** @param {VoxintError} error what the promise of `connect` is told, which is not that of the next try */
  #fail(error) {
    this.#first?.reject(error);
    this.#first = null;
  }

  #letGo() {
    this.#clock.clearTimeout(this.#timer);
    this.#pulse?.stop();
    this.#pulse = null;
    this.#socket?.drop();
    this.#socket = null;
  }

  /** @param {VoxintError} error */
  #end(error) {
    this.#fail(error);
    this.#letGo();
    this.#unwatch();
    if (error.code === "closed") this.opened = null;
    this.#become("closed");
    this.#owner.ended(error);
  }

  /** The network or the person may be back. */
  #hint() {
    if (this.state === "waiting") void this.#dial();
    else if (this.state === "open") this.#pulse?.probe();
  }
}

/**
 * @param {unknown} value in Hz; 16,000 where there is none
 * @returns {number} one that the resampler takes
 */
function rateOf(value = 16_000) {
  if (typeof value === "number" && Number.isInteger(value) && value >= 8_000 && value <= 384_000) return value;
  throw malformed("REGISTER_ACK has a sample rate that is none");
}

/** @param {import("./errors.js").ErrorCode} code @param {string} message */
function again(code, message) {
  return new VoxintError(code, message, { retryable: true });
}
