/**
 * Keeps one registered connection: dials, registers, goes on with the session where the last one was lost, tries again.
 *
 * @import { Incoming } from "./envelope.js"
 * @import { ClientOptions, ConnectionState, Opened } from "./types.js"
 */

import { isVisible, watchReturn } from "./away.js";
import { delayMs } from "./backoff.js";
import { CLOCK, deferred, within } from "./clock.js";
import { malformed, pack } from "./envelope.js";
import { toldByClose, toldByServer, VoxintError } from "./errors.js";
import { object, strings } from "./incoming.js";
import { Link } from "./link.js";
import { Pulse } from "./pulse.js";

const OPENING_MS = 10_000; // ours: from the dial to REGISTER_ACK; the slowest right answer takes some 3 s
const STEADY_MS = 10_000; // ours: a connection that held for so long is no failed try
const NO_WEBSOCKET = "this platform has no WebSocket: give one as an option, or Node 20 --experimental-websocket";
const FAREWELL_MS = 1_000; // wire.md: the server's own patience with a close

/**
 * @typedef {object} Registered
 * @property {Opened} opened
 * @property {{live: string[], lost: string[], outcomes: object} | null} resumed
 * @property {boolean} fresh whether an old session was gone
 *
 * @typedef {object} Owner who is told
 * @property {() => object} register what REGISTER says, all but `auth` and `resume`
 * @property {() => object} seen what of each request has come
 * @property {(state: ConnectionState, more: {attempt?: number, inMs?: number}) => void} state
 * @property {(registered: Registered) => void} registered
 * @property {(message: Incoming) => void} message
 * @property {(frame: {requestId: string, seq: number, pcm: Int16Array}) => void} voice
 * @property {(error: VoxintError) => void} fault
 * @property {(error: VoxintError) => void} lost the connection is gone; there may be a next one
 * @property {() => void} gone the session is
 * @property {(error: VoxintError) => void} ended there will be no other connection until `connect`
 * @property {(ms: number) => void} measured the least round trip of the last few
 */

export class Connector {
  /** @type {ConnectionState} */
  state = "closed";
  /** @type {Opened | null} */
  opened = null;
  /** Whether the server has said that it goes down. */
  draining = false;
  #options;
  #owner;
  #clock;
  /** @type {Link | null} */
  #link = null;
  /** @type {Pulse | null} */
  #pulse = null;
  /** @type {{session_id: string, resume_token: string} | null} */
  #resume = null;
  #fresh = false;
  #tries = 0;
  /** Of the dial under way: what an older one still brings is nobody's. */
  #dials = 0;
  #openedAt = 0;
  /** @type {unknown} */
  #timer = null;
  /** @type {import("./clock.js").Deferred<Opened> | null} what `connect` has promised */
  #first = null;
  /** @type {WeakMap<Link, (value: unknown) => void>} who waits for the server's goodbye */
  #farewells = new WeakMap();
  #unwatch = () => {};

  /**
   * @param {ClientOptions} options
   * @param {Owner} owner
   */
  constructor(options, owner) {
    this.#options = options;
    this.#owner = owner;
    this.#clock = options.clock ?? CLOCK;
  }

