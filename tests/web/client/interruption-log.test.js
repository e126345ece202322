/** What is noted of interruptions, in whatever order it comes. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { InterruptionLog } from "../../../voxint/web/client/interruption-log.js";
import { receipt } from "./agent-fakes.js";
import { FakeClock } from "./fakes.js";

/** @import { InterruptionRecord } from "../../../voxint/web/client/interruption.js" */
/** @import { Ack } from "../../../voxint/web/client/types.js" */

const HOW = /** @type {const} */ ({ by: "voice", reason: "USER_VOICE_INPUT", local: { spokenChars: 1, playedMs: 2 } });

function newLog() {
  const clock = new FakeClock();
  const counts = { dropped: 3, stale: 0, interruptions: 0 };
  /** @type {InterruptionRecord[]} */
  const told = [];
  const log = new InterruptionLog({ clock, now: () => ({ rttMs: 8, counts }), tell: (record) => told.push(record) });
  return { clock, counts, log, told };
}

/** @param {string} id @param {Partial<Ack>} [more] @returns {Ack} */
const ack = (id, more) => ({
  interruptRequestId: id, interruptedRequestIds: [id], status: "SUCCESS", outcomes: { [id]: "stopped" },
  receipts: { [id]: receipt(id) }, mode: "commit", reason: "USER_STOP", sentAt: 1000, ackAt: 1020, ...more,
});

test("silence may come before the acknowledgement or after it, and the record waits for both", () => {
  for (const silentFirst of [true, false]) {
    const { log, told } = newLog();
    log.interrupted("a", { ...HOW, by: "button", playing: true });
    if (silentFirst) log.silent(1005, "discard", false);
    log.acknowledged(ack("a"));
    assert.equal(told.length, silentFirst ? 1 : 0);
    if (!silentFirst) log.silent(1005, "discard", false);
    assert.equal(told[0]?.at.silent, 5);
  }
});

test("a loudspeaker that says nothing is waited for 300 ms, and one that did not play not at all", async () => {
  const { clock, log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: true });
  log.interrupted("b", { ...HOW, playing: false });
  log.acknowledged(ack("a"));
  log.acknowledged(ack("b"));
  assert.deepEqual(told.map(({ requestId }) => requestId), ["b"]);
  await clock.pass(299);
  assert.equal(told.length, 1);
  await clock.pass(1);
  assert.equal(told[1]?.at.silent, null);
});

test("an acknowledgement that never comes leaves a record without a receipt", async () => {
  const { clock, log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: false, recognised: 990 });
  await clock.pass(10_000);
  assert.equal(told[0]?.receipt, null);
  assert.equal(told[0]?.at.recognised, 0);
});

test("what had ended before it was interrupted is no interruption", async () => {
  const { clock, log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: true });
  log.acknowledged(ack("a", { outcomes: { a: "not_found" }, receipts: {} }));
  await clock.pass(20_000);
  assert.deepEqual(told, []);
});

test("chunks are counted from the interruption to its acknowledgement", () => {
  const { counts, log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: false });
  counts.dropped = 8;
  log.acknowledged(ack("a"));
  assert.equal(told[0]?.dropped, 5);
  assert.equal(told[0]?.stale, 0);
});

test("an interruption is told once, whoever says it again", () => {
  const { log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: false });
  log.interrupted("a", { ...HOW, by: "elsewhere", playing: false });
  log.acknowledged(ack("a"));
  assert.ok(log.knows("a"));
  log.interrupted("a", { ...HOW, playing: false });
  log.acknowledged(ack("a", { outcomes: { a: "already_finished" } }));
  assert.equal(told.length, 1);
  assert.equal(told[0]?.by, "voice");
});

test("a hold and a release are no interruption", () => {
  const { log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: false });
  log.acknowledged(ack("a", { mode: "hold", outcomes: { a: "held" }, receipts: {} }));
  assert.ok(log.knows("a"));
  assert.deepEqual(told, []);
});

test("the loudspeaker's word may come before the hint that silenced it, and a later hint changes neither", () => {
  const { log, told } = newLog();
  log.silent(1010, "hint", false);
  log.heard(1000);
  log.heard(1100);
  log.interrupted("a", { ...HOW, playing: true, recognised: 1300 });
  log.acknowledged(ack("a", { sentAt: 1301, ackAt: 1320 }));
  assert.deepEqual([told[0]?.at.heard, told[0]?.at.silent, told[0]?.at.recognised], [0, 10, 300]);
});

