/** The two worklets on one audio thread, quantum by quantum: what they play, tell and tell each other. */

import assert from "node:assert/strict";
import { before, test } from "node:test";

/** @typedef {import("../../../voxint/web/client/player-worklet.js").FromPlayer} FromPlayer */
/** @typedef {import("../../../voxint/web/client/recorder-worklet.js").FromRecorder} FromRecorder */
/**
 * @typedef {{process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean,
 *   port: {onmessage: (event: {data: unknown}) => void, open: boolean}}} Processor
 */

const RATE = 48000;
/** @type {Map<string, new (options: object) => Processor>} */ const processors = new Map();
/** @type {((message: unknown) => void)[]} */ const ports = [];

Object.assign(globalThis, {
  sampleRate: RATE,
  currentFrame: 0,
  registerProcessor: (/** @type {string} */ name, /** @type {new () => Processor} */ it) => processors.set(name, it),
  AudioWorkletProcessor: class {
    port = { onmessage: null, postMessage: ports.pop(), open: true, close() { this.open = false; } };
  },
});
before(async () => {
  await import("../../../voxint/web/client/player-worklet.js");
  await import("../../../voxint/web/client/recorder-worklet.js");
});

let lines = 0;

/** A player and a recorder on one thread; time is what `run` lets pass. */
class Thread {
  /** @type {FromPlayer[]} */ played = [];
  /** @type {FromRecorder[]} */ recorded = [];
  /** @type {number[]} */ output = [];

  constructor() {
    const line = (lines += 1);
    this.player = made("voxint-player", { line }, (message) => this.played.push(/** @type {FromPlayer} */ (message)));
    this.recorder = made("voxint-recorder", { rate: 16000, line }, (message) =>
      this.recorded.push(/** @type {FromRecorder} */ (message)));
    Object.assign(globalThis, { currentFrame: 0 });
  }

  /** @param {object} message */
  tell(message) {
    this.player.port.onmessage({ data: message });
  }

  /** @param {number} ms @param {() => number} [sound] at the microphone */
  run(ms, sound = () => 0) {
    const quanta = Math.round((ms * 48) / 128);
    for (let n = 0; n < quanta; n += 1) {
      const output = new Float32Array(128);
      this.recorder.process([[Float32Array.from({ length: 128 }, sound)]], [[new Float32Array(128)]]);
      this.player.process([], [[output]]);
      this.output.push(...output);
      Object.assign(globalThis, { currentFrame: currentFrame + 128 });
    }
  }

  /** @param {string} id @param {number} ms of a steady sound */
  answer(id, ms) {
    this.tell({ type: "begin", id });
    this.tell({ type: "put", id, pcm: new Int16Array(ms * 48).fill(6000) });
    this.tell({ type: "end", id });
  }

  /** @template {FromPlayer["type"]} T @param {T} type @returns {(FromPlayer & {type: T})[]} */
  told(type) {
    return this.played.filter(/** @returns {message is FromPlayer & {type: T}} */ (message) => message.type === type);
  }
}

/** @param {string} name @param {object} processorOptions @param {(message: unknown) => void} tell */
function made(name, processorOptions, tell) {
  const Made = processors.get(name);
  assert.ok(Made);
  ports.push(tell);
  return new Made({ processorOptions });
}

const loud = () => 0.3 * (Math.random() - 0.5);
const echo = () => 0.005 * (Math.random() - 0.5);

test("a closed part runs no more and shuts its port, by which a browser would keep it", () => {
  const { player, recorder } = new Thread();
  for (const part of [player, recorder]) {
    assert.equal(part.process([], [[new Float32Array(128)]]), true);
    part.port.onmessage({ data: { type: "close" } });
    assert.equal(part.process([], [[new Float32Array(128)]]), false);
    assert.equal(part.port.open, false);
  }
});

test("an answer is handed out whole, and its end is told where it was", () => {
  const thread = new Thread();
  thread.answer("a", 500);
  thread.run(600);
  assert.equal(thread.output.filter(Boolean).length, 24000);
  const [drained] = thread.told("drained");
  assert.deepEqual([drained?.id, drained?.given, drained?.frame, drained?.lastLoudFrame], ["a", 24000, 24000, 23999]);
  assert.ok(thread.told("report").length >= 600 / 22);
});

