/** Hands-free by the server's ears, hands-free by this device's, and while a button is held. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VoiceAgent } from "../../../voxint/web/client/voice-agent.js";
import {
  devices, FakeClient, FakeContext, FakePlayer, FakeRecorder, freshDevices, made, receipt,
} from "./agent-fakes.js";
import { settled } from "./fakes.js";

/** @import { FakeClock } from "./fakes.js" */

const WINDOW = 512;
/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = freshDevices();
});

/**
 * An agent whose detector takes everything for speech while `voice.now` is true.
 *
 * @param {{handsFree?: boolean, granted?: string[]}} [options]
 */
async function connected({ handsFree = true, granted } = {}) {
  const voice = { now: false, loaded: 0, rest: 0 };
  const feed = (/** @type {Int16Array} */ pcm) => {
    voice.rest += pcm.length;
    const windows = Math.floor(voice.rest / WINDOW);
    voice.rest %= WINDOW;
    return Array.from({ length: windows }, () => (voice.now ? 0.9 : 0.1));
  };
  /** @type {any} the stand-ins have what is used of the classes */
  const parts = {
    WebSocketClient: FakeClient, Player: FakePlayer, Recorder: FakeRecorder,
    loadDetector: async () => ((voice.loaded += 1), { feed, reset() {} }),
  };
  const context = /** @type {any} */ (FakeContext);
  const agent = new VoiceAgent({ url: "ws://voice.example", clock, handsFree, parts, AudioContext: context });
  const client = /** @type {FakeClient} */ (made.at(-1));
  if (granted) client.granted = granted;
  await agent.connect();
  const opened = async () => {
    await agent.openMicrophone();
    const { player, recorder } = devices;
    return { player: /** @type {FakePlayer} */ (player), recorder: /** @type {FakeRecorder} */ (recorder) };
  };
  const sent = (/** @type {string[]} */ ...names) => client.sent.filter(([what]) => names.includes(what));
  return { agent, client, voice, opened, sent, parts };
}

test("the server hears everything, silence too, and nothing is loaded for it", async () => {
  const { opened, sent, voice, client } = await connected();
  assert.ok(client.options.features.includes("server_vad"));
  (await opened()).recorder.hears(3);
  assert.deepEqual(sent("AUDIO"), [["AUDIO", 320], ["AUDIO", 320], ["AUDIO", 320]]);
  assert.equal(voice.loaded, 0);
});

test("a barge-in has every instant, of three clocks, on one", async () => {
  const { agent, client, opened } = await connected();
  const { player, recorder } = await opened();
  recorder.frame = clock.now() * 48; // the microphone's first sample is now, at 1000 ms
  recorder.hears(50);
  await clock.pass(1000);
  client.answers("req_1", "speaking");
  recorder.tells("onset", { frame: 1650 * 48, atMs: 650 });
  player.tells("silent", { frame: 1661 * 48, atFrame: 1651 * 48, why: "hint" });
  client.answers("req_1", "held");
  assert.equal(agent.state, "held");
  client.acknowledges = async (id, mode) => {
    await clock.pass(20);
    return { ...client.ack(id, mode, receipt("req_1", { reason: "USER_VOICE_INPUT" })), sentAt: clock.now() - 20 };
  };
  client.emit("speech", { state: "started", requestId: "req_2", atMs: 600 });
  client.emit("speech", { state: "committed", requestId: "req_2", atMs: 900, interrupted: ["req_1"] });
  client.emit("end", { requestId: "req_1", interrupted: true, reason: "USER_VOICE_INPUT" });
  await clock.pass(20);
  const record = /** @type {any} */ (agent.interruptions[0]);
  assert.equal(record.by, "voice");
  assert.equal(record.reason, "USER_VOICE_INPUT");
  assert.deepEqual(record.at, {
    began: 0, heard: 50, silent: 61, held: 400, recognised: 300, sent: 400, modelClosed: 400 - 5 - 2 + 1,
    synthesisClosed: 400 - 5, acknowledged: 420,
  });
  assert.deepEqual(recorder.confirmed, [true]);
});

