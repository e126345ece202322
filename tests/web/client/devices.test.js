/** The player's and the recorder's part on the page, with a context made for the test: what they tell, and errors. */

import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { Player } from "../../../voxint/web/client/player.js";
import { Recorder } from "../../../voxint/web/client/recorder.js";

/** @typedef {{type: string, [name: string]: unknown}} Message */

class Node {
  /** @type {Message[]} */ sent = [];
  /** @type {((event: Event) => void) | null} */ onprocessorerror = null;
  port = {
    /** @type {((event: {data: unknown}) => void) | null} */ onmessage: null,
    postMessage: (/** @type {Message} */ message) => this.sent.push(message),
  };
  gain = { value: 1, setTargetAtTime: (/** @type {number} */ value) => (this.gain.value = value) };

  /** @param {object} [_context] @param {string} [name] */
  constructor(_context, name = "") {
    this.name = name;
    made.push(this);
  }

  /** @param {Node} other */
  connect(other) {
    return other;
  }

  disconnect() {}

  /** @param {Message} message */
  tell(message) {
    this.port.onmessage?.({ data: message });
  }
}

class Context extends EventTarget {
  sampleRate = 48000;
  currentTime = 0;
  state = "running";
  baseLatency = 0.01;
  outputLatency = 0.02;
  destination = new Node();
  audioWorklet = { addModule: async () => {} };
  createGain = () => new Node();
  createMediaStreamSource = () => new Node();
}

/** @type {Node[]} */ let made = [];
const progress = { sounds: true, waiting: 4800, target: 2880, underruns: 0, lastLoudFrame: 5 };

/** @returns {{context: AudioContext & Context, given: Context}} */
function contextOf() {
  const given = new Context();
  return { given, context: /** @type {AudioContext & Context} */ (/** @type {unknown} */ (given)) };
}

/** @param {EventTarget} target @param {string[]} types @returns {Message[]} */
function listen(target, ...types) {
  /** @type {Message[]} */ const told = [];
  for (const type of types) {
    target.addEventListener(type, (event) => told.push({ type, .../** @type {CustomEvent} */ (event).detail }));
  }
  return told;
}

/** @returns {Node} */
function worklet() {
  const node = made.find(({ name }) => name.startsWith("voxint-"));
  assert.ok(node);
  return node;
}

/** @param {() => Promise<unknown>} getUserMedia */
function microphone(getUserMedia) {
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia } }, configurable: true });
}

Object.assign(globalThis, { AudioWorkletNode: Node });
afterEach(() => {
  made = [];
  mock.timers.reset();
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
});

test("played is told each 200 ms and at the end, less what is on its way, and drained once it was heard", async () => {
  const { context, given } = contextOf();
  const player = await Player.open(context);
  const told = listen(player, "played", "drained");
  player.begin("a");
  const report = (/** @type {number} */ ms, type = "report", sounds = true) => {
    given.currentTime = ms / 1000;
    worklet().tell({ ...progress, type, id: "a", given: Math.min(ms, 500) * 48, frame: ms * 48, sounds });
  };
  for (let ms = 20; ms < 500; ms += 20) report(ms);
  const played = (/** @type {number} */ playedMs) => ({ type: "played", requestId: "a", playedMs });
  assert.deepEqual(told, [played(210), played(410)]);
  worklet().tell({ ...progress, type: "drained", id: "a", given: 24000, frame: 24000, sounds: false });
  assert.equal(told.length, 2);
  given.currentTime = 0.54;
  worklet().tell({ ...progress, type: "report", id: "", given: 0, frame: 25920, sounds: false });
  assert.deepEqual(told.slice(2), [played(500), { type: "drained", requestId: "a" }]);
});

test("sound of an answer that never began, has ended or was discarded is not taken", async () => {
  const { context } = contextOf();
  const player = await Player.open(context);
  const pcm = new Int16Array(2400);
  assert.equal(player.put("a", pcm), false);
  player.begin("a");
  assert.equal(player.put("a", pcm), true);
  player.end("a");
  assert.equal(player.put("a", pcm), false);
  player.begin("b");
  const discarded = player.discard();
  assert.equal(player.put("b", pcm), false);
  worklet().tell({ type: "discarded", ask: 1, id: "a", given: 4800, frame: 9000 });
  assert.deepEqual(await discarded, { requestId: "a", playedMs: 100, silentFrame: 9000 });
  const put = worklet().sent.filter(({ type }) => type === "put");
  const frames = put.map(({ pcm: sent }) => /** @type {Int16Array} */ (sent).length);
  assert.equal(frames.reduce((sum, each) => sum + each), 4800, "all of it is sent, at the context's rate");
});

