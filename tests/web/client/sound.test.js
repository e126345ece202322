/** Devices that come and go, and pages that are left. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { VoxintError } from "../../../voxint/web/client/errors.js";
import { Sound } from "../../../voxint/web/client/sound.js";
import { VoiceAgent } from "../../../voxint/web/client/voice-agent.js";
import { devices, FakeClient, FakeClock, FakeContext, FakePlayer, FakeRecorder, made, settled } from "./agent-fakes.js";

const GLOBALS = /** @type {const} */ (["navigator", "document", "window"]);
const before = GLOBALS.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = new FakeClock();
  FakeContext.clock = clock;
  FakeContext.allowed = true;
  FakeRecorder.allows = async () => {};
  devices.opens = 0;
  const targets = { navigator: { mediaDevices: new EventTarget() }, document: new EventTarget(), window: new EventTarget() };
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
  await sound.listen();
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
  await assert.rejects(sound.listen());
  FakeRecorder.allows = async () => {};
  plug();
  await settled();
  assert.equal(sound.microphone, "missing");
  await sound.listen();
  refuse("microphone_denied");
  devices.recorder?.tells("ended", null);
  await settled();
  FakeRecorder.allows = async () => {};
  plug();
  await settled();
  assert.equal(sound.microphone, "denied");
  await sound.listen();
  sound.deafen();
  const { opens } = devices;
  plug();
  await settled();
  assert.equal(devices.opens, opens);
});

test("what was muted stays muted over another device", async () => {
  const { sound } = newSound();
  await sound.listen();
  sound.muted = true;
  devices.recorder?.tells("ended", null);
  await settled();
  assert.equal(devices.recorder?.muted, true);
  assert.equal(sound.microphone, "muted");
});

test("a tab that is shown again asks its sound to go on, and what can't is told", async () => {
  const { sound, told } = newSound();
  await sound.open();
  FakeContext.allowed = false;
  FakeContext.latest.state = "interrupted";
  document.dispatchEvent(new Event("visibilitychange"));
  await clock.tick(1000);
  assert.deepEqual(told, ["audio_blocked"]);
  FakeContext.allowed = true;
  await sound.open();
  assert.equal(FakeContext.latest.state, "running");
});

test("a closed sound listens to the page no more, and can be opened again", async () => {
  const { sound } = newSound();
  await sound.listen();
  await sound.close();
  const { opens } = devices;
  plug();
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.equal(devices.opens, opens);
  await sound.open();
  assert.deepEqual(devices.player?.did, ["open 24000"]);
});

test("two who open the loudspeaker at once have the same one", async () => {
  const { sound } = newSound();
  /** @type {unknown[]} */
  const players = [];
  sound.on("player", ({ player }) => players.push(player));
  await Promise.all([sound.open(), sound.open(), sound.listen()]);
  assert.equal(players.length, 1, "else an answer that one has begun is cut off by the other");
});

test("a loudspeaker that comes when all is closed is let go, and a person is not asked any more", async () => {
  let loaded = () => {};
  const loading = new Promise((resolve) => (loaded = () => resolve(null)));
  const late = { open: async (/** @type {any} */ ...how) => loading.then(() => PARTS.Player.open(...how)) };
  const sound = new Sound({ clock, AudioContext, parts: { ...PARTS, Player: late } });
  const opening = assert.rejects(sound.open(), { code: "closed" });
  await settled();
  await sound.close();
  loaded();
  await opening;
  assert.equal(sound.player, null);
  assert.equal(devices.player?.did.at(-1), "close");
  const { opens } = devices;
  const listening = sound.listen();
  sound.deafen();
  await listening;
  assert.equal(devices.opens, opens);
  assert.equal(sound.microphone, "off");
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