test("a cough leaves no trace: what was noted of it is not told of the next interruption", async () => {
  const { agent, client, opened } = await connected();
  const { player, recorder } = await opened();
  client.answers("req_1", "speaking");
  recorder.tells("onset", { frame: 48000, atMs: 0 });
  player.tells("silent", { frame: 48480, atFrame: 48000, why: "hint" });
  client.emit("hold", { requestId: "req_1", state: "held", seq: 1, reason: null });
  client.emit("hold", { requestId: "req_1", state: "released", seq: 1, reason: "noise" });
  assert.deepEqual(recorder.confirmed, [true, false]);
  await clock.pass(5000);
  client.emit("speech", { state: "committed", requestId: "req_2", atMs: 0, interrupted: ["req_1"] });
  client.emit("end", { requestId: "req_1", interrupted: true, reason: "USER_VOICE_INPUT" });
  player.tells("silent", { frame: clock.now() * 48, atFrame: 0, why: "discard" });
  await settled();
  const { at } = /** @type {any} */ (agent.interruptions[0]);
  assert.deepEqual([at.heard, at.held, at.began, at.silent], [null, null, null, at.acknowledged]);
});

test("who speaks is heard from the first word to the last, and the answer's time counts from there", async () => {
  const { agent, client, opened } = await connected();
  const { player, recorder } = await opened();
  recorder.frame = clock.now() * 48;
  recorder.hears(100);
  client.emit("speech", { state: "started", requestId: "req_7", atMs: 500 });
  assert.equal(agent.state, "hearing");
  await clock.pass(2000);
  client.emit("speech", { state: "stopped", requestId: "req_7", atMs: 1200, text: "Hello", outcome: "request" });
  assert.equal(agent.state, "thinking");
  client.answers("req_7", "speaking");
  player.tells("played", { requestId: "req_7", playedMs: 100 });
  assert.equal(agent.latency.answerMs, 2000 - 1200 - 100);
});

test("a microphone that is opened anew goes on with the server's count of its sound", async () => {
  const { agent, client, opened } = await connected();
  const first = await opened();
  first.recorder.frame = clock.now() * 48;
  first.recorder.hears(50);
  agent.closeMicrophone();
  await clock.pass(5000);
  const { player, recorder } = await opened();
  recorder.frame = clock.now() * 48;
  recorder.hears(50);
  await clock.pass(1000);
  client.emit("speech", { state: "started", requestId: "req_7", atMs: 1000 + 200 });
  client.emit("speech", { state: "stopped", requestId: "req_7", atMs: 1000 + 700, text: "Hello", outcome: "request" });
  client.answers("req_7", "speaking");
  player.tells("played", { requestId: "req_7", playedMs: 100 });
  assert.equal(agent.latency.answerMs, 1000 - 700 - 100);
});

test("sound that the network had no room for is not counted: the server has not heard it", async () => {
  const { agent, client, opened } = await connected();
  const { player, recorder } = await opened();
  recorder.frame = clock.now() * 48;
  client.takes = false;
  recorder.hears(25);
  client.takes = true;
  recorder.hears(50);
  await clock.pass(1500);
  client.emit("speech", { state: "stopped", requestId: "req_7", atMs: 700, text: "Hello", outcome: "request" });
  client.answers("req_7", "speaking");
  player.tells("played", { requestId: "req_7", playedMs: 100 });
  assert.equal(agent.latency.answerMs, 1500 - 500 - 700 - 100);
});

test("an utterance that fails, or is lost with its connection, is heard no more", async () => {
  const { agent, client, opened } = await connected();
  await opened();
  client.emit("speech", { state: "started", requestId: "req_7", atMs: 500 });
  client.emit("end", { requestId: "req_7", interrupted: true, reason: "USER_STOP" });
  assert.equal(agent.state, "listening");
  client.emit("speech", { state: "started", requestId: "req_8", atMs: 900 });
  client.becomes("waiting");
  client.opens({ resumed: true });
  assert.equal(agent.state, "listening");
});

test("without the server's ears a cough holds the answer and lets it go on", async () => {
  const { agent, client, voice, opened, sent } = await connected({ granted: ["hold"] });
  const { player, recorder } = await opened();
  assert.equal(voice.loaded, 1);
  client.answers("req_1", "speaking");
  recorder.hears(20);
  voice.now = true;
  recorder.hears(10);
  assert.equal(player.did.at(-1), "pause");
  assert.equal(agent.state, "hearing");
  voice.now = false;
  recorder.hears(30);
  assert.equal(player.did.at(-1), "resume");
  assert.deepEqual(sent("INTERRUPT").map(([, id, mode]) => [id, mode]), [["req_1", "hold"], ["req_1", "release"]]);
  assert.deepEqual(sent("BEGIN"), []);
  assert.equal(client.sent.some(([what]) => what === "AUDIO"), false);
});

