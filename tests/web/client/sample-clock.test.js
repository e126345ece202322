/** Samples and milliseconds on one clock. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { MicrophoneClock, SampleClock } from "../../../voxint/web/client/sample-clock.js";

test("a frame's time is that of the reading which came in least late", () => {
  const clock = new SampleClock(48000);
  assert.equal(clock.msOf(0), null);
  clock.read(1, 5004);
  clock.read(2, 6001);
  clock.read(3, 7009);
  assert.equal(clock.msOf(96000), 6001);
});

test("old readings are forgotten, so that a clock may drift", () => {
  const clock = new SampleClock(48000);
  clock.read(0, 0);
  for (let second = 1; second <= 64; second++) clock.read(second, second * 1000 + 1);
  assert.equal(clock.msOf(48000), 1001);
});

test("a context that stood still is read anew", () => {
  const clock = new SampleClock(48000);
  clock.read(1, 1000);
  clock.reset();
  clock.read(1, 9000);
  assert.equal(clock.msOf(48000), 9000);
});

test("a millisecond of the microphone is the frame at which it was spoken, over every gap", () => {
  const clock = new MicrophoneClock(16000, 48000);
  assert.equal(clock.frameOf(0), null);
  for (let n = 0; n < 5; n++) clock.sent(320, 1000 + n * 960); // 100 ms from frame 1000 on
  for (let n = 0; n < 5; n++) clock.sent(320, 480000 + n * 960); // and muted for a while
  assert.equal(clock.frameOf(0), 1000);
  assert.equal(clock.frameOf(99), 1000 + 99 * 48);
  assert.equal(clock.frameOf(150), 480000 + 50 * 48);
});

test("another connection counts anew", () => {
  const clock = new MicrophoneClock(16000, 44100);
  clock.sent(320, 500);
  clock.reset();
  assert.equal(clock.frameOf(0), null);
  clock.sent(320, 9000);
  assert.equal(clock.frameOf(10), 9441);
});

test("frames that are off by the rounding of a resampler are no gap", () => {
  const clock = new MicrophoneClock(16000, 44100);
  for (let n = 0; n < 100; n++) clock.sent(320, Math.floor(7 + n * 882));
  assert.equal(clock.frameOf(1990), 7 + 1990 * 44.1);
});
