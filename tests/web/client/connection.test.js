/** One session over many connections: tries, resume, close codes, the pulse. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeSocket, opened, record, settled, setUp } from "./fakes.js";

/** @param {unknown[][]} told */
const codes = (told) =>
  told.map(([name, detail]) => {
    const { state, error, requestId } = /** @type {{state?: string, error?: {code: string}, requestId?: string}} */ (
      detail
    );
    return [name, state ?? error?.code ?? "", requestId].filter(Boolean).join(" ");
  });

const resumed = (/** @type {Record<string, unknown>} */ more) => ({
  resumed: { live: [], lost: [], outcomes: {}, ...more },
});

test("what is asked before the connection stands goes out behind REGISTER, in order", async () => {
  const auth = { type: /** @type {const} */ ("API_KEY"), api_key: "k" };
  const { client } = setUp({ auth, voice: "eva", language: "en", onDisconnect: "keep", systemPrompt: "p" });
  const { requestId } = client.sendTextRequest("who?", { updateSession: { requireTts: false } });
  void client.interrupt(requestId, { playedMs: 0 });
  const connected = client.connect();
  await settled();
  assert.deepEqual(FakeSocket.last.sent, []);
  FakeSocket.last.open();
  const [register] = FakeSocket.last.said();
  assert.deepEqual(register, {
    type: "REGISTER",
    session: null,
    payload: {
      auth,
      platform: "WEB",
      require_tts: true,
      system_prompt: "p",
      voice: "eva",
      language: "en",
      features: ["binary_audio", "transcripts", "hold", "marks"],
      on_disconnect: "keep",
    },
  });
  FakeSocket.last.register();
  assert.deepEqual((await connected).audio, { inputRate: 16000, outputRate: 16000 });
  const types = FakeSocket.last.said().map(({ type, session }) => [type, session]);
  assert.deepEqual(types.slice(1), [
    ["HEALTH_CHECK", "sess_1"],
    ["REQUEST", "sess_1"],
    ["INTERRUPT", "sess_1"],
  ]);
  assert.deepEqual([client.state, client.sessionId, client.features.has("hold")], ["open", "sess_1", true]);
});

test("a lost connection goes on where it was: the last numbers, a new token, nothing twice", async () => {
  const { clock, client, told } = await opened();
  const { requestId, promise } = client.sendTextRequest("who?");
  const first = FakeSocket.last;
  first.say("RESPONSE", { request_id: requestId, text_stream_seq: 0, content: { text: "A " } });
  first.say("RESPONSE", {
    request_id: requestId,
    text_stream_seq: 1,
    voice_stream_seq: 0,
    content: { text: "b ", voice: "AAA=" },
  });
  first.lose(1006);
  assert.deepEqual(codes(told), ["state waiting", "error lost"]);
  const kept = client.sendTextRequest("asked meanwhile");
  await clock.pass(250);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.said("REGISTER")[0]?.payload.resume, {
    session_id: "sess_1",
    resume_token: "token_1",
    seen: { [requestId]: { text_stream_seq: 1, voice_stream_seq: 0 } },
  });
  told.length = 0;
  FakeSocket.last.register(resumed({ live: [requestId] }));
  assert.deepEqual(told.at(-1), ["open", { sessionId: "sess_1", resumed: true, lost: [], fresh: false }]);
  assert.equal(FakeSocket.last.said("REQUEST")[0]?.payload.request_id, kept.requestId);
  FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: 1, content: { text: "b " } });
  FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: 2, content: { text: "c" } });
  FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: -1, voice_stream_seq: -1, content: {} });
  assert.equal((await promise).text, "A b c");
  assert.deepEqual(
    codes(told).filter((each) => each.startsWith("error")),
    ["error malformed"],
    "a frame came twice",
  );
});

