/** What waits for the loudspeaker: when it starts, how it pauses, and that no sample is lost or said twice. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PlaybackBuffer } from "../../../voxint/web/client/playback.js";

const RATE = 48000;
const QUANTUM = 128;
const FADE = 480;
const ms = (/** @type {number} */ count) => Int16Array.from({ length: count * 48 }, () => 16384);

/** @param {PlaybackBuffer} buffer @param {number} [size] @returns {{count: number, sound: Float32Array}} */
function pop(buffer, size = QUANTUM) {
  const sound = new Float32Array(size).fill(9);
  return { count: buffer.pop(sound), sound };
}

/** @param {PlaybackBuffer} buffer @param {number} duration ms, in whole quanta @returns {number} ms of sound in it */
function play(buffer, duration) {
  let count = 0;
  for (let n = 0; n < Math.round((duration * 48) / QUANTUM); n += 1) count += pop(buffer).count;
  return count / 48;
}

/** @param {number} seed @returns {(most: number) => number} */
function dice(seed) {
  let state = seed;
  return (most) => (state = (state * 48271) % 2147483647) % most;
}

test("an answer waits for 60 ms, unless it is complete and shorter, or that time has passed", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  buffer.put("a", ms(40));
  assert.equal(pop(buffer).count, 0);
  buffer.put("a", ms(20));
  assert.equal(pop(buffer).count, QUANTUM);

  const short = new PlaybackBuffer(RATE);
  short.begin("a");
  short.put("a", ms(5));
  assert.equal(play(short, 30), 0);
  short.end("a");
  assert.equal(play(short, 30), 5);
  assert.deepEqual(short.takeGone(), [{ id: "a", given: 240, at: 112 }]);

  const slow = new PlaybackBuffer(RATE);
  slow.begin("a");
  slow.put("a", ms(40));
  assert.equal(play(slow, 56), 0);
  assert.ok(play(slow, 60) > 20);
});

test("a dry buffer fades out, waits for half as much more each time up to 300 ms, and fades in again", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  const targets = [];
  for (let n = 0; n < 6; n += 1) {
    buffer.put("a", ms(400));
    const first = pop(buffer);
    assert.equal(first.count, QUANTUM);
    if (n) assert.ok((first.sound[0] ?? 1) < 0.01, "it begins from silence");
    let last = 1;
    for (let k = 0; k < 160; k += 1) {
      const { count, sound } = pop(buffer);
      if (count) last = sound[count - 1] ?? 1;
    }
    assert.ok(last < 0.01, "it ends in silence");
    targets.push(Math.round(buffer.target / 48));
  }
  assert.deepEqual(targets, [90, 135, 203, 300, 300, 300]);
  assert.equal(buffer.underruns, 6);
});

test("quiet time lowers what has to wait, and a model that thinks does not raise it", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  buffer.put("a", ms(100));
  play(buffer, 100);
  buffer.put("a", ms(1000));
  assert.equal(Math.round(buffer.target / 48), 90);
  for (const target of [81, 73, 66, 60, 60]) {
    buffer.put("a", ms(10000));
    play(buffer, 10000);
    assert.equal(Math.round(buffer.target / 48), target);
  }

  const thinking = new PlaybackBuffer(RATE);
  thinking.begin("a");
  thinking.put("a", ms(100));
  play(thinking, 1300);
  assert.equal(Math.round(thinking.target / 48), 90);
  thinking.put("a", ms(100));
  play(thinking, 60);
  assert.equal(Math.round(thinking.target / 48), 60);
});

test("a pause is silent within 10 ms from the next quantum on, and several reasons hold together", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  buffer.put("a", ms(1000));
  play(buffer, 40);
  buffer.pause("hold");
  buffer.duck();
  assert.ok((pop(buffer).sound[127] ?? 1) < 0.5);
  assert.ok(play(buffer, 30) < 10);
  assert.equal(buffer.sounds, false);
  buffer.resume("hint");
  assert.equal(play(buffer, 100), 0);
  buffer.resume("hold");
  assert.equal(play(buffer, 8), 8);
});

