/**
 * What the server's messages say, field by field: nothing that comes is believed to have the right type.
 *
 * @import { Ack, ClientEvents, Mark, Outcome, Receipt, Speech } from "./types.js"
 */

import { fromBase64, isObject, malformed, samplesOf } from "./envelope.js";

/** @typedef {Record<string, unknown>} Payload */
/**
 * @typedef {{[Name in keyof ClientEvents]: [name: Name, detail: ClientEvents[Name]]}[keyof ClientEvents]} Told an event
 */

/**
 * @param {Payload} payload
 * @param {string} name
 * @returns {string}
 */
export function string(payload, name) {
  const value = payload[name];
  if (typeof value !== "string") throw malformed(`${name} is no string`);
  return value;
}

/**
 * @param {Payload} payload
 * @param {string} name
 * @returns {number | null} null where it is absent
 */
export function number(payload, name) {
  const value = payload[name] ?? null;
  if (value !== null && typeof value !== "number") throw malformed(`${name} is no number`);
  return value;
}

/** @param {unknown} value @returns {string[]} empty where it is no list */
export function strings(value) {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** @param {unknown} value @returns {Payload} empty where it is none */
export function object(value) {
  return isObject(value) ? value : {};
}

/**
 * Return what a RESPONSE says, in the order in which it is to be told.
 *
 * @param {Payload} payload
 * @returns {{requestId: string, textSeq: number | null, voiceSeq: number | null, ended: boolean, told: Told[]}}
 * @throws {VoxintError} "malformed"
 */
export function response(payload) {
  const requestId = string(payload, "request_id");
  const textSeq = number(payload, "text_stream_seq");
  const voiceSeq = number(payload, "voice_stream_seq");
  const { text, voice } = object(payload.content);
  const interrupted = payload.interrupted === true;
  const ended = interrupted || textSeq === -1 || voiceSeq === -1;
  /** @type {Told[]} */
  const told = [];
  if (!interrupted) {
    if (typeof text === "string" && (text !== "" || textSeq === 0)) {
      told.push(["text", { requestId, text, seq: textSeq ?? 0 }]);
    }
    if (isObject(payload.function_call)) told.push(["call", call(requestId, payload.function_call)]);
    if (typeof voice === "string" && voice !== "") {
      told.push(["audio", { requestId, pcm: samplesOf(fromBase64(voice)), seq: voiceSeq ?? 0 }]);
    }
  }
  const reason = typeof payload.interrupt_reason === "string" ? payload.interrupt_reason : null;
  if (ended) told.push(["end", { requestId, interrupted, reason }]);
  return { requestId, textSeq, voiceSeq, ended, told };
}

/** @param {string} requestId @param {Payload} said */
function call(requestId, said) {
  const callId = typeof said.call_id === "string" ? said.call_id : "";
  return { requestId, name: string(said, "name"), parameters: object(said.parameters), callId };
}

/**
 * Return what an INTERRUPT_ACK says, all but when and why it was asked.
 *
 * @param {Payload} payload
 * @returns {Omit<Ack, "reason" | "sentAt" | "ackAt">}
 */
export function acknowledgement(payload) {
  const status = payload.status;
  if (status !== "SUCCESS" && status !== "PARTIAL" && status !== "FAILED") throw malformed("status is no status");
  return {
    interruptRequestId: typeof payload.interrupt_request_id === "string" ? payload.interrupt_request_id || null : null,
    interruptedRequestIds: strings(payload.interrupted_request_ids),
    status,
    outcomes: /** @type {Record<string, Outcome>} */ (object(payload.outcomes)),
    receipts: /** @type {Record<string, Receipt>} */ (
      Object.fromEntries(Object.entries(object(payload.receipts)).filter(([, receipt]) => isReceipt(receipt)))
    ),
    mode: payload.mode === "hold" || payload.mode === "release" ? payload.mode : "commit",
  };
}

/** Return whether somebody may read a receipt's parts without a look. @param {unknown} value */
function isReceipt(value) {
  if (!isObject(value) || typeof value.stop_ms !== "number" || !isObject(value.stages)) return false;
  const { usage, audio, text } = value;
  if (!isObject(usage) || !isObject(audio) || !isObject(text)) return false;
  return typeof audio.heard_ms === "number" && typeof text.heard === "string";
}

/** @param {Payload} payload @returns {Speech} */
function speech(payload) {
  const { state, outcome } = payload;
  if (state !== "started" && state !== "committed" && state !== "stopped") throw malformed("state is no state");
  /** @type {Speech} */
  const said = { state, requestId: string(payload, "request_id"), atMs: number(payload, "at_ms") ?? 0 };
  if (typeof payload.text === "string") said.text = payload.text;
  if (typeof outcome === "string") said.outcome = /** @type {Speech["outcome"]} */ (outcome);
  if (Array.isArray(payload.interrupted)) said.interrupted = strings(payload.interrupted);
  if (typeof payload.decided_ms === "number") said.decidedMs = payload.decided_ms;
  if (typeof payload.recovered === "string") said.recovered = payload.recovered;
  if (Array.isArray(payload.speculative)) {
    said.speculative = /** @type {Receipt[]} */ (payload.speculative.filter((each) => isReceipt(each)));
  }
  return said;
}

/** @param {unknown} value @returns {Mark[]} */
function marks(value) {
  const pairs = Array.isArray(value) ? value.filter((each) => Array.isArray(each)) : [];
  const good = pairs.filter(([atMs, chars]) => typeof atMs === "number" && typeof chars === "number");
  return /** @type {Mark[]} */ (good);
}

/**
 * Return the event that a message is, where it is nothing but told.
 *
 * @param {string} type
 * @param {Payload} payload
 * @returns {Told | null} null: it is another kind of message, maybe a newer server's
 * @throws {VoxintError} "malformed"
 */
export function notice(type, payload) {
  switch (type) {
    case "TRANSCRIPT": {
      const isFinal = payload.is_final === true;
      return ["transcript", { requestId: string(payload, "request_id"), text: string(payload, "text"), isFinal }];
    }
    case "SPEECH":
      return ["speech", speech(payload)];
    case "HOLD": {
      const state = payload.state === "held" ? "held" : "released";
      const reason = typeof payload.reason === "string" ? payload.reason : null;
      const seq = number(payload, "voice_stream_seq");
      return ["hold", { requestId: string(payload, "request_id"), state, seq, reason }];
    }
    case "MARKS":
      return ["marks", { requestId: string(payload, "request_id"), marks: marks(payload.marks) }];
    case "SESSION_WARN":
      return ["warn", { remainingSeconds: number(payload, "remaining_seconds") ?? 0 }];
    default:
      return null;
  }
}
