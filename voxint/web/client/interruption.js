/** @import { Receipt } from "./types.js" */

/**
 * One interruption as it is drawn and told: from what was noted of it, and the server's receipt. Pure.
 *
 * @typedef {"voice" | "button" | "key" | "text" | "elsewhere"} By who interrupted; elsewhere: another device or program
 *
 * @typedef {typeof MARKS[number]} MarkName
 *
 * @typedef {object} Facts what was noted of an interruption; instants in milliseconds of one clock (`performance.now`),
 *   null where it did not happen
 * @property {string} requestId whose answer it was
 * @property {By} by
 * @property {string} reason
 * @property {string | null} [outcome] stopped, overrun or already_finished; null where no acknowledgement came
 * @property {number | null} [began] the speech, by the server's ears
 * @property {number | null} [heard] the local hint of it
 * @property {number | null} [silent] the first silent sample at the loudspeaker
 * @property {boolean} [alreadySilent] it was silent before it was told to be: nothing had sounded yet, or all had
 * @property {number | null} [held] HOLD arrived
 * @property {number | null} [sent] INTERRUPT was handed to the socket
 * @property {number | null} [recognised] it was decided that the speech is meant
 * @property {number | null} [stopped] the word arrived that it has stopped; the acknowledgement, where that was it
 * @property {number | null} [acknowledged] the acknowledgement arrived
 * @property {Receipt | null} [receipt]
 * @property {number} rttMs of the connection
 * @property {number} dropped chunks that were on their way and thrown away until the acknowledgement
 * @property {number} stale chunks that came after it
 * @property {{spokenChars: number, playedMs: number}} local what this device had shown and played
 *
 * @typedef {object} InterruptionRecord
 * @property {string} requestId
 * @property {By} by
 * @property {string} reason
 * @property {string | null} outcome
 * @property {Readonly<Record<MarkName, number | null>>} at milliseconds from the first of them
 * @property {readonly MarkName[]} bounds those of them that are a bound and no figure: "began" is by then at the
 *   latest, and a closing that does not fit between its cause and the word of it is laid at the nearer of these
 * @property {boolean} alreadySilent the loudspeaker was silent by itself, so that `at.silent` is null
 * @property {Receipt | null} receipt
 * @property {number} rttMs
 * @property {number} dropped
 * @property {number} stale
 * @property {{spokenChars: number, playedMs: number}} local
 */

/** The instants of an interruption, in the order in which they are told where two are the same. */
export const MARKS = /** @type {const} */ ([
  "began", "heard", "silent", "held", "sent", "recognised", "modelClosed", "synthesisClosed", "acknowledged",
]);

/**
 * Make the record. It is frozen, and `JSON.stringify` shows all of it: the heard text among it, and no secret.
 *
 * @param {Facts} facts
 * @returns {InterruptionRecord}
 */
export function recordOf(facts) {
  const { requestId, by, reason, rttMs, dropped, stale, alreadySilent = false, outcome = null, receipt = null } = facts;
  const { began, heard } = facts;
  const laid = { modelClosed: closedAt(facts, "llm"), synthesisClosed: closedAt(facts, "tts") };
  // Ears that want to be sure find the beginning of a speech late; nobody is noticed before they begin.
  const brackets = { ...bracketed(laid, facts), began: began == null ? null : Math.min(began, heard ?? began) };
  const known = { ...facts, ...brackets, silent: alreadySilent ? null : facts.silent };
  const bounds = MARKS.filter((name) => known[name] != null && known[name] !== { ...facts, ...laid }[name]);
  const first = Math.min(...MARKS.map((name) => known[name] ?? Infinity));
  const at = Object.fromEntries(MARKS.map((name) => [name, since(first, known[name])]));
  return deepFreeze({
    requestId, by, reason, outcome, at: /** @type {InterruptionRecord["at"]} */ (at), bounds, alreadySilent,
    receipt: receipt && structuredClone(receipt), rttMs, dropped, stale, local: { ...facts.local },
  });
}