test("a hint behind the hold that silenced the answer has noticed nothing", () => {
  const { log, told } = newLog();
  log.began(1000);
  log.held(1090);
  log.silent(1094, "pause", false);
  log.heard(1376);
  log.interrupted("a", { ...HOW, playing: true, recognised: 1900 });
  log.acknowledged(ack("a", { sentAt: 1910, ackAt: 1930 }));
  assert.deepEqual([told[0]?.at.heard, told[0]?.at.held, told[0]?.at.silent], [null, 90, 94]);
});

test("a hint that is long before the speech was none of it", () => {
  const { log, told } = newLog();
  log.heard(1000);
  log.began(9000);
  log.interrupted("a", { ...HOW, playing: false, recognised: 9400 });
  log.acknowledged(ack("a", { sentAt: 9401, ackAt: 9420 }));
  assert.deepEqual([told[0]?.at.heard, told[0]?.at.began], [null, 0]);
});

test("a silence is of one interruption, however late its word comes", () => {
  const { log, told } = newLog();
  log.interrupted("a", { ...HOW, playing: true });
  log.silent(1010, "pause", false);
  log.acknowledged(ack("a"));
  log.silent(1010, "hint", false); // told of the same once more
  log.began(9000);
  log.interrupted("b", { ...HOW, playing: true, recognised: 9400 });
  log.silent(9410, "discard", false);
  log.acknowledged(ack("b", { sentAt: 9401, ackAt: 9420 }));
  assert.deepEqual([told[0]?.at.silent, told[1]?.at.silent], [10, 410]);
});

test("a loudspeaker that goes on by itself was not silent", () => {
  const { log, told } = newLog();
  log.heard(1000);
  log.silent(1010, "hint", false);
  log.unducked();
  log.interrupted("a", { ...HOW, playing: true });
  log.silent(1600, "discard", false);
  log.acknowledged(ack("a", { sentAt: 1599, ackAt: 1610 }));
  assert.equal(told[0]?.at.silent, 600);
});

test("a stop by the button over a held answer has its silence, and nothing of the speech", () => {
  const { log, told } = newLog();
  log.heard(900);
  log.silent(910, "hint", false);
  log.held(950);
  log.interrupted("a", { ...HOW, by: "button", playing: true });
  log.acknowledged(ack("a"));
  assert.deepEqual([told[0]?.at.heard, told[0]?.at.held, told[0]?.at.sent], [null, null, 0]);
  assert.deepEqual([told[0]?.at.silent, told[0]?.alreadySilent], [null, true], "the button silenced nothing");
});

test("a loudspeaker that had run dry before has no instant of silence, whoever interrupts", () => {
  for (const by of /** @type {const} */ (["button", "voice"])) {
    const { log, told } = newLog();
    if (by === "voice") log.began(900);
    log.interrupted("a", { ...HOW, by, playing: true });
    log.silent(200, "discard", true);
    log.acknowledged(ack("a"));
    assert.deepEqual([told[0]?.at.silent, told[0]?.alreadySilent], [null, true]);
    assert.equal(told[0]?.at.acknowledged, by === "voice" ? 120 : 20);
  }
});

test("an answer of which nothing sounded yet was silent already, where there is a loudspeaker", () => {
  const { log, told } = newLog();
  log.interrupted("a", { ...HOW, by: "button", playing: false });
  log.interrupted("b", { ...HOW, by: "button", playing: null });
  log.acknowledged(ack("a"));
  log.acknowledged(ack("b"));
  assert.deepEqual(told.map(({ alreadySilent }) => alreadySilent), [true, false]);
});

test("a silence that the sound card's clock lays before the stop is at the stop", () => {
  const { log, told } = newLog();
  log.interrupted("a", { ...HOW, by: "button", playing: true });
  log.silent(997, "discard", false);
  log.acknowledged(ack("a"));
  assert.deepEqual([told[0]?.at.silent, told[0]?.at.sent, told[0]?.alreadySilent], [0, 0, false]);
});

test("no more than 64 are under way, and closing tells those that are", () => {
  const { log, told } = newLog();
  for (let n = 0; n < 70; n++) log.interrupted(`r${n}`, { ...HOW, playing: false });
  assert.equal(told.length, 6);
  log.close();
  assert.equal(told.length, 70);
});
