/** The resampler: what it lets through, what it keeps out, and that a chunk's border is not heard. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler, clipped, resampled } from "../../../voxint/web/client/resampler.js";

const PAIRS = /** @type {const} */ ([
  [48000, 16000], [44100, 16000], [24000, 48000], [24000, 44100],
  [16000, 48000], [8000, 48000], [96000, 16000], [22050, 48000],
]);

/** @param {number} rate @param {number} hz @param {number} seconds */
function sine(rate, hz, seconds) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, n) => Math.sin((2 * Math.PI * hz * n) / rate));
}

/** @param {Float32Array} input @param {number} from @param {number} to @param {() => number} size of each chunk */
function convert(input, from, to, size) {
  const resampler = new Resampler(from, to);
  /** @type {number[]} */ const all = [];
  for (let at = 0; at < input.length; ) {
    const chunk = input.subarray(at, at + size());
    const output = new Float32Array(resampler.most(chunk.length));
    all.push(...output.subarray(0, resampler.feed(chunk, output)));
    at += chunk.length;
  }
  const rest = new Float32Array(resampler.most(0));
  all.push(...rest.subarray(0, resampler.flush(rest)));
  return Float32Array.from(all);
}

/** @param {Float32Array} signal @param {Float32Array} expected away from its ends @param {number} margin */
function snr(signal, expected, margin) {
  let power = 0;
  let error = 0;
  for (let n = margin; n < expected.length - margin; n += 1) {
    power += (expected[n] ?? 0) ** 2;
    error += ((expected[n] ?? 0) - (signal[n] ?? 0)) ** 2;
  }
  return 10 * Math.log10(power / error);
}

test("a sine in the band comes out where it was, as loud as it was, at any ratio", () => {
  for (const [from, to] of PAIRS) {
    for (const share of [0.03, 0.2, 0.38]) {
      const hz = Math.min(from, to) * share;
      const output = convert(sine(from, hz, 0.3), from, to, () => 128);
      const expected = sine(to, hz, 0.3);
      assert.equal(output.length, expected.length, `${from} to ${to}`);
      const got = snr(output, expected, Math.round(to * 0.01));
      assert.ok(got > 60, `${from} to ${to}, ${hz} Hz: ${got.toFixed(1)} dB`);
    }
  }
});

test("rates without a common divisor neither drift nor lose their quality", () => {
  const output = convert(sine(44099, 3000, 1), 44099, 16001, () => 128);
  assert.ok(snr(output, sine(16001, 3000, 1), 200) > 60);
});

test("what the lower rate has no room for is kept out", () => {
  for (const [from, to] of PAIRS.filter(([a, b]) => a > b)) {
    for (const hz of [to * 0.5 + 50, to * 0.6, to * 0.9, Math.min(from / 2 - 100, to * 1.4)]) {
      const output = convert(sine(from, hz, 0.3), from, to, () => 128);
      const middle = output.subarray(200, output.length - 200);
      const db = 10 * Math.log10(middle.reduce((sum, x) => sum + x * x, 0) / middle.length / 0.5);
      assert.ok(db < -60, `${hz} Hz, ${from} to ${to}: ${db.toFixed(1)} dB`);
    }
  }
});

test("where a chunk ends makes no difference", () => {
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647);
  const input = Float32Array.from({ length: 9000 }, () => random() / 2147483647 - 0.5);
  for (const [from, to] of PAIRS) {
    const whole = convert(input, from, to, () => input.length);
    const pieces = convert(input, from, to, () => 1 + (random() % 700));
    assert.deepEqual(pieces, whole, `${from} to ${to}`);
    assert.equal(whole.length, Math.ceil((input.length * to) / from));
  }
});

test("an equal rate changes nothing, and a rate that is none is refused", () => {
  const input = sine(16000, 440, 0.1);
  assert.deepEqual(convert(input, 16000, 16000, () => 77), input);
  for (const rate of [0, 7999, 16000.5, NaN, 1e6]) assert.throws(() => new Resampler(rate, 16000), RangeError);
});

test("it is over long before the quantum that it belongs to", () => {
  const resampler = new Resampler(48000, 16000);
  const input = sine(48000, 440, 128 / 48000);
  const output = new Float32Array(resampler.most(128));
  for (let n = 0; n < 2000; n += 1) resampler.feed(input, output);
  const begin = performance.now();
  for (let n = 0; n < 5000; n += 1) resampler.feed(input, output);
  const us = (performance.now() - begin) / 5;
  assert.ok(us < 500, `${us.toFixed(1)} µs of the 2667 µs of a quantum`);
});

test("16 bits go in and come out, clipped where a filter overshoots", () => {
  const square = Int16Array.from({ length: 2400 }, (_, n) => (n % 48 < 24 ? 32767 : -32768));
  const resampler = new Resampler(24000, 48000);
  const output = [...resampled(resampler, square), ...resampled(resampler, null)];
  assert.equal(output.length, 4800);
  assert.ok(output.includes(32767) && output.includes(-32768));
  assert.deepEqual([clipped(40000.2), clipped(-40000), clipped(1.5)], [32767, -32768, 2]);
});
