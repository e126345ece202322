/** How much of a text is spoken at a played position. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Caption, heardLength, SpeakingRate } from "../../../voxint/web/client/captions.js";

/** @param {string} text @param {(caption: Caption) => void} [more] */
function caption(text, more = () => {}) {
  const made = new Caption(new SpeakingRate());
  made.add(text);
  more(made);
  return made;
}

test("without marks a text grows by a first guess: 15 letters a second, 4.5 Chinese characters", () => {
  assert.equal(caption("x".repeat(100)).at(2000), 30);
  assert.equal(caption("灯".repeat(100)).at(2000), 9);
  assert.equal(caption("short").at(60_000), 5);
});

test("the pace is learned from what was heard to its end, and never taken for more than three times the guess", () => {
  const rate = new SpeakingRate();
  for (let n = 0; n < 30; n += 1) rate.learn("x".repeat(150), 5000); // 30 letters a second
  const quick = new Caption(rate);
  quick.add("x".repeat(300));
  assert.ok(Math.abs(quick.at(2000) - 60) <= 1);
  rate.learn("Hm.", 60_000);
  rate.learn("x".repeat(150), 0);
  assert.ok(Math.abs(rate.msOf("x".repeat(30)) - 1000) < 1, "a short text and a silent one say nothing");
  for (let n = 0; n < 50; n += 1) rate.learn("x".repeat(150), 1e9);
  assert.ok(Math.abs(rate.msOf("x".repeat(15)) - 3000) < 1);
});

test("once all of an answer has come, its text ends where its sound does", () => {
  const ended = caption("x".repeat(100), (each) => each.ended(20_000));
  assert.deepEqual([ended.at(10_000), ended.at(20_000)], [50, 100]);
});

test("marks of words show each as it begins; of two of one instant the later one counts", () => {
  const words = caption("One two three ", (each) =>
    each.mark([
      [0, 4],
      [300, 4],
      [300, 8],
      [700, 14],
    ]),
  );
  assert.deepEqual(
    [0, 299, 300, 699, 700].map((ms) => words.at(ms)),
    [4, 4, 8, 8, 14],
  );
});

test("marks of sentences grow within each, to the next mark or the end of the sound", () => {
  const text = `${"a".repeat(30)}${"b".repeat(30)}`;
  const sentences = caption(text, (each) =>
    each.mark([
      [0, 30],
      [4000, 60],
    ]),
  );
  assert.deepEqual([sentences.at(2000), sentences.at(4000)], [15, 30]);
  assert.equal(sentences.at(5000), 45, "the last one by the guess");
  sentences.ended(8000);
  assert.deepEqual([sentences.at(5000), sentences.at(6000), sentences.at(8000)], [45, 45, 60], "never back");
});

test("marks count code points, and no character is cut in two", () => {
  const emoji = caption("🗼 tower", (each) =>
    each.mark([
      [100, 1],
      [200, 7],
    ]),
  );
  assert.deepEqual([emoji.at(0), emoji.at(100), emoji.at(200)], [0, 2, 8]);
  assert.equal(caption("🗼🗼🗼🗼").at(100), 2);
});

test("what was heard is found as the beginning of a text, white space aside", () => {
  assert.equal(heardLength("A keeper  lived\nhere.", "A keeper lived"), 15);
  assert.equal(heardLength("  A keeper", "A"), 3);
  assert.equal(heardLength("A keeper", ""), 0);
  assert.equal(heardLength("A kee", "A keeper lived"), 5, "of a text that came only in part");
  assert.equal(heardLength("**A** keeper", "A keeper"), null, "what was spoken is not always what is written");
  assert.equal(heardLength("灯塔 建于1886年", "灯塔建于"), 5);
  assert.equal(heardLength("🗼a", "🗼"), 2);
});