test("an onset over an answer is silent within 12 ms, by the worklets' own clock", () => {
  const thread = new Thread();
  thread.answer("a", 5000);
  thread.run(2000, echo);
  assert.deepEqual(thread.recorded.filter(({ type }) => type === "onset"), []);
  const begin = currentFrame;
  thread.run(200, loud);
  const onset = thread.recorded.find(({ type }) => type === "onset");
  const [silent] = thread.told("silent");
  assert.ok(onset && silent && silent.why === "hint");
  assert.ok(onset.frame - begin <= 40 * 48, "it is suspected within 40 ms");
  assert.ok(silent.frame - onset.frame <= 12 * 48, `${silent.frame - onset.frame} frames`);
  assert.ok(thread.output.slice(silent.frame).every((sample) => sample === 0));
  assert.notEqual(thread.output[silent.frame - 1], 0);
  thread.run(400, echo);
  assert.deepEqual(thread.told("unducked"), [{ type: "unducked", why: "expired" }]);
  assert.equal(thread.told("ducked").length, 1);
});

test("a hold takes a duck over and does not end by itself; released, the answer goes on with its next sample", () => {
  const thread = new Thread();
  thread.answer("a", 1000);
  thread.run(200);
  thread.tell({ type: "duck" });
  thread.run(50);
  thread.tell({ type: "pause" });
  thread.run(1000);
  assert.deepEqual(thread.told("unducked"), [{ type: "unducked", why: "held" }]);
  assert.deepEqual(thread.told("silent").map(({ why }) => why), ["hint", "pause"]);
  const before = thread.output.filter(Boolean).length;
  assert.ok(before < 211 * 48);
  thread.tell({ type: "resume" });
  thread.run(1000);
  assert.equal(thread.output.filter(Boolean).length, 48000);
});

test("what is discarded is told with the frame of its silence, though the next answer follows at once", () => {
  const thread = new Thread();
  thread.answer("a", 1000);
  thread.run(200);
  const asked = currentFrame;
  thread.tell({ type: "discard", id: "a", ask: 7 });
  thread.answer("b", 100);
  const [discarded] = thread.told("discarded");
  assert.deepEqual([discarded?.ask, discarded?.id, discarded?.frame], [7, "a", asked + 479]);
  thread.run(200);
  assert.deepEqual(thread.told("silent"), [{ type: "silent", frame: asked + 479, atFrame: asked, why: "discard" }]);
  assert.equal(thread.told("drained")[0]?.id, "b");
  assert.equal(thread.output.slice(asked + 479).filter(Boolean).length, 4800);
});

test("to discard what is not there is answered too, and what is too much is said", () => {
  const thread = new Thread();
  thread.run(50);
  thread.tell({ type: "discard", id: "x", ask: 1 });
  thread.tell({ type: "pause" });
  thread.run(10);
  assert.deepEqual(thread.told("discarded"), [{ type: "discarded", ask: 1, id: "x", given: 0, frame: 0 }]);
  assert.deepEqual(thread.told("silent").map(({ why }) => why), ["discard", "pause"]);
  thread.tell({ type: "begin", id: "a" });
  thread.tell({ type: "put", id: "a", pcm: new Int16Array(48 * 31000) });
  assert.deepEqual(thread.told("full"), [{ type: "full", id: "a", frames: 48 * 31000 }]);
});

test("closed, both let their threads go, and a recorder without a player hints nobody", () => {
  const thread = new Thread();
  thread.tell({ type: "close" });
  thread.recorder.port.onmessage({ data: { type: "close" } });
  assert.equal(thread.player.process([], [[new Float32Array(128)]]), false);
  assert.equal(thread.recorder.process([[new Float32Array(128)]], []), false);
});

test("a device that is gone gives silence, and the stream's clock goes on", () => {
  const thread = new Thread();
  for (let n = 0; n < 100; n += 1) thread.recorder.process([[]], []);
  const frames = thread.recorded.filter(({ type }) => type === "audio");
  assert.equal(frames.length, 13);
  assert.deepEqual(frames.map(({ frame }) => frame), frames.map((_, n) => n * 960));
});
