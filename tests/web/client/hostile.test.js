/** A server that breaks its promises, and one that goes on for ever: the client stays what it was. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Caption, SpeakingRate } from "../../../voxint/web/client/captions.js";
import { toldByServer } from "../../../voxint/web/client/errors.js";
import { MessageService } from "../../../voxint/web/client/message-service.js";
import { Turns } from "../../../voxint/web/client/turns.js";
import { WebSocketClient } from "../../../voxint/web/client/websocket-client.js";
import { FakeClock, FakePlayer, FakeSocket, record, settled, Socket } from "./fakes.js";

/** @param {Partial<import("../../../voxint/web/client/types.js").ClientOptions>} [options] */
async function dialled(options = {}) {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const client = new WebSocketClient({ url: "ws://x", WebSocket: Socket, clock, random: () => 1, ...options });
  const told = record(client, "error");
  const connected = client.connect();
  await settled();
  return { clock, client, connected, told, socket: FakeSocket.last };
}

/** @param {unknown[][]} told */
const codes = (told) => told.map(([, detail]) => /** @type {{error: {code: string}}} */ (detail).error.code);

async function opened() {
  const all = await dialled();
  all.socket.register();
  await all.connected;
  const player = new FakePlayer();
  return { ...all, player, service: new MessageService(all.client, { player }) };
}

test("a code that no server has is a failure of the server, whatever its name", () => {
  for (const error_code of ["constructor", "toString", "__proto__", "", 5, null]) {
    assert.equal(toldByServer({ error_code }).code, "internal");
  }
});

test("a server that refuses and keeps the connection is taken by its word, and not dialled for ever", async () => {
  const { clock, client, connected, socket } = await dialled();
  socket.open();
  socket.say("ERROR", { error_code: "AUTH_FAILED", error_msg: "no" });
  const refused = assert.rejects(connected, { code: "key_needed" });
  await clock.pass(10_000);
  await refused;
  await clock.pass(60_000);
  assert.equal(client.state, "closed");
  assert.equal(FakeSocket.made.length, 1);
});

test("an answer to REGISTER with a rate that no sound has is none", async () => {
  for (const output_rate of [0, -16_000, 1e300, 16_000.5, "16000"]) {
    const { clock, client, connected, told, socket } = await dialled({ reconnect: false });
    socket.register({ audio: { input_rate: 16_000, output_rate } });
    assert.deepEqual(codes(told), ["malformed"]);
    const refused = assert.rejects(connected, { code: "timeout" });
    await clock.pass(10_000);
    await refused;
    assert.equal(client.state, "closed");
  }
});

test("who joins by a link that is used up begins a session of their own with the next try", async () => {
  const { connected, client, socket } = await dialled({ join: { sessionId: "sess_9", token: "used" } });
  socket.open();
  socket.say("ERROR", { error_code: "SESSION_INVALID", error_msg: "gone", error_detail: "$.payload.resume" });
  const refused = assert.rejects(connected, { code: "session_gone" });
  socket.lose(4401);
  await refused;
  const again = client.connect();
  await settled();
  FakeSocket.last.register();
  await again;
  assert.equal(FakeSocket.last.said("REGISTER")[0]?.payload.resume, undefined);
});

test("an answer that is still heard is known after any number of noises", async () => {
  const { service, socket, player } = await opened();
  const noise = (/** @type {string} */ id) => {
    socket.say("SPEECH", { state: "started", request_id: id, at_ms: 0 });
    socket.say("SPEECH", { state: "stopped", request_id: id, at_ms: 0, outcome: "noise", text: "" });
  };
  for (let n = 0; n < 100; n += 1) noise(`cough_${n}`);
  const { requestId } = service.ask("Who lived here?");
  const voice = Buffer.alloc(32_000).toString("base64");
  const first = { text_stream_seq: 0, voice_stream_seq: 0, content: { text: "A keeper.", voice } };
  socket.say("RESPONSE", { request_id: requestId, ...first });
  socket.say("RESPONSE", { request_id: requestId, text_stream_seq: -1, voice_stream_seq: -1, content: {} });
  player.plays(requestId, 300);
  for (let n = 0; n < 100; n += 1) noise(`mm_${n}`);
  void service.interruptCurrentRequest().catch(() => {});
  assert.deepEqual(player.told.at(-1), ["discard", requestId], "else it talks on over whoever interrupts");
});

test("turns of which nothing is awaited or heard are forgotten, and no others", () => {
  const turns = new Turns(new SpeakingRate(), () => {});
  const heard = turns.of("heard");
  turns.wait(heard);
  heard.closed = true;
  for (let n = 0; n < 100; n += 1) turns.add(turns.of(`cough_${n}`), "person", { text: "", status: "dismissed" });
  assert.equal(turns.get("heard"), heard);
  assert.equal(turns.all.length, 64);
});

test("a text without an end fills a bubble up to a bound, and no more", async () => {
  const { service, socket } = await opened();
  const { requestId } = service.ask("Go on");
  const text = "x".repeat(999);
  for (let seq = 0; seq < 200; seq += 1) {
    socket.say("RESPONSE", { request_id: requestId, text_stream_seq: seq, content: { text } });
  }
  assert.equal(service.messages.at(-1)?.text.length, 100 * 999);
});

test("marks that are nonsense move no caption backwards, and too many are let go", () => {
  const caption = new Caption(new SpeakingRate());
  caption.add("one two three");
  caption.mark([[-5, -5], [1e308, 1e308], [5, 3], [4, 1e12], [4, 2]]);
  assert.deepEqual([-1, 0, 3, 4, 4000, 1e308].map((ms) => caption.at(ms)), [0, 0, 0, 2, 2, 2]);
  const begun = performance.now();
  for (let ms = 0; ms < 200_000; ms += 1) caption.mark([[10 + ms, 3]]);
  caption.mark([[1e6, 13]]);
  assert.equal(caption.at(2e6), 3);
  assert.ok(performance.now() - begun < 5_000);
});