test("requests that never reached the server are lost; the rest go on", async () => {
  const { clock, client, told } = await opened();
  const [here, never] = [client.sendTextRequest("a"), client.sendTextRequest("b")];
  FakeSocket.last.lose(1006);
  await clock.pass(250);
  told.length = 0;
  FakeSocket.last.register(resumed({ outcomes: { [here.requestId]: "interrupted" }, lost: ["other"] }));
  assert.deepEqual(told[1], [
    "open",
    { sessionId: "sess_1", resumed: true, lost: [never.requestId, "other"], fresh: false },
  ]);
  await assert.rejects(never.promise, { code: "lost", requestId: never.requestId, retryable: true });
  FakeSocket.last.say("RESPONSE", {
    request_id: here.requestId,
    content: {},
    interrupted: true,
    interrupt_reason: "DISCONNECT",
  });
  assert.deepEqual(await here.promise, {
    requestId: here.requestId,
    text: "",
    interrupted: true,
    reason: "DISCONNECT",
  });
});

test("where the session is gone a new one is opened at once, and the old one's requests say so", async () => {
  let asked = 0;
  const auth = () => ({ type: /** @type {const} */ ("API_KEY"), api_key: `token ${++asked}` });
  const { clock, client, told } = await opened({ auth });
  const old = client.sendTextRequest("a");
  FakeSocket.last.lose(1001, "bye");
  await clock.pass(250);
  FakeSocket.last.open();
  told.length = 0;
  const later = client.sendTextRequest("b");
  FakeSocket.last.say("ERROR", { error_code: "SESSION_INVALID", error_msg: "gone", error_detail: "$.payload.resume" });
  await assert.rejects(old.promise, { code: "session_gone" });
  await settled();
  FakeSocket.last.open();
  const [register] = FakeSocket.last.said("REGISTER");
  assert.deepEqual(
    [register?.payload.resume, register?.payload.auth],
    [undefined, { type: "API_KEY", api_key: "token 3" }],
  );
  FakeSocket.last.register();
  assert.deepEqual(told.at(-1), ["open", { sessionId: "sess_1", resumed: false, lost: [], fresh: true }]);
  assert.equal(FakeSocket.last.said("REQUEST")[0]?.payload.request_id, later.requestId);
});

for (const [code, name] of /** @type {[number, string][]} */ ([
  [4401, "key_refused"],
  [4403, "origin_refused"],
  [4404, "no_such_path"],
])) {
  test(`a close with ${code} ends the tries: ${name}`, async () => {
    const { clock, client, told } = setUp({ auth: { type: "API_KEY", api_key: "k" } });
    const { promise } = client.sendTextRequest("a");
    const connected = client.connect();
    await settled();
    FakeSocket.last.open();
    FakeSocket.last.lose(code, "words of the server's");
    await assert.rejects(connected, { code: name, message: "words of the server's", retryable: false });
    await assert.rejects(promise, { code: name });
    assert.deepEqual(
      codes(told).filter((each) => !each.startsWith("failed")),
      ["state connecting", "state closed", `error ${name}`],
    );
    await clock.pass(60_000);
    assert.deepEqual([FakeSocket.made.length, clock.waiting], [1, 0]);
  });
}

test("without a key, a server that asks for one is told apart from one that refuses it", async () => {
  const { client } = setUp();
  const connected = client.connect();
  await settled();
  FakeSocket.last.open();
  FakeSocket.last.say("ERROR", { error_code: "AUTH_FAILED", error_msg: "no", error_detail: "" });
  FakeSocket.last.lose(4401);
  await assert.rejects(connected, { code: "key_needed" });
});

test("a busy server is tried again, ever more slowly; the first promise says what happened", async () => {
  const { clock, client, told } = setUp();
  const connected = client.connect();
  for (const wait of [250, 500, 1000]) {
    await settled();
    FakeSocket.last.open();
    FakeSocket.last.say("ERROR", { error_code: "SERVER_BUSY", error_msg: "full", retryable: true });
    FakeSocket.last.lose(1013);
    assert.deepEqual(told.at(-2)?.[1], { state: "waiting", attempt: Math.log2(wait / 250) + 1, inMs: wait });
    await clock.pass(wait);
  }
  await assert.rejects(connected, { code: "busy", message: "full" });
  FakeSocket.last.register();
  assert.equal(client.state, "open");
  FakeSocket.last.lose(1006);
  assert.deepEqual(told.at(-2)?.[1], { state: "waiting", attempt: 4, inMs: 2000 }, "a connection must hold to count");
  await clock.pass(2000);
  FakeSocket.last.register();
  await clock.pass(10_001);
  FakeSocket.last.lose(1006);
  assert.deepEqual(told.at(-2)?.[1], { state: "waiting", attempt: 1, inMs: 250 });
});