test("speech interrupts it, and goes up from its first sample on", async () => {
  const { agent, client, voice, opened, sent } = await connected({ granted: ["hold"] });
  const { player, recorder } = await opened();
  client.answers("req_1", "speaking");
  recorder.hears(50);
  voice.now = true;
  recorder.hears(40);
  assert.deepEqual(player.did.slice(-3), ["pause", "discard req_1", "resume"]); // the next answer is not to wait
  assert.deepEqual(sent("INTERRUPT", "BEGIN").map(([what, , mode]) => [what, mode]),
    [["INTERRUPT", "hold"], ["INTERRUPT", "commit"], ["BEGIN", undefined]]);
  const first = sent("WRITE")[0]?.[1];
  assert.ok(first >= (600 + 300) * 16, `${first} samples are less than the speech and what was before it`);
  voice.now = false;
  recorder.hears(40);
  assert.equal(sent("END").length, 1);
  await clock.pass(300); // no worklet says that it is silent
  assert.equal(agent.interruptions[0]?.by, "voice");
  assert.equal(agent.state, "thinking");
  const samples = sent("WRITE").reduce((sum, [, length]) => sum + length, 0);
  assert.ok(samples >= (800 + 300) * 16, `${samples} samples are less than the whole speech`);
});

test("where nothing is answered, less speech is enough", async () => {
  const { voice, opened, sent } = await connected({ granted: [] });
  const { recorder } = await opened();
  voice.now = true;
  recorder.hears(16);
  assert.equal(sent("BEGIN").length, 1);
});

test("a server without holds is not asked for any: the answer waits here", async () => {
  const { client, voice, opened, sent } = await connected({ granted: [] });
  const { player, recorder } = await opened();
  client.answers("req_1", "speaking");
  recorder.hears(5);
  voice.now = true;
  recorder.hears(10);
  voice.now = false;
  recorder.hears(30);
  assert.deepEqual(player.did.slice(-2), ["pause", "resume"]);
  assert.deepEqual(sent("INTERRUPT"), []);
});

test("an upload is over after a minute, however long somebody talks", async () => {
  const { voice, opened, sent } = await connected({ granted: [] });
  const { recorder } = await opened();
  voice.now = true;
  recorder.hears(61 * 50);
  assert.equal(sent("END").length, 1);
});

test("what is said while the connection is looked for is asked to its end", async () => {
  const { client, voice, opened, sent } = await connected({ granted: [] });
  const { recorder } = await opened();
  client.becomes("waiting");
  voice.now = true;
  recorder.hears(30);
  assert.equal(sent("BEGIN").length, 1);
  client.becomes("connecting");
  assert.equal(sent("END").length, 1);
});

test("a microphone that is closed in the middle of a sentence ends it", async () => {
  const { agent, voice, opened, sent } = await connected({ granted: [] });
  const { recorder } = await opened();
  voice.now = true;
  recorder.hears(30);
  agent.closeMicrophone();
  assert.equal(sent("END").length, 1);
  assert.equal(agent.state, "thinking");
});

test("a server that comes back without ears is listened for here, one with ears gets everything again", async () => {
  const { client, voice, opened, sent } = await connected();
  const { recorder } = await opened();
  client.granted = ["hold"];
  client.opens({ fresh: true });
  await settled();
  assert.equal(voice.loaded, 1);
  client.sent = [];
  recorder.hears(5);
  assert.deepEqual(sent("AUDIO"), []);
  client.granted = ["hold", "server_vad"];
  client.opens({ fresh: true });
  await settled();
  recorder.hears(1);
  assert.equal(sent("AUDIO").length, 1);
});

test("a detector that can't be loaded is told, and the microphone stays for the button", async () => {
  const { agent, parts } = await connected({ granted: [] });
  parts.loadDetector = async () => { throw new TypeError("no such file"); };
  await assert.rejects(agent.openMicrophone(), { code: "audio_failed" });
  assert.equal(agent.state, "ready");
});

