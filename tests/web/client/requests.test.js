/** What a client asks over one connection, and how it takes what comes. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { WebSocketClient } from "../../../voxint/web/client/websocket-client.js";
import { FakeClock, FakeSocket, record, settled, Socket } from "./fakes.js";

async function opened() {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const client = new WebSocketClient({ url: "ws://x", WebSocket: Socket, clock, random: () => 1 });
  const connected = client.connect();
  await settled();
  FakeSocket.last.register();
  await connected;
  return { clock, client, socket: FakeSocket.last };
}

const ack = (/** @type {string | null} */ id, more = {}) => ({
  interrupt_request_id: id,
  interrupted_request_ids: id ? [id] : [],
  status: "SUCCESS",
  message: "",
  outcomes: {},
  receipts: {},
  ...more,
});

test("acknowledgements pair in order, each id and each mode for itself", async () => {
  const { clock, client, socket } = await opened();
  const told = record(client, "ack");
  const asked = [
    client.interrupt("a", { reason: "USER_VOICE_INPUT", playedMs: 12 }),
    client.interrupt("a"),
    client.interrupt("a", { mode: "hold" }),
    client.interrupt(null),
  ];
  assert.deepEqual(
    socket.said("INTERRUPT").map(({ payload }) => payload),
    [
      { interrupt_request_id: "a", reason: "USER_VOICE_INPUT", played_ms: 12 },
      { interrupt_request_id: "a", reason: "USER_STOP" },
      { interrupt_request_id: "a", reason: "USER_STOP", mode: "hold" },
      { interrupt_request_id: null, reason: "USER_STOP" },
    ],
  );
  assert.deepEqual([client.isInterrupting("a"), client.isInterrupting("b")], [true, true], "all are asked for, too");
  await clock.pass(100);
  socket.say("INTERRUPT_ACK", ack("a", { mode: "hold", outcomes: { a: "held" } }));
  socket.say("INTERRUPT_ACK", ack(null, { status: "FAILED" }));
  assert.equal(client.isInterrupting("b"), false);
  socket.say("INTERRUPT_ACK", ack("a", { outcomes: { a: "stopped" } }));
  socket.say("INTERRUPT_ACK", ack("a", { outcomes: { a: "already_finished" } }));
  const acks = await Promise.all(asked);
  assert.deepEqual(
    acks.map(({ mode, outcomes, reason }) => [mode, outcomes.a, reason]),
    [
      ["commit", "stopped", "USER_VOICE_INPUT"],
      ["commit", "already_finished", "USER_STOP"],
      ["hold", "held", "USER_STOP"],
      ["commit", undefined, "USER_STOP"],
    ],
  );
  assert.deepEqual([acks[0]?.sentAt, acks[0]?.ackAt, told.length], [1000, 1100, 4]);
});

test("an INTERRUPT that nobody answers is given up after 5 s, and fails with the connection", async () => {
  const { clock, client, socket } = await opened();
  const late = client.interrupt("a");
  await clock.pass(5000);
  await assert.rejects(late, { code: "timeout" });
  const lost = client.interrupt("a");
  socket.lose(1006);
  await assert.rejects(lost, { code: "lost" });
  const waits = client.interrupt("a");
  await clock.pass(250);
  FakeSocket.last.register({ resumed: { live: [], lost: [], outcomes: {} }, features: [] });
  FakeSocket.last.say("INTERRUPT_ACK", ack("a"));
  assert.equal(
    (await waits).status,
    "SUCCESS",
    "it goes out when there is a connection, and pairs with its own answer",
  );
  await assert.rejects(client.interrupt("a", { mode: "hold" }), { code: "malformed" });
});

