/** Frames to messages and back. */

import { VoxintError } from "./errors.js";

/**
 * @typedef {{type: string, sessionId: string | null, payload: Record<string, unknown>}} Incoming
 * @typedef {{requestId: string, seq: number, pcm: Int16Array}} Voice
 */

const VOICE = 0x01; // the first byte of a binary frame of speech

/**
 * Return a message as a text frame.
 *
 * @param {string} type
 * @param {object} payload a field that is undefined is left out
 * @param {string | null} sessionId
 * @param {number} now milliseconds since the epoch
 */
export function pack(type, payload, sessionId, now) {
  return JSON.stringify({ version: "1.0", msg_type: type, session_id: sessionId, payload, timestamp: now });
}

/**
 * Return the message that a text frame holds.
 *
 * @param {string} frame
 * @returns {Incoming}
 * @throws {VoxintError} "malformed": it holds none
 */
export function unpack(frame) {
  let message;
  try {
    message = JSON.parse(frame);
  } catch (cause) {
    throw malformed("a text frame is no JSON", cause);
  }
  if (!isObject(message) || typeof message.msg_type !== "string" || !isObject(message.payload ?? {})) {
    throw malformed("a text frame is no message");
  }
  const sessionId = typeof message.session_id === "string" ? message.session_id : null;
  return { type: message.msg_type, sessionId, payload: /** @type {Record<string, unknown>} */ (message.payload ?? {}) };
}

/**
 * Return the speech that a binary frame holds.
 *
 * @param {ArrayBuffer} frame 1, the length of the id, the id, a number of four bytes, then PCM
 * @returns {Voice}
 * @throws {VoxintError} "malformed": it holds none
 */
export function unpackVoice(frame) {
  const view = new DataView(frame);
  const start = frame.byteLength > 1 ? 2 + view.getUint8(1) : 0;
  const size = frame.byteLength - start - 4;
  if (start <= 2 || view.getUint8(0) !== VOICE || size < 0 || size % 2 !== 0) {
    throw malformed("a binary frame holds no speech");
  }
  const requestId = new TextDecoder().decode(new Uint8Array(frame, 2, start - 2));
  return { requestId, seq: view.getUint32(start), pcm: samplesOf(new Uint8Array(frame, start + 4)) };
}

/** Return samples in a buffer of their own. @param {Uint8Array} bytes signed 16-bit little-endian */
export function samplesOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int16Array.from({ length: bytes.byteLength >> 1 }, (_, at) => view.getInt16(2 * at, true));
}

/**
 * Return samples as bytes of their own, signed 16-bit little-endian.
 *
 * @param {Int16Array | ArrayBuffer} pcm an ArrayBuffer is taken as these bytes already
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(pcm) {
  if (pcm instanceof ArrayBuffer) return new Uint8Array(pcm.slice(0));
  const bytes = new Uint8Array(2 * pcm.length);
  const view = new DataView(bytes.buffer);
  pcm.forEach((sample, at) => view.setInt16(2 * at, sample, true));
  return bytes;
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000))); // a call takes only so many arguments
  }
  return btoa(pieces.join(""));
}

/** @param {string} text @throws {VoxintError} "malformed": it is no base64 */
export function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  } catch (cause) {
    throw malformed("speech is no base64", cause);
  }
}

/** @param {string} message @param {unknown} [cause] */
export function malformed(message, cause) {
  return new VoxintError("malformed", `${message}: is this a voxint server?`, { cause });
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
