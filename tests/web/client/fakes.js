/** A clock, a WebSocket and a player that a test moves by hand. */

import { Emitter } from "../../../voxint/web/client/emitter.js";
import { WebSocketClient } from "../../../voxint/web/client/websocket-client.js";

/** @import { ClientOptions } from "../../../voxint/web/client/types.js" */

/** @typedef {Record<string, unknown>} Payload */

export class FakeClock {
  #now = 1000;
  /** @type {Map<number, {at: number, callback: () => void}>} */
  #timers = new Map();
  #made = 0;
  now = () => this.#now;
  /** @param {() => void} callback @param {number} ms */
  setTimeout = (callback, ms) => {
    this.#timers.set(++this.#made, { at: this.#now + ms, callback });
    return this.#made;
  };
  /** @param {unknown} timer */
  clearTimeout = (timer) => void this.#timers.delete(/** @type {number} */ (timer));

  get waiting() {
    return this.#timers.size;
  }

  /**
   * Sleep as a closed laptop does: what was due meanwhile happens at the end.
   *
   * @param {number} ms
   */
  async sleep(ms) {
    this.#now += ms;
    await this.pass(0);
  }

  /**
   * Let time pass, and everything that is due in it happen in order.
   *
   * @param {number} ms
   */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled(); // what waits for no time may ask for some first
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      const [next] = due;
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].callback();
    }
    this.#now = end;
    await settled();
  }
}

/** Wait until every promise that can go on has. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The server's end of a WebSocket, and the browser's. */
export class FakeSocket {
  /** @type {FakeSocket[]} */
  static made = [];
  static get last() {
    return /** @type {FakeSocket} */ (FakeSocket.made.at(-1));
  }
  readyState = 0;
  bufferedAmount = 0;
  binaryType = "";
  /** @type {(string | Uint8Array)[]} */
  sent = [];
  onopen = () => {};
  onerror = () => {};
  onclose = (/** @type {{code: number, reason: string}} */ event) => void event;
  onmessage = (/** @type {{data: unknown}} */ event) => void event;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    FakeSocket.made.push(this);
  }

  /** @param {string | Uint8Array} frame */
  send(frame) {
    this.sent.push(frame);
  }

  close() {
    this.readyState = 2;
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  /** @param {number} code @param {string} [reason] */
  lose(code, reason = "") {
    this.readyState = 3;
    this.onclose({ code, reason });
  }

  /** @param {string} msg_type @param {Payload} payload */
  say(msg_type, payload) {
    this.raw(JSON.stringify({ version: "1.0", msg_type, session_id: "sess_1", payload, timestamp: 0 }));
  }

  /** @param {unknown} data */
  raw(data) {
    this.onmessage({ data });
  }

  /**
   * What the client has said.
   *
   * @param {string} [type] only that
   * @returns {{type: string, session: string | null, payload: Payload}[]}
   */
  said(type) {
    const texts = this.sent.filter((frame) => typeof frame === "string").map((frame) => JSON.parse(frame));
    const all = texts.map(({ msg_type, session_id, payload }) => ({ type: msg_type, session: session_id, payload }));
    return all.filter((each) => type === undefined || each.type === type);
  }

  get bytes() {
    return this.sent.filter((frame) => typeof frame !== "string").reduce((sum, frame) => sum + frame.length, 0);
  }

  /** @param {Payload} [more] */
  register(more = {}) {
    if (this.readyState === 0) this.open();
    const features = ["binary_audio", "transcripts", "hold", "server_vad"];
    const audio = { input_rate: 16000, output_rate: 16000 };
    this.say("REGISTER_ACK", {
      status: "SUCCESS",
      features,
      audio,
      resume_token: `token_${FakeSocket.made.length}`,
      ...more,
    });
  }
}

/** FakeSocket as what the client takes. */
export const Socket = /** @type {typeof WebSocket} */ (/** @type {unknown} */ (FakeSocket));

/**
 * Return all that an emitter tells, as it comes.
 *
 * @template {object} Events
 * @param {Emitter<Events>} emitter
 * @param {(keyof Events & string)[]} names
 */
export function record(emitter, ...names) {
  /** @type {unknown[][]} */
  const told = [];
  for (const name of names) emitter.on(name, (detail) => told.push([name, detail]));
  return told;
}

/**
 * A player that says what it was told.
 *
 * @extends {Emitter<{played: {requestId: string, playedMs: number}, drained: {requestId: string}}>}
 */
export class FakePlayer extends Emitter {
  /** @type {unknown[][]} */
  told = [];
  ms = 0;
  /** @param {string} id */
  begin(id) {
    this.told.push(["begin", id]);
  }
  /** @param {string} id @param {Int16Array} pcm */
  put(id, pcm) {
    this.told.push(["put", id, pcm.length]);
  }
  /** @param {string} id */
  end(id) {
    this.told.push(["end", id]);
  }
  pause() {
    this.told.push(["pause"]);
  }
  resume() {
    this.told.push(["resume"]);
  }
  /** @param {string} [id] */
  async discard(id) {
    this.told.push(["discard", id]);
  }
  /** @param {string} id */
  playedMs(id) {
    return id === "" ? 0 : this.ms;
  }
  /** @param {string} requestId @param {number} playedMs */
  plays(requestId, playedMs) {
    this.ms = playedMs;
    this.emit("played", { requestId, playedMs });
  }
  /** @param {string} requestId */
  drains(requestId) {
    this.emit("drained", { requestId });
  }
}

/** Make a client that nobody has answered. @param {Partial<ClientOptions>} [options] */
export function setUp(options = {}) {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const client = new WebSocketClient({
    url: "ws://x/ws/agent/stream",
    WebSocket: Socket,
    clock,
    random: () => 1,
    ...options,
  });
  const told = record(client, "state", "open", "failed", "error");
  return { clock, client, told };
}

/** Make one that is connected. @param {Partial<ClientOptions>} [options] */
export async function opened(options) {
  const made = setUp(options);
  const connected = made.client.connect();
  await settled();
  FakeSocket.last.register();
  await connected;
  made.told.length = 0;
  return made;
}