  /** Whether a message can be sent now. */
  get open() {
    return this.state === "open" && (this.#link?.open ?? false);
  }

  /** Bytes that the platform has not sent yet. */
  get behind() {
    return this.#link?.behind ?? 0;
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

  /**
   * @param {string} type
   * @param {object} payload
   */
  send(type, payload) {
    this.#link?.send(pack(type, payload, this.opened?.sessionId ?? null, Date.now()));
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  sendBytes(bytes) {
    this.#link?.send(bytes);
  }

  /**
   * End the session, and wait until the server has said goodbye, for a second at most.
   *
   * @param {string} reason for people
   */
  async close(reason) {
    if (this.state === "closed") return;
    this.#dials += 1;
    this.#resume = null;
    const link = this.#link;
    if (this.open) this.send("SHUTDOWN", { reason });
    this.#link = null;
    const answered = link?.open ? new Promise((resolve) => this.#farewells.set(link, resolve)) : Promise.resolve();
    this.#end(new VoxintError("closed", "the client was closed"));
    await within(answered, this.#clock, FAREWELL_MS, () => new Error()).catch(() => {}); // then it is cut
    link?.drop();
  }

  /** @param {ConnectionState} state @param {{attempt?: number, inMs?: number}} [more] */
  #become(state, more = {}) {
    this.state = state;
    this.#owner.state(state, more);
  }

  async #dial() {
    const dial = ++this.#dials;
    this.#clock.clearTimeout(this.#timer);
    const late = () => this.#broke(again("timeout", "no answer to REGISTER in time: is this a voxint server?"));
    this.#timer = this.#clock.setTimeout(late, OPENING_MS);
    if (this.opened && !this.#resume && !this.#fresh) {
      this.#fresh = true; // a server that gives no token resumes nothing
      this.#owner.gone();
    }
    this.#become("connecting", { attempt: this.#tries + 1 });
    try {
      const auth = await this.#auth();
      if (dial !== this.#dials) return;
      this.#link = this.#newLink(auth);
    } catch (error) {
      if (dial === this.#dials) this.#broke(/** @type {VoxintError} */ (error));
    }
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
  #newLink(auth) {
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!Socket) throw new VoxintError("no_websocket", NO_WEBSOCKET);
    /** @type {Link} */
    const link = new Link(Socket, String(this.#options.url), {
      open: () => link.send(pack("REGISTER", this.#register(auth), null, Date.now())),
      message: (message) => link === this.#link && this.#receive(message),
      voice: (frame) => link === this.#link && this.#hear(frame),
      fault: (error) => this.#owner.fault(error),
      closed: (code, reason) => {
        if (link === this.#link) this.#broke(toldByClose(code, reason, this.state === "open"));
        this.#farewells.get(link)?.(undefined);
      },
    });
    return link;
  }

  /** @param {object} auth */
  #register(auth) {
    const { join } = this.#options;
    if (this.#resume) return { ...this.#owner.register(), auth, resume: { ...this.#resume, seen: this.#owner.seen() } };
    if (join && !this.opened) {
      return { ...this.#owner.register(), auth, resume: { session_id: join.sessionId, resume_token: join.token } };
    }
    return { ...this.#owner.register(), auth };
  }

  /** @param {{requestId: string, seq: number, pcm: Int16Array}} frame */
  #hear(frame) {
    this.#pulse?.heard();
    this.#owner.voice(frame);
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
    const rate = (/** @type {unknown} */ value) => (typeof value === "number" ? value : 16_000);
    const opened = {
      sessionId,
      features: new Set(strings(payload.features)),
      audio: { inputRate: rate(audio.input_rate), outputRate: rate(audio.output_rate) },
    };
    const token = payload.resume_token;
    this.#resume = typeof token === "string" ? { session_id: sessionId, resume_token: token } : null;
    this.#clock.clearTimeout(this.#timer);
    const fresh = this.#fresh;
    this.#fresh = this.draining = false;
    this.opened = opened;
    this.#openedAt = this.#clock.now();
    this.#become("open");
    this.#pulse = new Pulse(this.#clock, {
      visible: isVisible,
      ping: () => this.send("HEALTH_CHECK", {}),
      dead: () => this.#broke(again("lost", "nothing came from the server for too long")),
      measured: (ms) => this.#owner.measured(ms),
    });
    const told = object(payload.resumed);
    const resumed = { live: strings(told.live), lost: strings(told.lost), outcomes: object(told.outcomes) };
    this.#owner.registered({ opened, resumed: payload.resumed ? resumed : null, fresh });
    this.#first?.resolve(opened);
    this.#first = null;
  }

  /** @param {Record<string, unknown>} payload of an ERROR that came in place of REGISTER_ACK */
  #refused(payload) {
    const error = toldByServer(payload);
    if (error.code === "session_gone" && error.detail.startsWith("$.payload.resume") && this.#resume) {
      this.#resume = null;
      this.#fresh = true;
      this.#owner.gone();
      this.#link?.drop();
      void this.#dial(); // at once, and only once: the next REGISTER asks for no old session
      return;
    }
    const keyless = error.code === "key_refused" && this.#options.auth === undefined;
    // At once: after a REGISTER that it does not understand the server waits for a better one.
    this.#broke(keyless ? new VoxintError("key_needed", "this server asks for a key") : error);
  }

  /** @param {VoxintError} error why there is no connection */
  #broke(error) {
    this.#dials += 1;
    const wasOpen = this.state === "open";
    this.#letGo();
    if (wasOpen) {
      if (this.#clock.now() - this.#openedAt > STEADY_MS) this.#tries = 0;
      this.#owner.lost(error);
    }
    if (!error.retryable || this.#options.reconnect === false) {
      this.#end(error);
      return;
    }
    this.#tries += 1;
    const inMs = delayMs(this.#tries, this.#options.random ?? Math.random);
    this.#timer = this.#clock.setTimeout(() => void this.#dial(), inMs);
    this.#become("waiting", { attempt: this.#tries, inMs });
    this.#owner.fault(error);
    this.#first?.reject(error);
    this.#first = null;
  }

  #letGo() {
    this.#clock.clearTimeout(this.#timer);
    this.#pulse?.stop();
    this.#pulse = null;
    this.#link?.drop();
    this.#link = null;
  }

  /** @param {VoxintError} error */
  #end(error) {
    this.#clock.clearTimeout(this.#timer);
    this.#pulse?.stop();
    this.#pulse = null;
    this.#unwatch();
    if (error.code === "closed") this.opened = null;
    this.#become("closed");
    this.#owner.ended(error);
    this.#first?.reject(error);
    this.#first = null;
  }

  /** The network or the person may be back. */
  #hint() {
    if (this.state === "waiting") void this.#dial();
    else if (this.state === "open") this.#pulse?.probe();
  }
}

/**
 * @param {import("./errors.js").ErrorCode} code
 * @param {string} message
 */
function again(code, message) {
  return new VoxintError(code, message, { retryable: true });
}
