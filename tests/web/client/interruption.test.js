/** Interruptions as they are drawn and told. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { bars, medianStopMs, recordOf, saved } from "../../../voxint/web/client/interruption.js";

/** @typedef {import("../../../voxint/web/client/interruption.js").Facts} Facts */

/** @type {import("../../../voxint/web/client/types.js").Receipt} */
const RECEIPT = {
  request_id: "req_1", reason: "USER_STOP", stop_ms: 4,
  stages: { stt: "idle", llm: "closed", tts: "closed", tools: "idle" }, closed_ms: { llm: 1, tts: 3 },
  usage: { llm_tokens: 31, tts_characters: 64, source: "estimated" },
  audio: { generated_ms: 2600, sent_ms: 2120, heard_ms: 1840, source: "client" },
  text: { generated_chars: 118, heard: "The keeper lived here" }, last: { text_stream_seq: 28, voice_stream_seq: 52 },
};

/** @param {Partial<Facts>} [more] @returns {Facts} */
const facts = (more) => ({
  requestId: "req_1", by: "button", reason: "USER_STOP", outcome: "stopped", sent: 1000, silent: 1003,
  acknowledged: 1024, receipt: RECEIPT, rttMs: 20, dropped: 2, stale: 0,
  local: { spokenChars: 21, playedMs: 1840 }, ...more,
});

test("instants count from the first of them, and the closings lie half a round trip before the word of them", () => {
  const { at } = recordOf(facts());
  assert.deepEqual(at, {
    began: null, heard: null, silent: 3, held: null, sent: 0, recognised: null,
    modelClosed: 11, synthesisClosed: 13, acknowledged: 24,
  });
});

test("by voice the closings count from the word of the stop, not from the later one that brings the receipt", () => {
  const heard = { began: 200.04, heard: 290 };
  const voice = { by: /** @type {const} */ ("voice"), outcome: "already_finished", recognised: 900 };
  const record = recordOf(facts({ ...voice, sent: 1026, stopped: 1020, acknowledged: 1046, ...heard }));
  assert.equal(record.at.began, 0);
  assert.equal(record.at.heard, 90);
  assert.equal(record.at.modelClosed, 1020 - 10 - 4 + 1 - 200);
  assert.equal(record.at.acknowledged, 846);
});

test("a round trip that was measured too long is that of the acknowledgement, and breaks no order", () => {
  const quick = recordOf(facts({ rttMs: 300 }));
  assert.deepEqual([quick.at.modelClosed, quick.at.synthesisClosed, quick.bounds], [11, 13, []]);
  const receipt = { ...RECEIPT, stop_ms: 40, closed_ms: { llm: 2, tts: 50 } };
  const never = recordOf(facts({ rttMs: 300, receipt }));
  const { sent, modelClosed, synthesisClosed, acknowledged } = never.at;
  assert.deepEqual([sent, modelClosed, synthesisClosed, acknowledged], [0, 0, 24, 24]);
  assert.deepEqual(never.bounds, ["modelClosed", "synthesisClosed"]);
});

test("by voice nothing is closed before that was decided", () => {
  const record = recordOf(facts({
    by: "voice", outcome: "already_finished", began: 500, recognised: 1000, stopped: 1003, sent: 1002,
    acknowledged: 1100,
  }));
  assert.deepEqual([record.at.recognised, record.at.modelClosed, record.at.synthesisClosed], [500, 500, 500]);
  assert.deepEqual(record.bounds, ["modelClosed", "synthesisClosed"]);
});

test("who is noticed here before the server's ears are sure has begun by then", () => {
  const record = recordOf(facts({ by: "voice", began: 960, heard: 900, silent: 910 }));
  assert.deepEqual([record.at.began, record.at.heard, record.at.silent, record.bounds], [0, 0, 10, ["began"]]);
});

test("a loudspeaker that was silent by itself has no instant of it", () => {
  const record = recordOf(facts({ silent: 700, alreadySilent: true }));
  assert.deepEqual([record.at.silent, record.at.sent, record.alreadySilent], [null, 0, true]);
});

test("a stage that was not cut off has no closing, and one of a server that tells none was closed when all was", () => {
  const stages = { ...RECEIPT.stages, llm: /** @type {const} */ ("finished") };
  const record = recordOf(facts({ receipt: { ...RECEIPT, stages, closed_ms: undefined } }));
  assert.equal(record.at.modelClosed, null);
  assert.equal(record.at.synthesisClosed, 14);
});

test("without an acknowledgement the record says what is known here", () => {
  const record = recordOf(facts({ receipt: null, outcome: null, acknowledged: null }));
  assert.deepEqual(bars(record), [{ name: "sent", atMs: 0 }, { name: "silent", atMs: 3 }]);
  assert.equal(saved(record), null);
});

test("bars are in their order in time, and in that of the story where two are the same", () => {
  const record = recordOf(facts({ sent: 1003, silent: 1003, heard: 1001 }));
  assert.deepEqual(bars(record).map(({ name }) => name),
    ["heard", "silent", "sent", "modelClosed", "synthesisClosed", "acknowledged"]);
  assert.ok(Object.isFrozen(bars(record)));
});

test("what was saved is what was made and not heard, by whoever counted the tokens", () => {
  assert.deepEqual(saved(recordOf(facts())),
    { tokens: 31, source: "estimated", madeMs: 2600, sentMs: 2120, heardMs: 1840, unheardMs: 760 });
});

test("nobody saves less than nothing, where a player claims more than was made", () => {
  const audio = { ...RECEIPT.audio, heard_ms: 2700 };
  assert.equal(saved(recordOf(facts({ receipt: { ...RECEIPT, audio } })))?.unheardMs, 0);
});

test("the median is the middle of the receipts' times, and of records without one there is none", () => {
  const of = (/** @type {number} */ stop_ms) => recordOf(facts({ receipt: { ...RECEIPT, stop_ms } }));
  assert.equal(medianStopMs([of(9), of(1), of(2)]), 2);
  assert.equal(medianStopMs([of(9), of(1), of(2), of(3)]), 2.5);
  assert.equal(medianStopMs([recordOf(facts({ receipt: null }))]), null);
  assert.equal(medianStopMs([]), null);
});

test("as JSON a record is exactly its fields, and nobody can change it afterwards", () => {
  const receipt = structuredClone(RECEIPT);
  const record = recordOf(facts({ receipt }));
  receipt.stages.llm = "finished";
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(record))),
    ["requestId", "by", "reason", "outcome", "at", "bounds", "alreadySilent", "receipt", "rttMs", "dropped", "stale",
      "local"]);
  assert.deepEqual(JSON.parse(JSON.stringify(record)).receipt, RECEIPT);
  assert.throws(() => { record.local.playedMs = 0; }, TypeError);
});