test("an ERROR with an id ends that request, and one without is an event", async () => {
  const { client, socket } = await opened();
  const told = record(client, "failed", "error");
  const { requestId, promise } = client.sendTextRequest("a");
  const upstream = { error_code: "UPSTREAM_ERROR", error_msg: "the model failed", retryable: true, stage: "llm" };
  socket.say("ERROR", { ...upstream, request_id: requestId });
  await assert.rejects(promise, { code: "upstream", stage: "llm", requestId, retryable: true });
  socket.say("ERROR", upstream);
  socket.say("SHUTDOWN", { reason: "" });
  socket.say("ERROR", { error_code: "SERVER_BUSY", error_msg: "drains" });
  const codes = told.map(([name, detail]) => [name, /** @type {{error: {code: string}}} */ (detail).error.code]);
  assert.deepEqual(codes, [
    ["failed", "upstream"],
    ["error", "upstream"],
    ["error", "draining"],
    ["error", "draining"],
  ]);
});

test("a request of which nothing is heard for two minutes fails; one that goes on does not", async () => {
  const { clock, client, socket } = await opened();
  const [silent, speaks] = [client.sendTextRequest("a"), client.sendTextRequest("b")];
  for (let n = 0; n < 13; n += 1) {
    socket.say("RESPONSE", { request_id: speaks.requestId, text_stream_seq: n, content: { text: "x" } });
    await clock.pass(10_000);
  }
  await assert.rejects(silent.promise, { code: "timeout" });
  socket.say("RESPONSE", { request_id: speaks.requestId, text_stream_seq: -1, content: {} });
  assert.equal((await speaks.promise).text.length, 13);
});

test("what nobody awaits any more is not asked when the connection is back", async () => {
  const { clock, client, socket } = await opened();
  socket.lose(1006);
  const [old, voice] = [client.sendTextRequest("a"), client.sendVoiceRequestStream()];
  const later = [];
  for (let n = 0; n < 70; n += 1) later.push(client.sendTextRequest("b"));
  await assert.rejects(/** @type {(typeof old)} */ (later.at(-1)).promise, { code: "busy", retryable: true });
  FakeSocket.last.readyState = 0;
  for (let n = 0; n < 13; n += 1) {
    await clock.pass(10_000);
    if (client.state === "connecting") FakeSocket.last.lose(1006);
  }
  await assert.rejects(old.promise, { code: "timeout" });
  await assert.rejects(voice.promise, { code: "timeout" });
  await clock.pass(10_000);
  FakeSocket.last.register({ resumed: { live: [], lost: [], outcomes: {} } });
  assert.deepEqual(FakeSocket.last.said("REQUEST"), []);
});

test("a change of the session is told to nobody, and the next session has it", async () => {
  const { clock, client, socket } = await opened();
  const told = record(client, "text", "end", "failed");
  const change = client.updateSession({ voice: "eva" });
  const [{ payload }] = /** @type {[{payload: Record<string, unknown>}]} */ (
    /** @type {unknown} */ (socket.said("REQUEST"))
  );
  assert.deepEqual([payload.content, payload.update_session], [{ text: "" }, { voice: "eva" }]);
  socket.say("RESPONSE", { request_id: payload.request_id, text_stream_seq: 0, content: { text: "" } });
  socket.say("RESPONSE", { request_id: payload.request_id, text_stream_seq: -1, content: {} });
  await change;
  const wrong = client.updateSession({ voice: "nobody" });
  const error = { error_code: "MALFORMED_PAYLOAD", error_msg: "no such voice", error_detail: "$.payload.voice" };
  socket.say("ERROR", { ...error, request_id: socket.said("REQUEST")[1]?.payload.request_id });
  await assert.rejects(wrong, { code: "malformed", detail: "$.payload.voice" });
  assert.deepEqual(told, []);
  socket.lose(1006);
  await clock.pass(250);
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.said("REGISTER")[0]?.payload.voice, "eva");
});

