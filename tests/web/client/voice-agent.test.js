/** A conversation as one object, over stand-ins for the server and the devices. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VoxintError } from "../../../voxint/web/client/errors.js";
import { VoiceAgent } from "../../../voxint/web/client/voice-agent.js";
import {
  devices, FakeClient, FakeContext, FakePlayer, FakeRecorder, freshDevices, made, receipt,
} from "./agent-fakes.js";
import { settled } from "./fakes.js";

/** @import { FakeClock } from "./fakes.js" */

/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = freshDevices();
});

/** @param {object} [options] */
function newAgent(options) {
  /** @type {any} the stand-ins have what is used of the classes */
  const parts = { WebSocketClient: FakeClient, Player: FakePlayer, Recorder: FakeRecorder };
  const context = /** @type {any} */ (FakeContext);
  const agent = new VoiceAgent({ url: "ws://voice.example", clock, parts, AudioContext: context, ...options });
  const client = /** @type {FakeClient} */ (made.at(-1));
  /** @type {any[]} */
  const told = [];
  for (const name of ["state", "microphone", "interruption", "error", "session", "latency"])
    agent.addEventListener(name, (event) => told.push([name, /** @type {CustomEvent} */ (event).detail]));
  const of = (/** @type {string} */ name) => told.filter(([each]) => each === name).map(([, detail]) => detail);
  return { agent, client, of };
}

/** @param {object} [options] */
async function listening(options) {
  const all = newAgent(options);
  await all.agent.connect();
  await all.agent.openMicrophone();
  const { player, recorder } = devices;
  return { ...all, player: /** @type {FakePlayer} */ (player), recorder: /** @type {FakeRecorder} */ (recorder) };
}

test("it goes from off over a connection and an open microphone to an answer and back", async () => {
  const { agent, client, of } = await listening();
  const { requestId } = agent.ask("What is the tide?");
  client.answers(requestId, "speaking");
  client.answers(requestId, "complete");
  agent.closeMicrophone();
  await agent.close();
  assert.deepEqual(of("state").map(({ state }) => state),
    ["connecting", "ready", "listening", "thinking", "speaking", "listening", "ready", "off"]);
});

test("a connection that fails is told, rejected, and left by another", async () => {
  const { agent, client, of } = newAgent();
  client.refuses = new VoxintError("key_refused", "no");
  await assert.rejects(agent.connect(), { code: "key_refused" });
  assert.equal(agent.state, "failed");
  assert.equal(of("error")[0].error.code, "key_refused");
  client.refuses = null;
  await agent.connect();
  assert.equal(agent.state, "ready");
});

test("a connection that is lost comes back, and the microphone goes on", async () => {
  const { agent, client, recorder, of } = await listening();
  client.becomes("waiting", { inMs: 400 });
  assert.equal(agent.state, "reconnecting");
  assert.equal(of("state").at(-1).inMs, 400);
  client.sent = [];
  recorder.hears();
  assert.deepEqual(client.sent, []);
  client.opens({ resumed: true });
  recorder.hears();
  assert.deepEqual(client.sent, [["AUDIO", 320]]);
  assert.equal(agent.state, "listening");
  assert.equal(of("session").at(-1).resumed, true);
});

test("a context that no click has allowed is told, and opened by the next click", async () => {
  const { agent, of } = newAgent();
  FakeContext.allowed = false;
  const opened = assert.rejects(agent.openAudio(), { code: "audio_blocked", retryable: true });
  await clock.pass(1000);
  await opened;
  assert.equal(of("error").length, 1);
  FakeContext.allowed = true;
  await agent.openAudio();
  assert.deepEqual(devices.player?.did, ["open 24000"]);
});

test("a system that stops the sound is asked to let it go on", async () => {
  const { agent, of } = newAgent();
  await agent.openAudio();
  FakeContext.latest.becomes("interrupted");
  await settled();
  assert.equal(FakeContext.latest.state, "running");
  assert.deepEqual(of("error"), []);
});

test("a session of another rate gets a player of that rate", async () => {
  const { agent, client } = newAgent();
  await agent.openAudio();
  client.audio.outputRate = 16000;
  const first = devices.player;
  await agent.connect();
  assert.deepEqual(first?.did, ["open 24000", "close"]);
  assert.deepEqual(devices.player?.did, ["open 16000"]);
});

for (const [code, microphone] of /** @type {const} */ ([
  ["microphone_denied", "denied"], ["microphone_missing", "missing"], ["microphone_busy", "busy"],
  ["insecure_origin", "insecure"], ["audio_failed", "off"],
])) {
  test(`a microphone that fails with ${code} is ${microphone}, and can be tried again`, async () => {
    const { agent, of } = newAgent();
    await agent.connect();
    FakeRecorder.allows = async () => { throw new VoxintError(code, "no"); };
    await assert.rejects(agent.openMicrophone(), { code });
    assert.equal(agent.microphone, microphone);
    assert.equal(agent.state, "ready");
    assert.deepEqual(of("error").map(({ error }) => error.code), [code]);
    FakeRecorder.allows = async () => {};
    await agent.openMicrophone();
    assert.equal(agent.state, "listening");
  });
}

