/** The detector as the client loads it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Detector, WINDOW } from "../../../voxint/web/client/detector.js";

const wasm = () => readFile(new URL("../../../voxint/web/client/detector.wasm", import.meta.url));

/** @returns {Int16Array} two seconds of a buzz with the overtones of a voice, whose pitch and loudness move */
function buzz() {
  let phase = 0;
  return Int16Array.from({ length: 32000 }, (_, n) => {
    phase += (2 * Math.PI * (140 + 30 * Math.sin(n / 3000))) / 16000;
    const sound = [1, 2, 3, 4, 5, 6, 8, 10].reduce((sum, tone) => sum + Math.sin(tone * phase) / tone, 0);
    return 5000 * Math.abs(Math.sin(n / 1800)) * sound;
  });
}

test("where a piece ends makes no difference, and each window gets a probability", async () => {
  const detector = await Detector.load(await wasm());
  const sound = buzz();
  const whole = detector.feed(sound);
  assert.equal(whole.length, Math.floor(sound.length / WINDOW));
  assert.ok(whole.every((each) => each >= 0 && each <= 1));
  assert.ok(Math.max(...whole) > 0.5, "a voice's buzz is one");
  const other = await Detector.load(await wasm());
  const pieces = [];
  for (let at = 0; at < sound.length; at += 333) pieces.push(...other.feed(sound.subarray(at, at + 333)));
  assert.deepEqual(pieces, whole);
});

test("silence is no speech", async () => {
  const detector = await Detector.load(await wasm());
  assert.ok(detector.feed(new Int16Array(32000)).every((each) => each < 0.1));
});

test("what is no detector is an error with words", async () => {
  await assert.rejects(Detector.load(new Uint8Array(9)), { name: "VoxintError", code: "audio_failed" });
  await assert.rejects(Detector.load("http://127.0.0.1:9/none.wasm"), { code: "audio_failed", retryable: true });
});
