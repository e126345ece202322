/** Utterances of a detector's probabilities: what begins one, what is a noise, and when it is over. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { RecentAudio, UtteranceCutter } from "../../../voxint/web/client/utterances.js";

/**
 * @param {UtteranceCutter} cutter
 * @param {string} windows "#" speech, "." quiet, "?" doubtful
 * @returns {(string | number)[][]} what and at which window
 */
function hear(cutter, windows) {
  return [...windows].flatMap((window) => {
    const events = cutter.heard(window === "#" ? 0.9 : window === "?" ? 0.4 : 0.1);
    return events.map(({ type, frame }) => [type, frame / 512]);
  });
}

test("two windows of speech are an onset with 300 ms before them, eight are speech, and 700 ms of quiet end it", () => {
  const cutter = new UtteranceCutter();
  const quiet = ".".repeat(20);
  assert.deepEqual(hear(cutter, `${quiet}########${".".repeat(25)}`), [["onset", 10.625], ["speech", 28], ["end", 28]]);
  assert.equal(cutter.speaking, false);
});

test("one window is nothing, and a short sound is a noise once it is over", () => {
  const cutter = new UtteranceCutter();
  assert.deepEqual(hear(cutter, `.#..#..`), []);
  assert.deepEqual(hear(cutter, `####${".".repeat(12)}`), [["onset", 0], ["noise", 11]]);
});

test("a doubtful window goes on with what was, and a consonant's closure does not end an utterance", () => {
  const cutter = new UtteranceCutter();
  assert.deepEqual(hear(cutter, "????"), []);
  assert.deepEqual(hear(cutter, "#?#?....?...####"), [["onset", 0], ["speech", 20]]);
  assert.deepEqual(hear(cutter, ".".repeat(21)), []);
  assert.deepEqual(hear(cutter, "#"), []);
  assert.deepEqual(cutter.ended(), [{ type: "end", frame: 42 * 512 }]);
  assert.deepEqual(cutter.ended(), []);
});

test("a stream that is cut in doubt was a noise, and a number that is none is quiet", () => {
  const cutter = new UtteranceCutter();
  hear(cutter, "###");
  assert.deepEqual(cutter.ended(), [{ type: "noise", frame: 3 * 512 }]);
  assert.deepEqual([NaN, NaN, NaN].flatMap((each) => cutter.heard(each)), []);
});

test("what was said before it was known to be speech is still there, by its position", () => {
  const recent = new RecentAudio(1000);
  let next = 0;
  for (const size of [320, 320, 700, 1, 2500, 320]) {
    recent.put(Int16Array.from({ length: size }, () => next++));
  }
  assert.deepEqual([...recent.since(4158)], [4158, 4159, 4160]);
  assert.deepEqual(recent.since(0), Int16Array.from({ length: 1000 }, (_, n) => 3161 + n));
  assert.equal(recent.since(5000).length, 0);
});