test("what is said while a button is held goes up as it is spoken", async () => {
  const { agent, sent } = await connected({ handsFree: false });
  await agent.beginTalk();
  assert.equal(agent.state, "hearing");
  devices.recorder?.hears(9);
  assert.deepEqual(sent("BEGIN"), []); // it may be no press yet
  devices.recorder?.hears(3);
  assert.equal(agent.endTalk(), "req_u1");
  assert.deepEqual(sent("BEGIN", "WRITE", "END").map(([what, of]) => [what, of]),
    [["BEGIN", "req_u1"], ["WRITE", 3200], ["WRITE", 320], ["WRITE", 320], ["END", "req_u1"]]);
  assert.equal(agent.state, "thinking");
  assert.equal(agent.microphone, "muted");
});

test("with the server's ears it goes up in one piece: they take every frame for the open microphone's", async () => {
  const { agent, sent } = await connected();
  await agent.beginTalk();
  devices.recorder?.hears(50);
  agent.endTalk();
  assert.deepEqual(sent("BEGIN", "AUDIO", "VOICE"), [["VOICE", 16000]]);
  const shown = agent.messages.map(({ role, requestId }) => [role, requestId]);
  assert.deepEqual(shown, [["person", "req_v"], ["agent", "req_v"]]);
});

test("a press that is too short, or over before the person has allowed it, asks nothing", async () => {
  const { agent, sent } = await connected({ handsFree: false });
  let allow = () => {};
  FakeRecorder.allows = () => new Promise((resolve) => (allow = () => resolve(undefined)));
  const begun = agent.beginTalk();
  await settled();
  assert.equal(agent.endTalk(), null);
  allow();
  await begun;
  assert.equal(devices.recorder?.muted, true);
  await agent.beginTalk();
  devices.recorder?.hears(5);
  assert.equal(agent.endTalk(), null);
  assert.deepEqual(sent("BEGIN", "VOICE"), []);
  assert.equal(agent.state, "ready");
});

test("a microphone that is closed while the button is held sends what was said", async () => {
  const { agent, sent } = await connected({ handsFree: false });
  await agent.beginTalk();
  devices.recorder?.hears(20);
  agent.closeMicrophone();
  assert.equal(sent("END").length, 1);
});

test("who joins a session leaves its microphone to the other device", async () => {
  new VoiceAgent({ url: "ws://voice.example", join: { sessionId: "sess_1", token: "t" }, parts: /** @type {any} */ ({
    WebSocketClient: FakeClient }), clock });
  assert.ok(!made.at(-1)?.options.features.includes("server_vad"));
});

test("a detector that is loaded too late is let go", async () => {
  const { client, opened, parts, sent } = await connected({ granted: [] });
  let loaded = (/** @type {any} */ _) => {};
  parts.loadDetector = () => new Promise((resolve) => (loaded = resolve));
  const opening = opened();
  await settled();
  client.granted = ["server_vad"];
  client.opens({ fresh: true });
  loaded({ feed: () => { throw new Error("nobody listens here any more"); }, reset() {} });
  const { recorder } = await opening;
  recorder.hears(3);
  assert.equal(sent("AUDIO").length, 3);
});

test("a button that is held over an answer ends it at once", async () => {
  const { agent, client, sent } = await connected({ handsFree: false });
  await agent.openAudio();
  client.answers("req_1", "speaking");
  await agent.beginTalk();
  assert.deepEqual(sent("INTERRUPT").map(([, id, mode, reason]) => [id, mode, reason]),
    [["req_1", "commit", "USER_NEW_INPUT"]]);
});

test("with the microphone open the button unmutes it, and what is held for too long ends by itself", async () => {
  const { agent, opened, sent } = await connected();
  const { recorder } = await opened();
  agent.mute();
  await agent.beginTalk();
  assert.equal(recorder.muted, false);
  agent.endTalk();
  assert.equal(agent.microphone, "muted");
  agent.mute(false);
  await agent.beginTalk();
  agent.endTalk();
  agent.endTalk();
  assert.equal(agent.microphone, "on"); // as it was
  agent.closeMicrophone();
  await agent.beginTalk();
  devices.recorder?.hears(120 * 50);
  assert.deepEqual(sent("VOICE"), [["VOICE", 119 * 16000]]);
});