test("a page that can have no sound is answered by text alone", async () => {
  const { agent, client, of } = newAgent();
  const parts = agent.sound.parts;
  agent.sound.parts = /** @type {any} */ ({
    ...parts, Player: { open: async () => { throw new VoxintError("insecure_origin", "no worklet"); } },
  });
  await assert.rejects(agent.openAudio(), { code: "insecure_origin" });
  assert.deepEqual(client.sent, [["UPDATE", { requireTts: false }]]);
  assert.deepEqual(of("error").map(({ error }) => error.code), ["insecure_origin"]);
});

test("a microphone that is closed while the person is asked stays closed", async () => {
  const { agent } = newAgent();
  await agent.connect();
  let allow = () => {};
  FakeRecorder.allows = () => new Promise((resolve) => (allow = () => resolve(undefined)));
  const opening = agent.openMicrophone();
  await settled();
  agent.closeMicrophone();
  allow();
  await opening;
  assert.equal(devices.recorder?.closed, true);
  assert.equal(agent.microphone, "off");
});

test("a device that goes away is replaced by another, and where there is none that is told once", async () => {
  const { agent, recorder, of } = await listening();
  recorder.tells("ended", null);
  await settled();
  assert.equal(devices.opens, 2);
  assert.equal(agent.microphone, "on");
  FakeRecorder.allows = async () => { throw new VoxintError("microphone_missing", "none"); };
  devices.recorder?.tells("ended", null);
  await settled();
  assert.equal(agent.microphone, "missing");
  assert.deepEqual(of("error").map(({ error }) => error.code), ["microphone_missing"]);
});

test("the stop button silences here first, and its record has both instants", async () => {
  const { agent, client, player, of } = await listening();
  client.answers("req_1", "speaking");
  const shown = agent.messages[0]?.spokenChars;
  const frame = clock.now() * 48 + 480;
  client.acknowledges = async (id, mode) => {
    player.tells("silent", { frame, atFrame: frame, why: "discard" });
    await clock.pass(30);
    return { ...client.ack(id, mode, receipt("req_1")), sentAt: clock.now() - 30 };
  };
  await agent.interrupt();
  assert.equal(player.did.at(-1), "discard req_1");
  assert.deepEqual(client.sent.at(-1), ["INTERRUPT", "req_1", "commit", "USER_STOP", 1200]);
  const [{ record }] = of("interruption");
  assert.equal(record.by, "button");
  assert.deepEqual(record.local, { spokenChars: shown, playedMs: 1200 });
  assert.equal(record.at.sent, 0);
  assert.equal(record.at.silent, 10);
  assert.equal(record.at.acknowledged, 30);
  assert.equal(record.at.modelClosed, 30 - 5 - 2 + 1);
  assert.equal(agent.medianStopMs, 2);
  assert.equal(agent.interruptions.length, 1);
});

test("where nothing is answered, a stop stops nothing", async () => {
  const { agent, client, of } = await listening();
  client.sent = [];
  await agent.interrupt("key");
  assert.deepEqual(client.sent, []);
  assert.deepEqual(of("interruption"), []);
});

test("a typed question interrupts before it asks", async () => {
  const { agent, client, of } = await listening();
  client.answers("req_1", "waiting");
  client.sent = [];
  agent.ask("And on Friday?");
  await settled();
  assert.deepEqual(client.sent.map(([what]) => what), ["INTERRUPT", "ASK"]);
  assert.equal(of("interruption")[0].record.by, "text");
});

test("an answer's time is from the question to its first sound", async () => {
  const { agent, client, player } = await listening();
  const { requestId } = agent.ask("What is the tide?");
  await clock.pass(900);
  player.tells("played", { requestId, playedMs: 0 });
  player.tells("played", { requestId, playedMs: 200 });
  assert.equal(agent.latency.answerMs, 700);
});

test("fifty interruptions are kept", async () => {
  const { agent, client } = await listening();
  for (let n = 0; n < 60; n++) {
    client.answers(`req_${n}`, "waiting");
    await agent.interrupt();
  }
  assert.equal(agent.interruptions.length, 50);
  assert.equal(agent.interruptions.at(-1)?.requestId, "req_59");
});

test("a link has the session and a token, and settings are the session's", async () => {
  const { agent, client } = await listening();
  assert.equal((await agent.joinLink("https://voice.example/")).href, "https://voice.example/#join=sess_1.tok%2Fen");
  await agent.setVoice("amber");
  await agent.setLanguage("zh");
  await agent.setPrompt("Be brief.");
  assert.deepEqual(client.sent.slice(-3).map(([, settings]) => settings),
    [{ voice: "amber" }, { language: "zh" }, { systemPrompt: "Be brief." }]);
});

test("a failure of a request and one of none are told alike", async () => {
  const { agent, client, of } = newAgent();
  await agent.connect();
  client.emit("failed", { requestId: "req_1", error: new VoxintError("upstream", "the model is down") });
  client.emit("error", { error: new VoxintError("too_large", "too much") });
  assert.deepEqual(of("error").map(({ error }) => error.code), ["upstream", "too_large"]);
  assert.equal(agent.state, "ready");
});

test("a connection that is given up is a failure, and one that is closed is none", async () => {
  const { agent, client } = newAgent();
  await agent.connect();
  client.becomes("closed");
  assert.equal(agent.state, "failed");
  await agent.close();
  assert.equal(agent.state, "off");
});
