/** The client's own suspicion of an onset: quick, deaf to the answer's echo, and shy after false alarms. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { OnsetHint } from "../../../voxint/web/client/onset.js";

const RATE = 16000;
const QUANTUM = 128;

let state = 5;
const random = () => (state = (state * 48271) % 2147483647) / 1073741823.5 - 1;
const noise = (/** @type {number} */ db) => () => random() * Math.sqrt(3) * 10 ** (db / 20);
const sum = (/** @type {(() => number)[]} */ ...sounds) => () => sounds.reduce((all, each) => all + each(), 0);

/**
 * @param {OnsetHint} hint
 * @param {number} ms
 * @param {() => number} sound
 * @param {number} [playerDb]
 * @returns {number[]} ms since the beginning at which there was a hint
 */
function hear(hint, ms, sound, playerDb = -100) {
  const hints = [];
  for (let at = 0; at < (ms * RATE) / 1000; at += QUANTUM) {
    hint.plays(playerDb);
    const found = hint.feed(Float32Array.from({ length: QUANTUM }, sound));
    if (found >= 0) hints.push(((at + found) * 1000) / RATE);
  }
  return hints;
}

/** @returns {OnsetHint} in a quiet room, with an answer that it knows the echo of */
function playing() {
  const hint = new OnsetHint(RATE);
  hear(hint, 500, noise(-65));
  assert.deepEqual(hear(hint, 2000, noise(-45), -20), [], "an echo is no onset");
  return hint;
}

test("a voice over an answer is suspected within 32 ms, and once", () => {
  const hints = hear(playing(), 500, sum(noise(-45), noise(-25)), -20);
  assert.equal(hints.length, 1);
  assert.ok((hints[0] ?? 99) <= 32, `${hints}`);
});

test("where nothing plays there is no hint", () => {
  const hint = new OnsetHint(RATE);
  assert.deepEqual(hear(hint, 3000, noise(-20)), []);
});

test("a click is none, and an echo that grows with the answer is none", () => {
  const hint = playing();
  let at = 0;
  assert.deepEqual(hear(hint, 1000, () => (at++ % 4000 < 100 ? 0.5 * random() : noise(-45)()), -20), []);
  for (let db = -20; db <= -6; db += 1) assert.deepEqual(hear(hint, 300, noise(db - 25), db), [], `${db} dB`);
});

test("the echo of an answer that has just ended is none", () => {
  const hint = playing();
  assert.deepEqual(hear(hint, 200, noise(-45)), []);
});

test("hints that nobody confirms make the next one harder, until they are forgotten", () => {
  const hint = playing();
  const burst = () => {
    const hints = hear(hint, 200, noise(-26), -20);
    hear(hint, 1500, noise(-45), -20);
    return hints.length;
  };
  const hints = Array.from({ length: 8 }, burst);
  assert.deepEqual(hints.slice(0, 2), [1, 1]);
  assert.deepEqual(hints.slice(-3), [0, 0, 0]);
  assert.ok(hint.wary >= 2);
  hear(hint, 120000, noise(-45), -20);
  assert.equal(hint.wary, 0);
  assert.equal(burst(), 1);
});

test("a confirmed one makes it trust again, and is not learned as an echo", () => {
  const hint = playing();
  hint.unconfirmed();
  hint.unconfirmed();
  const loud = noise(-15);
  assert.equal(hear(hint, 100, loud, -20).length, 1);
  hint.confirmed();
  assert.equal(hint.wary, 0);
  hear(hint, 1500, loud, -20);
  hear(hint, 1000, noise(-45), -20);
  assert.equal(hear(hint, 100, loud, -20).length, 1);
});
