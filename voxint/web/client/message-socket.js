/** @import { Incoming, Voice } from "./envelope.js" */

import { unpack, unpackVoice } from "./envelope.js";
import { toldByClose, VoxintError } from "./errors.js";

/**
 * @typedef {object} Reader who is told; nothing of it is called after `drop`
 * @property {() => void} open
 * @property {(message: Incoming) => unknown} message
 * @property {(frame: Voice) => unknown} voice
 * @property {(error: VoxintError) => void} fault what came could not be read; the connection goes on
 * @property {(code: number, reason: string) => void} closed
 */

/** One WebSocket: dialled, read without believing anything, and let go of. */
export class MessageSocket {
  #socket;
  /** @type {Reader | null} */
  #reader;

  /**
   * @param {typeof WebSocket} Socket
   * @param {string} url
   * @param {Reader} reader
   * @throws {VoxintError} "insecure_origin", "malformed": this page can't open such a WebSocket at all
   */
  constructor(Socket, url, reader) {
    this.#reader = reader;
    try {
      this.#socket = new Socket(url);
    } catch (cause) {
      throw notOpened(cause, url);
    }
    const socket = this.#socket;
    socket.binaryType = "arraybuffer";
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#reader?.open();
    };
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    socket.onerror = () => {
      // A close with 1006 follows, by the standard; Node 20 tells none where the connection has not come about.
      if (!opened) this.#closed(1006, "");
    };
  }

  get open() {
    return this.#reader !== null && this.#socket.readyState === 1; // WebSocket.OPEN
  }

  /** Bytes that the platform has not sent yet. */
  get behind() {
    return this.#socket.bufferedAmount;
  }

  /** @param {string | Uint8Array<ArrayBuffer>} frame */
  send(frame) {
    if (this.open) this.#socket.send(frame);
  }

  /** Let go of it at once: nothing more is told, and the platform closes it when it can. */
  drop() {
    this.#reader = null;
    this.#socket.close(1000);
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    const reader = this.#reader;
    this.#reader = null;
    reader?.closed(code, reason);
  }

  /** @param {unknown} data */
  #read(data) {
    try {
      if (typeof data === "string") this.#reader?.message(unpack(data));
      else if (data instanceof ArrayBuffer) this.#reader?.voice(unpackVoice(data));
    } catch (cause) {
      const bug = "what came from the server could not be handled";
      this.#reader?.fault(cause instanceof VoxintError ? cause : new VoxintError("malformed", bug, { cause }));
    }
  }
}

/** @param {unknown} cause what `new WebSocket` threw @param {string} url */
function notOpened(cause, url) {
  const name = cause instanceof Error ? cause.name : "";
  if (name === "SecurityError") {
    return new VoxintError("insecure_origin", "a page that came by https may open wss:// only", { cause });
  }
  if (/^wss?:/.test(url) && name !== "SyntaxError") return toldByClose(1006, "", false);
  const message = "this is no WebSocket's address: write wss://HOST/ws/agent/stream";
  return new VoxintError("malformed", message, { detail: "url", cause });
}
