/**
 * A small voice detector, compiled to detector.wasm by AssemblyScript; detector.js loads it.
 *
 * For each 32 ms at 16 kHz: the energies of 14 bands against a floor, the least of them lately, their shape, flatness,
 * periodicity at the pitches of voices, and how much the spectrum moves; all of it now and smoothed. A layer of 16
 * units and a logistic one make a probability of it. Its numbers (weights.ts) were fitted by `bench.detector` to what
 * Silero says of the same recordings without noise. All memory is static: one page, and none is ever asked for.
 */

import { HIDDEN, OUTPUT } from "./weights";

const WINDOW = 512; // samples
const BANDS = 14;
const FEATURES = BANDS * 2 + 4; // of this moment
const INPUTS = FEATURES * 2; // with their smoothed past
const UNITS = 16;
const SCALE: f32 = 1.0 / 24.0; // of a weight, which is a byte
const SMOOTH: f32 = 0.25; // of a window in what is smoothed: four windows, a short syllable
const BLOCK = 16; // windows; the floor is the least of the last two to three of these: a second and a half at most
const QUIET: f32 = 200.0; // power of a band that is nothing, 66 dB below full scale: digital silence has no shape

// Of each band the first bin of 31.25 Hz, and behind the last one: even steps of 130 mel from 95 Hz to 7.4 kHz.
const EDGES = memory.data<u8>([3, 6, 9, 13, 17, 23, 29, 37, 47, 59, 74, 93, 119, 160, 237]);

const input = memory.data(WINDOW * 2, 4); // i16
const sound = memory.data(WINDOW * 2 * 4, 4); // f32: the window before, and this one
const real = memory.data(WINDOW * 4, 4);
const imaginary = memory.data(WINDOW * 4, 4);
const cosines = memory.data(WINDOW * 4, 4); // of a whole turn
const slow = memory.data(256 * 4, 4); // the sound at 4 kHz
const floors = memory.data(BANDS * 3 * 4, 4); // the least of this block, of the one before, and of the one before that
const before = memory.data(BANDS * 4, 4);
const features = memory.data(INPUTS * 4, 4);
let windows: i32 = 0;

@inline function at(base: usize, index: i32): f32 {
  return load<f32>(base + (<usize>index << 2));
}

@inline function put(base: usize, index: i32, value: f32): void {
  store<f32>(base + (<usize>index << 2), value);
}

/** Where the samples of a window are put, as 16 bits each. */
export function inputAt(): usize {
  return input;
}

/** Where what is known of the last window stands, for who fits the weights. */
export function featuresAt(): usize {
  return features;
}

/** Begin another stream. */
export function reset(): void {
  windows = 0;
  memory.fill(sound, 0, WINDOW * 2 * 4);
  memory.fill(features, 0, INPUTS * 4);
  // By turning a pointer, in double precision: no table and no sine is needed.
  let x: f64 = 1;
  let y: f64 = 0;
  for (let n = 0; n < WINDOW; n += 1) {
    put(cosines, n, <f32>x);
    const turned = x * 0.9999247018391445 - y * 0.012271538285719925;
    y = y * 0.9999247018391445 + x * 0.012271538285719925;
    x = turned;
  }
}

/** The probability of speech in the window that was put. */
export function heard(): f32 {
  if (windows === 0) reset();
  memory.copy(sound, sound + WINDOW * 4, WINDOW * 4);
  for (let n = 0; n < WINDOW; n += 1) put(sound, WINDOW + n, <f32>load<i16>(input + (n << 1)));
  spectrum();
  describe();
  windows += 1;
  return judge();
}

/** The power of two frames, half a window apart: one is the real part of a transform, the other the imaginary. */
function spectrum(): void {
  for (let n = 0; n < WINDOW; n += 1) {
    let to = 0;
    for (let bit = 0; bit < 9; bit += 1) to |= ((n >> bit) & 1) << (8 - bit);
    const shape: f32 = 0.5 - 0.5 * at(cosines, n);
    put(real, to, shape * at(sound, n + WINDOW / 2));
    put(imaginary, to, shape * at(sound, n + WINDOW));
  }
  for (let half = 1; half < WINDOW; half <<= 1) {
    const step = WINDOW / (half * 2);
    for (let first = 0; first < half; first += 1) {
      const turn = first * step;
      const c = at(cosines, turn);
      const s = -at(cosines, (turn + WINDOW - WINDOW / 4) & (WINDOW - 1));
      for (let a = first; a < WINDOW; a += half * 2) {
        const b = a + half;
        const x = at(real, b) * c - at(imaginary, b) * s;
        const y = at(real, b) * s + at(imaginary, b) * c;
        put(real, b, at(real, a) - x);
        put(imaginary, b, at(imaginary, a) - y);
        put(real, a, at(real, a) + x);
        put(imaginary, a, at(imaginary, a) + y);
      }
    }
  }
}