/**
 * Say when a stage was let go of, on this device's clock: the server's own figures, laid so that its last step is half
 * a round trip before the word of it arrived. A server that tells no `closed_ms` had closed it by the end of `stop_ms`.
 *
 * @param {Facts} facts
 * @param {"llm" | "tts"} stage
 * @returns {number | null} null where the stage was not cut off
 */
function closedAt(facts, stage) {
  const { receipt, stopped, acknowledged } = facts;
  const told = stopped ?? acknowledged;
  if (!receipt || told == null || receipt.stages[stage] !== "closed") return null;
  return told - roundTrip(facts, receipt) / 2 - receipt.stop_ms + (receipt.closed_ms?.[stage] ?? receipt.stop_ms);
}

/**
 * The connection's round trip, or that of the acknowledgement where it was quicker.
 *
 * @param {Facts} facts
 * @param {Receipt} receipt
 */
function roundTrip({ sent, acknowledged, outcome, rttMs }, { stop_ms }) {
  if (sent == null || acknowledged == null) return rttMs;
  const stopping = outcome === "already_finished" ? 0 : stop_ms; // that one was stopped before it was asked
  return Math.min(rttMs, Math.max(0, acknowledged - sent - stopping));
}

/**
 * Keep what was laid between the cause and the word of it: a round trip that was measured wrongly breaks no order.
 *
 * @param {Record<"modelClosed" | "synthesisClosed", number | null>} laid
 * @param {Facts} facts
 */
function bracketed({ modelClosed, synthesisClosed }, { by, recognised, sent, stopped, acknowledged, outcome }) {
  const asked = outcome === "already_finished" || by === "elsewhere" ? null : sent;
  const from = by === "voice" ? recognised ?? asked : asked;
  const to = stopped ?? acknowledged;
  const within = (/** @type {number | null} */ ms) =>
    ms === null ? null : Math.min(to ?? Infinity, Math.max(from ?? -Infinity, ms));
  return { modelClosed: within(modelClosed), synthesisClosed: within(synthesisClosed) };
}

/** @param {number} first @param {number | null | undefined} ms */
function since(first, ms) {
  return ms == null ? null : Math.round((ms - first) * 10) / 10; // a tenth of a millisecond is finer than any of them
}

/**
 * List the instants that are known, in their order in time.
 *
 * @param {InterruptionRecord} record
 * @returns {readonly Readonly<{name: MarkName, atMs: number}>[]}
 */
export function bars(record) {
  const known = MARKS.flatMap((name) => {
    const atMs = record.at[name];
    return atMs === null ? [] : [Object.freeze({ name, atMs })];
  });
  return Object.freeze(known.sort((a, b) => a.atMs - b.atMs));
}

/**
 * Say what the answer had cost, and what of it nobody had to hear.
 *
 * @param {InterruptionRecord} record
 * @returns {{tokens: number | null, source: string, madeMs: number, sentMs: number, heardMs: number, unheardMs: number}
 *   | null} tokens written, and who counted them (provider, estimated, unknown); speech made, sent, heard, and made but
 *   not heard; null without a receipt
 */
export function saved({ receipt }) {
  if (!receipt) return null;
  const { generated_ms: madeMs, sent_ms: sentMs, heard_ms: heardMs } = receipt.audio;
  const { llm_tokens: tokens, source } = receipt.usage;
  return { tokens, source, madeMs, sentMs, heardMs, unheardMs: Math.max(0, madeMs - heardMs) };
}

/**
 * Say the middle of the times that stopping took, by the receipts.
 *
 * @param {readonly InterruptionRecord[]} records
 * @returns {number | null} milliseconds; null where there is no receipt
 */
export function medianStopMs(records) {
  const times = records.flatMap(({ receipt }) => (receipt ? [receipt.stop_ms] : [])).sort((a, b) => a - b);
  if (times.length === 0) return null;
  const middle = times.length >> 1;
  const [low = 0, high = low] = times.length % 2 ? [times[middle]] : times.slice(middle - 1, middle + 1);
  return (low + high) / 2;
}

/**
 * @template T
 * @param {T} value
 * @returns {T}
 */
function deepFreeze(value) {
  if (value !== null && typeof value === "object") Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