test("an upload's audio goes behind its start frame as the network takes it, its end frame behind all", async () => {
  const { clock, client, socket } = await opened();
  const voice = client.sendVoiceRequestStream();
  voice.write(Int16Array.of(1, -1));
  assert.deepEqual(socket.sent.at(-1), Uint8Array.of(1, 0, 255, 255));
  socket.bufferedAmount = 65_536;
  voice.write(new Int16Array(16_000));
  voice.end();
  await clock.pass(1000);
  assert.equal(socket.bytes, 4, "an INTERRUPT would queue behind no more than 64 kB");
  socket.bufferedAmount = 0;
  await clock.pass(50);
  assert.equal(socket.bytes, 32_004);
  voice.write(new Int16Array(1));
  assert.equal(socket.bytes, 32_004, "what comes behind the end is dropped");
  const start = { request_id: voice.requestId, data_type: "VOICE", stream_flag: true };
  assert.deepEqual(
    socket.said("REQUEST").map(({ payload }) => payload),
    [
      { ...start, stream_seq: 0, content: { voice_mode: "BINARY", audio_format: "pcm" } },
      { ...start, stream_seq: -1 },
    ],
  );
});

test("an upload that is open when the connection is lost ends there, and its promise says how", async () => {
  const { clock, client, socket } = await opened();
  const voice = client.sendVoiceRequestStream();
  voice.write(new Int16Array(320));
  socket.lose(1006);
  voice.write(new Int16Array(320));
  await clock.pass(250);
  FakeSocket.last.register({ resumed: { live: [], lost: [], outcomes: { [voice.requestId]: "interrupted" } } });
  voice.end();
  FakeSocket.last.say("RESPONSE", {
    request_id: voice.requestId,
    interrupted: true,
    interrupt_reason: "DISCONNECT",
    content: {},
  });
  assert.deepEqual(await voice.promise, {
    requestId: voice.requestId,
    text: "",
    interrupted: true,
    reason: "DISCONNECT",
  });
  assert.deepEqual([FakeSocket.last.bytes, FakeSocket.last.said("REQUEST")], [0, []]);
});

test("a voice spoken before there is a connection waits whole; a new request cuts it off", async () => {
  const { clock, client, socket } = await opened();
  socket.lose(1006);
  const voice = client.sendVoiceRequestStream();
  voice.write(new Int16Array(160_000));
  voice.end();
  await clock.pass(250);
  FakeSocket.last.register({ resumed: { live: [], lost: [], outcomes: {} } });
  assert.deepEqual([FakeSocket.last.bytes, FakeSocket.last.said("REQUEST").length], [320_000, 2]);
  const next = client.sendVoiceRequestStream();
  FakeSocket.last.bufferedAmount = 65_536;
  next.write(new Int16Array(320));
  client.sendTextRequest("never mind");
  FakeSocket.last.bufferedAmount = 0;
  await clock.pass(100);
  assert.equal(FakeSocket.last.bytes, 320_000);
  const cancelled = client.sendVoiceRequestStream();
  void cancelled.cancel();
  cancelled.write(new Int16Array(320));
  assert.deepEqual([FakeSocket.last.bytes, FakeSocket.last.said("INTERRUPT").length], [320_000, 1]);
});

test("a voice of more than two minutes is too large, in one piece as in many", async () => {
  const { client, socket } = await opened();
  await assert.rejects(client.sendVoiceRequest(new Int16Array(16_000 * 120 + 1)).promise, { code: "too_large" });
  assert.deepEqual(socket.said("REQUEST"), []);
  const { requestId } = client.sendVoiceRequest(Int16Array.of(1));
  assert.deepEqual(socket.said("REQUEST")[0]?.payload, {
    request_id: requestId,
    data_type: "VOICE",
    stream_flag: false,
    stream_seq: 0,
    content: { voice_mode: "BASE64", voice: "AQA=", audio_format: "pcm" },
  });
  const voice = client.sendVoiceRequestStream();
  for (let n = 0; n <= 120; n += 1) voice.write(new Int16Array(16_000));
  await assert.rejects(voice.promise, { code: "too_large" });
  assert.equal(socket.said("INTERRUPT")[0]?.payload.reason, "CLIENT_ERROR");
});