test("a worklet that does not answer is an error, but not where the context does not run", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { context, given } = contextOf();
  const opening = Player.open(context);
  const player = await opening;
  const told = listen(player, "error", "state");
  given.state = "suspended";
  given.dispatchEvent(new Event("statechange"));
  const first = player.discard("a");
  mock.timers.tick(500);
  assert.deepEqual(await first, { requestId: "a", playedMs: 0, silentFrame: null });
  assert.deepEqual(told, [{ type: "state", state: "suspended" }]);
  given.state = "running";
  const second = player.discard("a");
  mock.timers.tick(500);
  await second;
  assert.equal(told.length, 2);
  worklet().onprocessorerror?.(new Event("processorerror"));
  worklet().tell({ type: "full", id: "a", frames: 480 });
  assert.equal(told.length, 4);
  assert.equal(player.stats.refused, 480);
});

test("what the worklet tells is told on, and a volume is a volume", async () => {
  const { context } = contextOf();
  const player = await Player.open(context);
  const told = listen(player, "silent", "ducked", "unducked");
  const messages = [
    { type: "ducked" }, { type: "silent", frame: 9, atFrame: 3, why: "hint" }, { type: "unducked", why: "expired" },
  ];
  for (const message of messages) worklet().tell(message);
  assert.deepEqual(told, messages);
  player.volume = 0.5;
  assert.equal(player.volume, 0.5);
  player.pause();
  player.resume();
  player.duck();
  player.unduck();
  player.close();
  assert.deepEqual(worklet().sent.map(({ type }) => type), ["pause", "resume", "duck", "unduck", "close"]);
  assert.equal(worklet().port.onmessage, null, "a node outlives its context in Chromium, and would keep all this");
});

test("a page without worklets is told to be insecure, and a worklet that can't be loaded is an error", async () => {
  const { context, given } = contextOf();
  given.audioWorklet = { addModule: async () => Promise.reject(new Error("404")) };
  await assert.rejects(Player.open(context), { name: "VoxintError", code: "audio_failed", retryable: true });
  Object.assign(given, { audioWorklet: undefined });
  await assert.rejects(Player.open(context), { code: "insecure_origin" });
});

test("a browser's refusal of the microphone has a code of its own", async () => {
  const { context } = contextOf();
  await assert.rejects(Recorder.open(context), { code: "insecure_origin" });
  const codes = {
    NotAllowedError: "microphone_denied", NotFoundError: "microphone_missing", NotReadableError: "microphone_busy",
    OverconstrainedError: "microphone_missing", TypeError: "audio_failed",
  };
  for (const [name, code] of Object.entries(codes)) {
    microphone(async () => Promise.reject(Object.assign(new Error("no"), { name })));
    await assert.rejects(Recorder.open(context), { name: "VoxintError", code });
  }
});

test("a recorder asks for what a call needs, tells frames and levels, and lets the microphone go", async () => {
  const { context } = contextOf();
  const track = { stop: mock.fn(), onended: /** @type {(() => void) | null} */ (null) };
  const asked = mock.fn(async (/** @type {unknown} */ _constraints) => ({ getTracks: () => [track] }));
  microphone(/** @type {() => Promise<unknown>} */ (/** @type {unknown} */ (asked)));
  const constraints = { autoGainControl: false };
  const recorder = await Recorder.open(context, { constraints, deviceId: "usb", hintPort: 3 });
  assert.deepEqual(asked.mock.calls[0]?.arguments[0], {
    audio: {
      echoCancellation: true, noiseSuppression: true, autoGainControl: false, channelCount: 1,
      deviceId: { exact: "usb" },
    },
  });
  const told = listen(recorder, "audio", "level", "onset", "ended");
  const node = worklet();
  node.tell({ type: "begin", frame: 1280 });
  for (let n = 0; n < 6; n += 1) {
    node.tell({ type: "audio", pcm: new Int16Array(320), at: n * 320, frame: 1280 + n * 960, rms: -40, peak: -30 });
  }
  node.tell({ type: "onset", frame: 1280 + 48000, at: 16000 });
  assert.equal(told.filter(({ type }) => type === "level").length, 2);
  assert.deepEqual(told.find(({ type }) => type === "onset"), { type: "onset", frame: 49280, atMs: 1000 });
  assert.deepEqual([recorder.sentFrames, recorder.frameAt(1000)], [1920, 49280]);
  recorder.muted = true;
  recorder.confirm(true);
  track.onended?.();
  assert.equal(told.at(-1)?.type, "ended");
  recorder.close();
  assert.equal(track.stop.mock.callCount(), 1);
  assert.equal(track.onended, null);
  assert.deepEqual(node.sent.map(({ type }) => type), ["mute", "confirm", "close"]);
});

test("a microphone that can't be joined to the context is let go", async () => {
  const { context, given } = contextOf();
  const track = { stop: mock.fn(), onended: null };
  microphone(async () => ({ getTracks: () => [track] }));
  given.createMediaStreamSource = () => {
    throw new Error("another rate");
  };
  await assert.rejects(Recorder.open(context), { code: "audio_failed" });
  assert.equal(track.stop.mock.callCount(), 1);
});