test("a duck is over after 400 ms, and does nothing where nothing sounds", () => {
  const buffer = new PlaybackBuffer(RATE);
  assert.equal(buffer.duck(), false);
  buffer.begin("a");
  buffer.put("a", ms(1000));
  play(buffer, 40);
  assert.equal(buffer.duck(), true);
  assert.ok(play(buffer, 396) < 10);
  assert.ok(play(buffer, 16) > 10);
  assert.equal(buffer.ducked, false);
});

test("what is discarded fades within 10 ms, the account says how much that was, and the next answer is whole", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  buffer.put("a", ms(1000));
  play(buffer, 40);
  const given = buffer.current?.given ?? 0;
  assert.deepEqual(buffer.discard("a"), [{ id: "a", given: given + FADE - 1, at: FADE - 1 }]);
  assert.equal(buffer.waiting, 0);
  assert.equal(buffer.put("a", ms(10)), false);
  buffer.begin("b");
  buffer.put("b", ms(100));
  buffer.end("b");
  const { sound, count } = pop(buffer, 4800 + FADE);
  assert.equal(count, 4800 + FADE - 1);
  for (let n = 1; n < FADE - 1; n += 1) assert.ok((sound[n] ?? 1) < (sound[n - 1] ?? 0));
  assert.equal(sound[FADE - 1], 0.5);
  assert.deepEqual(buffer.takeGone(), [{ id: "b", given: 4800, at: 4800 + FADE - 1 }]);
});

test("a pause ends with the answer that was discarded in it", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  buffer.put("a", ms(100));
  play(buffer, 20);
  buffer.pause("hold");
  play(buffer, 30);
  assert.equal(buffer.discard(null)[0]?.at, 0);
  assert.equal(buffer.paused, false);
});

test("a pause that came before any sound of its answer ends with it too", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.pause("hold");
  buffer.discard("a");
  buffer.begin("b");
  buffer.put("b", ms(100));
  assert.equal(pop(buffer).count, QUANTUM);
});

test("more than 30 seconds are not taken, nor sound of an answer that has ended", () => {
  const buffer = new PlaybackBuffer(RATE);
  buffer.begin("a");
  assert.equal(buffer.put("a", ms(30000)), true);
  assert.equal(buffer.put("a", ms(1)), false);
  buffer.end("a");
  play(buffer, 1000);
  assert.equal(buffer.put("a", ms(1)), false);
});

test("whatever is done to it, each sample comes once and in its order, and no step is larger than a fade's", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const buffer = new PlaybackBuffer(RATE);
    const input = Int16Array.from({ length: 48000 }, () => (roll(2) ? 1 : -1) * (8192 + roll(24000)));
    let sent = 0;
    let heard = 0;
    let loudness = 0;
    buffer.begin("a");
    for (let turn = 0; heard < input.length; turn += 1) {
      assert.ok(turn < 5000, `seed ${seed} ends`);
      const size = [QUANTUM, QUANTUM, 1 + roll(600)][roll(3)] ?? QUANTUM;
      const { sound, count } = pop(buffer, size);
      for (let n = 0; n < count; n += 1) {
        const source = (input[heard] ?? 0) / 32768;
        const gain = (sound[n] ?? 0) / source;
        const step = Math.round(gain * FADE);
        assert.ok(Math.abs(gain * FADE - step) < 0.01 && step >= 1 && step <= FADE, `seed ${seed}: frame ${heard}`);
        assert.ok(heard === 0 || Math.abs(step - loudness) <= 1, `seed ${seed}: frame ${heard} is no click`);
        loudness = step;
        heard += 1;
      }
      if (count < size) {
        assert.ok(loudness <= 1 || sent === input.length || heard === 0, `seed ${seed}: ${heard} ends in no click`);
        assert.ok(sound.subarray(count).every((sample) => sample === 0));
      }
      assert.equal(buffer.waiting, sent - heard);
      const what = roll(12);
      if (what < 5 && sent < input.length) {
        const chunk = input.slice(sent, sent + 700 + roll(3000));
        sent += chunk.length;
        assert.ok(buffer.put("a", chunk));
        if (sent === input.length) buffer.end("a");
      } else if (what === 5) buffer.pause("hold");
      else if (what === 6 || what === 7) buffer.resume("hold");
      else if (what === 8) buffer.duck();
      else if (what === 9) buffer.resume("hint");
    }
    assert.equal(heard, input.length);
    assert.deepEqual(buffer.takeGone().map(({ given }) => given), [input.length]);
  }
});
