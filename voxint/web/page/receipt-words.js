/** Tells an interruption in a few sentences that need no knowledge of servers. */

import { duration, say } from "./words.js";

/** @import { InterruptionRecord } from "../client/interruption.js" */

/**
 * @param {InterruptionRecord} record
 * @returns {number | null} milliseconds from the wish to stop until the loudspeaker was silent
 */
export function silentAfter({ at }) {
  const wish = at.began ?? at.sent;
  return at.silent === null || wish === null ? null : Math.max(0, at.silent - wish);
}

/**
 * @param {InterruptionRecord} record
 * @returns {string[]} sentences
 */
export function receiptWords(record) {
  const told = [whatHappened(record), ...(record.alreadySilent ? [say("already_silent")] : [])];
  const stages = record.receipt?.stages;
  if (stages && record.receipt) {
    const closed = { ...record.receipt.closed_ms };
    const model = duration(closed.llm ?? record.receipt.stop_ms);
    const voice = duration(closed.tts ?? record.receipt.stop_ms);
    if (Object.values(stages).includes("overrun")) told.push(say("overrun"));
    else if (stages.llm === "closed" && stages.tts === "closed") told.push(say("both_closed", { model, voice }));
    else if (stages.llm === "closed") told.push(say("model_closed", { model }));
    else if (stages.tts === "closed") told.push(say("voice_closed", { voice }));
    else told.push(say("all_finished"));
    told.push(say("remembers"));
  }
  return told;
}

/** @param {InterruptionRecord} record */
function whatHappened(record) {
  const ended = record.by === "elsewhere" && !record.reason.startsWith("USER_"); // SHUTDOWN, DISCONNECT and the like
  if (ended) return say("by_server");
  const by = record.by === "key" ? "button" : record.by;
  const silent = silentAfter(record);
  return silent === null ? say(`by_${by}_only`) : say(`by_${by}`, { time: duration(silent) });
}