test("with reconnect: false a loss is the end, and connect goes on with the session", async () => {
  const { clock, client } = await opened({ reconnect: false });
  const { promise } = client.sendTextRequest("a");
  FakeSocket.last.lose(1006);
  await assert.rejects(promise, { code: "lost" });
  await assert.rejects(client.sendTextRequest("b").promise, { code: "lost" });
  await assert.rejects(client.interrupt(), { code: "lost" });
  await clock.pass(60_000);
  assert.deepEqual([FakeSocket.made.length, client.state, clock.waiting], [1, "closed", 0]);
  void client.connect();
  await settled();
  FakeSocket.last.open();
  assert.ok(FakeSocket.last.said("REGISTER")[0]?.payload.resume);
});

test("an error before there is a connection is its end, also where no close follows", async () => {
  const { client, told } = setUp();
  const connected = client.connect();
  await settled();
  FakeSocket.last.onerror();
  await assert.rejects(connected, { code: "unreachable", retryable: true });
  FakeSocket.last.lose(1006);
  assert.deepEqual(codes(told), ["state connecting", "state waiting", "error unreachable"]);
});

test("REGISTER is given up after 10 s without an answer; a key that can't be had is tried again", async () => {
  const { clock, client } = setUp();
  const connected = client.connect();
  await settled();
  FakeSocket.last.open();
  await clock.pass(10_000);
  await assert.rejects(connected, { code: "timeout" });
  assert.equal(client.state, "waiting");
  const other = setUp({ auth: () => Promise.reject(new Error("no token today")) });
  await assert.rejects(other.client.connect(), {
    code: "unreachable",
    detail: "auth",
    message: /no token today/,
    retryable: true,
  });
  assert.equal(FakeSocket.made.length, 0);
});

test("HEARTBEAT is answered, and a silence of 75 s ends the connection", async () => {
  const { clock, client, told } = await opened();
  FakeSocket.last.say("HEARTBEAT", { remaining_seconds: 600 });
  assert.deepEqual(FakeSocket.last.said("HEARTBEAT_REPLY"), [
    { type: "HEARTBEAT_REPLY", session: "sess_1", payload: { client_status: "ONLINE" } },
  ]);
  await clock.pass(75_000);
  assert.equal(client.state, "open");
  await clock.pass(5_000);
  assert.deepEqual(codes(told), ["state waiting", "error lost"]);
});

test("after a sleep what has come is read first: the connection has 5 s to show that it lives", async () => {
  const { clock, client, told } = await opened();
  await clock.sleep(600_000);
  FakeSocket.last.say("HEARTBEAT", { remaining_seconds: 600 });
  await clock.pass(10_000);
  assert.equal(client.state, "open");
  await clock.sleep(600_000);
  await clock.pass(4_999);
  assert.equal(client.state, "open");
  await clock.pass(1);
  assert.deepEqual(codes(told), ["state waiting", "error lost"]);
});

test("a key that comes too late is not used: the next try asks for its own", async () => {
  /** @type {((auth: {type: "API_KEY", api_key: string}) => void)[]} */
  const asked = [];
  const { clock, client } = setUp({ auth: () => new Promise((resolve) => asked.push(resolve)) });
  void client.connect();
  await clock.pass(10_000);
  assert.equal(client.state, "waiting");
  asked[0]?.({ type: "API_KEY", api_key: "late" });
  await settled();
  assert.deepEqual([client.state, FakeSocket.made.length], ["waiting", 0]);
  await clock.pass(250);
  asked[1]?.({ type: "API_KEY", api_key: "in time" });
  await settled();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.said()[0]?.payload.auth, { type: "API_KEY", api_key: "in time" });
});