/** The power of both frames in a bin. */
@inline function power(bin: i32): f32 {
  const mirror = WINDOW - bin;
  const a = at(real, bin) * at(real, bin) + at(imaginary, bin) * at(imaginary, bin);
  const b = at(real, mirror) * at(real, mirror) + at(imaginary, mirror) * at(imaginary, mirror);
  return (a + b) * <f32>(0.25 / 256);
}

/** The binary logarithm, right to some thousandths: by the exponent and a parabola. */
function log2(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  const part = reinterpret<f32>((bits & 0x7fffff) | 0x3f800000);
  return <f32>(bits >> 23) - 128 + (((-0.33582878 * part + 2.0) * part - 0.65871759));
}

function describe(): void {
  let all: f32 = 0;
  let moved: f32 = 0;
  let sum: f32 = 0;
  let logs: f32 = 0;
  for (let band = 0; band < BANDS; band += 1) {
    const from = <i32>load<u8>(EDGES + band);
    const to = <i32>load<u8>(EDGES + band + 1);
    let energy: f32 = 0;
    for (let bin = from; bin < to; bin += 1) {
      const each = power(bin) + 1;
      energy += each;
      if (bin >= 9 && bin < 128) {
        sum += each;
        logs += log2(each);
      }
    }
    const level = log2(energy / <f32>(to - from) + QUIET);
    sink(band, level);
    moved += windows === 0 ? 0 : abs(level - at(before, band));
    put(before, band, level);
    all += level;
  }
  all /= <f32>BANDS;
  for (let band = 0; band < BANDS; band += 1) {
    const level = at(before, band);
    feature(band, (level - floor(band)) * 0.15);
    feature(BANDS + band, (level - all) * 0.2);
  }
  feature(BANDS * 2, periodicity());
  feature(BANDS * 2 + 1, (log2(sum / 119) - logs / 119) * 0.3);
  feature(BANDS * 2 + 2, all * 0.1 - 1);
  feature(BANDS * 2 + 3, (moved / <f32>BANDS) * 0.5);
}

/** Let the floor of a band follow. */
function sink(band: i32, level: f32): void {
  const begins = windows % BLOCK === 0;
  if (begins) {
    put(floors, BANDS * 2 + band, windows === 0 ? level : at(floors, BANDS + band));
    put(floors, BANDS + band, windows === 0 ? level : at(floors, band));
  }
  put(floors, band, begins ? level : min<f32>(level, at(floors, band)));
}

@inline function floor(band: i32): f32 {
  return min<f32>(at(floors, band), min<f32>(at(floors, BANDS + band), at(floors, BANDS * 2 + band)));
}

/** Keep what is known now, and its smoothed past beside it. */
function feature(index: i32, value: f32): void {
  const bounded: f32 = max<f32>(-2, min<f32>(2, value));
  put(features, index, bounded);
  const past = at(features, FEATURES + index);
  put(features, FEATURES + index, past + (bounded - past) * SMOOTH);
}

/** How alike the last 64 ms are to themselves a period of 70 to 400 Hz later, 0 to 1. */
function periodicity(): f32 {
  let mean: f32 = 0;
  for (let n = 0; n < 256; n += 1) {
    const from = n * 4;
    const value = at(sound, from) + at(sound, from + 1) + at(sound, from + 2) + at(sound, from + 3);
    put(slow, n, value);
    mean += value;
  }
  mean /= 256;
  for (let n = 0; n < 256; n += 1) put(slow, n, at(slow, n) - mean);
  let best: f32 = 0;
  for (let lag = 10; lag <= 57; lag += 1) {
    let both: f32 = 0;
    let first: f32 = 4096;
    let second: f32 = 4096;
    for (let n = 57; n < 256; n += 1) {
      const a = at(slow, n);
      const b = at(slow, n - lag);
      both += a * b;
      first += a * a;
      second += b * b;
    }
    best = max<f32>(best, both / sqrt<f32>(first * second));
  }
  return best;
}

/** A layer of softsigns, and a logistic unit. */
function judge(): f32 {
  let sum: f32 = <f32>load<i8>(OUTPUT + UNITS) * SCALE;
  for (let unit = 0; unit < UNITS; unit += 1) {
    const row = HIDDEN + unit * (INPUTS + 1);
    let z: f32 = <f32>load<i8>(row + INPUTS) * SCALE;
    for (let n = 0; n < INPUTS; n += 1) z += <f32>load<i8>(row + n) * SCALE * at(features, n);
    sum += <f32>load<i8>(OUTPUT + unit) * SCALE * (z / (1 + abs(z)));
  }
  return 1 / (1 + Mathf.exp(-3 * sum));
}
