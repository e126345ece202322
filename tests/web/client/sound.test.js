/** Devices that come and go, and pages that are left. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { VoxintError } from "../../../voxint/web/client/errors.js";
import { Sound } from "../../../voxint/web/client/sound.js";
import { VoiceAgent } from "../../../voxint/web/client/voice-agent.js";
import { devices, FakeClient, FakeContext, FakePlayer, FakeRecorder, freshDevices, made } from "./agent-fakes.js";
import { settled } from "./fakes.js";

/** @import { FakeClock } from "./fakes.js" */

const GLOBALS = /** @type {const} */ (["navigator", "document", "window"]);
const before = GLOBALS.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = freshDevices();
  const [mediaDevices, document, window] = [new EventTarget(), new EventTarget(), new EventTarget()];
  const targets = { navigator: { mediaDevices }, document, window };
  for (const name of GLOBALS) Object.defineProperty(globalThis, name, { configurable: true, value: targets[name] });
});

afterEach(() => {
  GLOBALS.forEach((name, n) => {
    const was = before[n];
    if (was) Object.defineProperty(globalThis, name, was);
    else Reflect.deleteProperty(globalThis, name);
  });
});

/** @type {any} the stand-ins have what is used of the classes */
const PARTS = { WebSocketClient: FakeClient, Player: FakePlayer, Recorder: FakeRecorder };
const AudioContext = /** @type {any} */ (FakeContext);

function newSound() {
  const sound = new Sound({ clock, AudioContext, parts: PARTS });
  /** @type {string[]} */
  const told = [];
  sound.on("error", ({ error }) => told.push(error.code));
  return { sound, told };
}

/** @param {import("../../../voxint/web/client/errors.js").ErrorCode} code */
function refuse(code) {
  FakeRecorder.allows = async () => {
    throw new VoxintError(code, "no");
  };
}

const plug = () => navigator.mediaDevices.dispatchEvent(new Event("devicechange"));

test("a microphone that was lost comes back when one is plugged in", async () => {
  const { sound, told } = newSound();
  await sound.openMicrophone();
  refuse("microphone_missing");
  devices.recorder?.tells("ended", null);
  await settled();
  assert.equal(sound.microphone, "missing");
  FakeRecorder.allows = async () => {};
  plug();
  await settled();
  assert.equal(sound.microphone, "on");
  assert.deepEqual(told, ["microphone_missing"]);
});

test("one that never opened, was closed, or is denied now is not opened by itself", async () => {
  const { sound } = newSound();
  refuse("microphone_missing");
  await assert.rejects(sound.openMicrophone());
  FakeRecorder.allows = async () => {};
  plug();
  await settled();
  assert.equal(sound.microphone, "missing");
  await sound.openMicrophone();
  refuse("microphone_denied");
  devices.recorder?.tells("ended", null);
  await settled();
  FakeRecorder.allows = async () => {};
  plug();
  await settled();
  assert.equal(sound.microphone, "denied");
  await sound.openMicrophone();
  sound.closeMicrophone();
  const { opens } = devices;
  plug();
  await settled();
  assert.equal(devices.opens, opens);
});

test("what was muted stays muted over another device", async () => {
  const { sound } = newSound();
  await sound.openMicrophone();
  sound.muted = true;
  devices.recorder?.tells("ended", null);
  await settled();
  assert.equal(devices.recorder?.muted, true);
  assert.equal(sound.microphone, "muted");
});

test("a tab that is shown again asks its sound to go on, and what can't is told", async () => {
  const { sound, told } = newSound();
  await sound.openPlayer();
  FakeContext.allowed = false;
  FakeContext.latest.state = "interrupted";
  document.dispatchEvent(new Event("visibilitychange"));
  await clock.pass(1000);
  assert.deepEqual(told, ["audio_blocked"]);
  FakeContext.allowed = true;
  await sound.openPlayer();
  assert.equal(FakeContext.latest.state, "running");
});

test("a closed sound listens to the page no more, and can be opened again", async () => {
  const { sound } = newSound();
  await sound.openMicrophone();
  await sound.close();
  const { opens } = devices;
  plug();
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.equal(devices.opens, opens);
  await sound.openPlayer();
  assert.deepEqual(devices.player?.did, ["open 24000"]);
});

test("a loudspeaker opened twice at once is opened once, and one that is closed meanwhile is let go", async (t) => {
  const { sound } = newSound();
  const opened = t.mock.method(FakePlayer, "open");
  const told = t.mock.fn();
  sound.on("player", told);
  await Promise.all([sound.openPlayer(), sound.openMicrophone(), sound.openPlayer()]);
  assert.deepEqual([opened.mock.callCount(), told.mock.callCount(), sound.microphone], [1, 1, "on"]);
  await sound.close();
  assert.equal(told.mock.calls.at(-1)?.arguments[0].player, null);
  const closedIn = async (/** @type {() => Promise<unknown>} */ wait) => {
    const opening = sound.openMicrophone();
    await wait();
    await sound.close();
    return opening;
  };
  await closedIn(async () => {}); // before the context runs
  let loaded = () => {};
  opened.mock.mockImplementationOnce(async () => {
    await new Promise((resolve) => (loaded = () => resolve(undefined)));
    return new FakePlayer();
  });
  await Promise.all([closedIn(settled), settled().then(settled).then(() => loaded())]);
  assert.deepEqual([sound.player, devices.opens, sound.microphone, opened.mock.callCount()], [null, 1, "off", 2]);
  await sound.openPlayer();
  assert.notEqual(sound.player, null);
});

test("a question for the microphone that is refused late does not undo the next one's yes", async () => {
  const { sound } = newSound();
  await sound.openPlayer();
  let refused = (/** @type {Error} */ _) => {};
  FakeRecorder.allows = () => new Promise((_, reject) => (refused = reject));
  const first = sound.openMicrophone();
  await settled();
  FakeRecorder.allows = async () => {};
  await sound.openMicrophone();
  refused(new VoxintError("microphone_busy", "no"));
  await assert.rejects(first);
  assert.equal(sound.microphone, "on");
  devices.recorder?.tells("ended", null);
  await settled();
  assert.equal(sound.microphone, "on", "it is still wanted");
});

test("a page that is left ends the session, and one that comes back from the cache connects anew", async () => {
  const agent = new VoiceAgent({ url: "ws://voice.example", clock, parts: PARTS, AudioContext });
  const client = /** @type {FakeClient} */ (made.at(-1));
  await agent.connect();
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(client.sent.at(-1)?.[0], "CLOSE");
  assert.equal(agent.state, "off");
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await settled();
  assert.equal(agent.state, "ready");
});

test("a page whose answer shall go on leaves the session to the server", async () => {
  const agent = new VoiceAgent({ url: "ws://voice.example", clock, parts: PARTS, AudioContext });
  const client = /** @type {FakeClient} */ (made.at(-1));
  await agent.connect();
  agent.setKeep(true);
  assert.equal(client.options.onDisconnect, "keep");
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(client.sent, []);
});
