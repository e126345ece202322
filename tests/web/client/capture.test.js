/** A microphone's frames: how long they are, where they are, and how loud. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Capture } from "../../../voxint/web/client/capture.js";

/** @typedef {import("../../../voxint/web/client/capture.js").Frame} Frame */

/** @param {Capture} capture @param {number} seconds @param {number} rate @param {number} loud @returns {Frame[]} */
function hear(capture, seconds, rate, loud) {
  /** @type {Frame[]} */ const frames = [];
  for (let at = 0; at < seconds * rate; at += 128) {
    const piece = Float32Array.from({ length: 128 }, (_, n) => loud * Math.sin((2 * Math.PI * 500 * (at + n)) / rate));
    capture.feed(piece, (frame) => frames.push(frame));
  }
  return frames;
}

test("frames of 20 ms follow each other without a gap, whatever the microphone's rate", () => {
  for (const rate of [16000, 44100, 48000]) {
    const frames = hear(new Capture(rate), 1, rate, 0.5);
    assert.equal(frames.length, 49 + Number(rate === 16000));
    assert.deepEqual(frames.map(({ at }) => at), frames.map((_, n) => n * 320));
    assert.ok(frames.every(({ pcm }) => pcm.length === 320));
    assert.equal(new Set(frames.map(({ pcm }) => pcm)).size, frames.length, "each is the taker's own");
    assert.equal(Math.max(...frames.slice(2).map(({ pcm }) => Math.max(...pcm))), 16384);
  }
});

test("the level is told in decibels against full scale", () => {
  const last = hear(new Capture(16000), 1, 16000, 0.5).at(-1);
  assert.ok(Math.abs((last?.rms ?? 0) + 9.03) < 0.1);
  assert.ok(Math.abs((last?.peak ?? 0) + 6.02) < 0.1);
  const quiet = hear(new Capture(16000), 1, 16000, 0).at(-1);
  assert.deepEqual([quiet?.rms, quiet?.peak], [-60, -60]);
});

test("muted it sends zeros at the same pace, and what is louder than full scale is clipped", () => {
  const capture = new Capture(48000);
  capture.muted = true;
  const frames = hear(capture, 1, 48000, 1);
  assert.equal(frames.length, 49);
  assert.ok(frames.every(({ pcm, peak }) => peak === -60 && pcm.every((sample) => sample === 0)));
  capture.muted = false;
  assert.equal(Math.max(...(hear(capture, 1, 48000, 2).at(-1)?.pcm ?? [])), 32767);
});