test("round trips are measured each 10 s, and the least of the last eight counts", async () => {
  const { clock, client } = await opened();
  const told = record(client, "rtt");
  for (const ms of [40, 30, 90, 90, 90, 90, 90, 90, 90, 80]) {
    await clock.pass(ms);
    FakeSocket.last.say("HEALTH_CHECK_ACK", { health_status: {} });
    await clock.pass(10_000 - ms);
  }
  assert.deepEqual(
    told.map(([, detail]) => /** @type {{ms: number}} */ (detail).ms),
    [40, 30, 30, 30, 30, 30, 30, 30, 30, 80],
  );
  assert.equal(client.rttMs, 80);
});

test("the network's return ends a wait at once, and an open connection has 5 s to show that it lives", async (t) => {
  const page = new EventTarget();
  const names = /** @type {const} */ (["window", "document"]);
  for (const name of names)
    Object.defineProperty(globalThis, name, { value: page, configurable: true, writable: true });
  t.after(() => names.forEach((name) => Reflect.deleteProperty(globalThis, name)));
  const { clock, client, told } = await opened();
  FakeSocket.last.lose(1006);
  page.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.equal(FakeSocket.made.length, 2);
  FakeSocket.last.register(resumed({}));
  page.dispatchEvent(new Event("online"));
  await clock.pass(4_000);
  FakeSocket.last.say("HEALTH_CHECK_ACK", { health_status: {} });
  await clock.pass(4_000);
  assert.equal(client.state, "open");
  told.length = 0;
  page.dispatchEvent(new Event("offline"));
  await clock.pass(5_000);
  assert.deepEqual(codes(told), ["state waiting", "error lost"]);
});

test("close says goodbye, waits a second for the answer, and leaves nothing behind", async () => {
  const { clock, client, told } = await opened();
  const { promise } = client.sendTextRequest("a");
  const ack = client.interrupt();
  const closed = client.close("bye");
  await assert.rejects(promise, { code: "closed" });
  await assert.rejects(ack, { code: "closed" });
  assert.deepEqual(FakeSocket.last.said("SHUTDOWN")[0]?.payload, { reason: "bye" });
  await clock.pass(1_000);
  await closed;
  assert.deepEqual([client.state, client.sessionId, clock.waiting, FakeSocket.last.readyState], ["closed", null, 0, 2]);
  assert.ok(!codes(told).some((each) => each.startsWith("error")));
  await assert.rejects(client.sendTextRequest("b").promise, { code: "closed" });
});

test("a device that joins says whose session it is, and a join that is refused opens no other", async () => {
  const { client } = setUp({ join: { sessionId: "sess_9", token: "t" } });
  const connected = client.connect();
  await settled();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.said()[0]?.payload.resume, { session_id: "sess_9", resume_token: "t" });
  FakeSocket.last.say("ERROR", { error_code: "SESSION_INVALID", error_msg: "gone", error_detail: "$.payload.resume" });
  FakeSocket.last.lose(4401);
  await assert.rejects(connected, { code: "session_gone" });
  assert.equal(client.state, "closed");
});

test("a platform without WebSocket, an address that is none, and ws from https have codes of their own", async () => {
  const thrower = (/** @type {string} */ name) =>
    /** @type {typeof WebSocket} */ (
      /** @type {unknown} */ (
        class {
          constructor() {
            throw new DOMException("no", name);
          }
        }
      )
    );
  await assert.rejects(setUp({ WebSocket: thrower("SecurityError") }).client.connect(), { code: "insecure_origin" });
  await assert.rejects(setUp({ WebSocket: thrower("SyntaxError") }).client.connect(), {
    code: "malformed",
    detail: "url",
  });
  if (globalThis.WebSocket === undefined) {
    await assert.rejects(setUp({ WebSocket: undefined }).client.connect(), { code: "no_websocket" });
  }
});