test("the open microphone never queues more than 64 kB: what is late is dropped and told, once a second", async () => {
  const { clock, client, socket } = await opened();
  const told = record(client, "late");
  const errors = record(client, "error");
  assert.equal(client.sendAudio(new Int16Array(320)), true);
  socket.bufferedAmount = 65_537;
  for (let n = 0; n < 60; n += 1) {
    assert.equal(client.sendAudio(new Int16Array(320)), false);
    await clock.pass(20);
  }
  assert.deepEqual(told, [
    ["late", { droppedMs: 20 }],
    ["late", { droppedMs: 1020 }],
  ]);
  client.played("a", 5);
  assert.deepEqual([socket.bytes, socket.said("PLAYED")], [640, []], "a hint is dropped, too");
  socket.lose(1006);
  client.sendAudio(new Int16Array(320));
  await clock.pass(250);
  FakeSocket.last.register({ features: [], resumed: { live: [], lost: [], outcomes: {} } });
  for (let n = 0; n < 3; n += 1) client.sendAudio(new Int16Array(320));
  client.played("a", 5);
  assert.deepEqual([FakeSocket.last.bytes, FakeSocket.last.said("PLAYED").length], [0, 1]);
  const codes = errors.map(([, detail]) => /** @type {{error: {code: string}}} */ (detail).error.code);
  assert.deepEqual(codes, ["lost", "malformed"], "nobody listens: told once");
});

test("whatever comes that is no message is an event, and the client goes on", async () => {
  const { client, socket } = await opened();
  const told = record(client, "error", "transcript");
  const wrong = [
    "",
    "{",
    '{"msg_type":"RESPONSE","payload":{}}',
    '{"msg_type":"RESPONSE","payload":{"request_id":"r","content":{"voice":"*"}}}',
    new ArrayBuffer(3),
    '{"msg_type":"INTERRUPT_ACK","payload":{"status":"SUCCESS"}}',
    '{"msg_type":"NEWER","payload":{}}',
  ];
  for (const frame of wrong) socket.raw(frame);
  const codes = told.map(([, detail]) => /** @type {{error: {code: string}}} */ (detail).error.code);
  assert.deepEqual(codes, Array(6).fill("malformed"), "a newer server's message is none of these");
  socket.say("TRANSCRIPT", { request_id: "r", text: "still here", is_final: true });
  assert.equal(told.at(-1)?.[0], "transcript");
});

test("a listener of the page that throws breaks nothing of the client", async () => {
  const program = `
    import { WebSocketClient } from "./voxint/web/client/index.js";
    import { FakeSocket, Socket } from "./tests/web/client/fakes.js";
    const thrown = [];
    process.on("uncaughtException", (error) => thrown.push(error.message));
    const client = new WebSocketClient({ url: "ws://x", WebSocket: Socket });
    for (const name of ["state", "open", "text", "end"]) client.on(name, () => { throw new Error(name); });
    client.connect();
    await new Promise(setImmediate);
    FakeSocket.last.register();
    const { requestId, promise } = client.sendTextRequest("a");
    FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: 0, content: { text: "b" } });
    FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: -1, content: {} });
    const { text } = await promise;
    client.close();
    FakeSocket.last.lose(1000);
    await new Promise(setImmediate);
    console.log(text, [...new Set(thrown)].join(), client.state);
  `;
  const root = new URL("../../..", import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    timeout: 30_000,
  });
  assert.equal(stdout, "b state,open,text,end closed\n");
});

test("what has ended is forgotten but for the last 64 ids, however many there were", async () => {
  const { clock, client, socket } = await opened();
  for (let n = 0; n < 500; n += 1) {
    const { requestId } = client.sendTextRequest("a");
    socket.say("RESPONSE", { request_id: requestId, text_stream_seq: 0, content: { text: "b" } });
    socket.say("RESPONSE", { request_id: requestId, text_stream_seq: -1, content: {} });
    socket.sent = [];
  }
  socket.lose(1006);
  await clock.pass(250);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.said("REGISTER")[0]?.payload.resume, {
    session_id: "sess_1",
    resume_token: "token_1",
    seen: {},
  });
});
