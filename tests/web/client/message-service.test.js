/** The conversation as a page shows it, over a client whose server is played by the test. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MessageService } from "../../../voxint/web/client/message-service.js";
import { WebSocketClient } from "../../../voxint/web/client/websocket-client.js";
import { FakeClock, FakePlayer, FakeSocket, record, settled, Socket } from "./fakes.js";

/** @param {{player?: FakePlayer | null, requireTts?: boolean}} [options] */
async function opened({ player = new FakePlayer(), requireTts = true } = {}) {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const client = new WebSocketClient({ url: "ws://x", WebSocket: Socket, clock, random: () => 1, requireTts });
  const service = new MessageService(client, { player });
  const connected = client.connect();
  await settled();
  FakeSocket.last.register();
  await connected;
  return { clock, client, service, player: player ?? new FakePlayer(), socket: FakeSocket.last };
}

let seq = 0;
/** @param {string} id @param {string} text @param {number} [ms] of speech */
function say(id, text, ms = 0) {
  const speech = Buffer.alloc(32 * ms).toString("base64");
  const voice = ms ? { voice_stream_seq: seq } : {};
  FakeSocket.last.say("RESPONSE", { request_id: id, text_stream_seq: seq, ...voice, content: { text, voice: speech } });
  seq += 1;
}
/** @param {string} id @param {string} [reason] of an interruption */
function end(id, reason) {
  const cut = reason ? { interrupted: true, interrupt_reason: reason } : {};
  FakeSocket.last.say("RESPONSE", { request_id: id, text_stream_seq: -1, voice_stream_seq: -1, content: {}, ...cut });
  seq = 0;
}
const receipt = (/** @type {string} */ heard, heard_ms = 500) => ({
  request_id: "",
  reason: "USER_STOP",
  stop_ms: 1,
  stages: {},
  usage: {},
  last: {},
  audio: { generated_ms: 900, sent_ms: 800, heard_ms, source: "client" },
  text: { generated_chars: 90, heard },
});
/** @param {string} id @param {string} outcome @param {object} [of] its receipt */
function acknowledge(id, outcome, of) {
  FakeSocket.last.say("INTERRUPT_ACK", {
    interrupt_request_id: id,
    interrupted_request_ids: [id],
    status: "SUCCESS",
    outcomes: { [id]: outcome },
    receipts: of ? { [id]: of } : {},
  });
}
const speech = (/** @type {string} */ state, /** @type {string} */ id, more = {}) =>
  FakeSocket.last.say("SPEECH", { state, request_id: id, at_ms: 0, ...more });
const hold = (/** @type {string} */ id, /** @type {string} */ state) =>
  FakeSocket.last.say("HOLD", { request_id: id, state, voice_stream_seq: 0 });
/** @param {MessageService} service */
const shown = ({ messages }) =>
  messages.map(({ role, text, status, spokenChars }) => [role, text, status, spokenChars]);
const interrupts = () => FakeSocket.last.said("INTERRUPT").map(({ payload }) => payload);

test("a question is a person's message and its answer another, whose ids are never on the wire", async () => {
  const { service, socket, player } = await opened();
  const { requestId, messageId, promise } = service.ask("Who lived here?");
  assert.match(`${requestId} ${messageId}`, /^req_\S+ msg_\S+$/);
  assert.deepEqual([service.currentRequestId, service.currentMessageId], [requestId, messageId]);
  say(requestId, "A keeper ");
  say(requestId, "lived here.", 1000);
  assert.deepEqual(shown(service)[1], ["agent", "A keeper lived here.", "writing", 0]);
  player.plays(requestId, 500);
  assert.deepEqual(shown(service)[1], ["agent", "A keeper lived here.", "speaking", 7]);
  end(requestId);
  player.plays(requestId, 500);
  assert.deepEqual(shown(service)[1]?.slice(2), ["speaking", 10], "now that all of it is known");
  player.drains(requestId);
  assert.deepEqual(shown(service), [
    ["person", "Who lived here?", "complete", 0],
    ["agent", "A keeper lived here.", "complete", 20],
  ]);
  assert.deepEqual(player.told, [
    ["begin", requestId],
    ["put", requestId, 16000],
    ["end", requestId],
  ]);
  assert.deepEqual(
    socket.said("PLAYED").map(({ payload }) => payload.played_ms),
    [500, 500],
  );
  assert.equal((await promise).text, "A keeper lived here.");
  assert.ok(!JSON.stringify(socket.said()).includes("msg_"));
  assert.equal(await service.interruptCurrentRequest(), null, "nothing is left of it");
});

test("without a player a text is read as it comes, and complete with its end", async () => {
  const { service } = await opened({ player: null });
  const { requestId } = service.ask("a");
  say(requestId, "b", 100);
  say(requestId, "c");
  end(requestId);
  assert.deepEqual(shown(service)[1], ["agent", "bc", "complete", 2]);
  const silent = await opened({ requireTts: false });
  const asked = silent.service.ask("a");
  say(asked.requestId, "b");
  assert.deepEqual(shown(silent.service)[1], ["agent", "b", "writing", 1]);
});

test("an interruption silences the player, names the request, and splits the text where it was heard", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "A keeper  lived here.", 1000);
  player.plays(requestId, 640);
  const acknowledged = service.interruptCurrentRequest();
  assert.deepEqual(player.told.at(-1), ["discard", requestId]);
  assert.deepEqual(interrupts(), [{ interrupt_request_id: requestId, reason: "USER_STOP", played_ms: 640 }]);
  assert.deepEqual(shown(service)[1], ["agent", "A keeper  lived here.", "interrupted", 9]);
  assert.equal(service.currentRequestId, null);
  say(requestId, " More", 40);
  end(requestId, "USER_STOP");
  acknowledge(requestId, "stopped", receipt("A keeper lived"));
  assert.equal((await acknowledged)?.outcomes[requestId], "stopped");
  const [, agent] = service.messages;
  assert.deepEqual([agent?.heard, agent?.spokenChars, agent?.reason], ["A keeper lived", 15, "USER_STOP"]);
  assert.deepEqual(service.counts, { dropped: 2, stale: 0, interruptions: 1 }, "its text and its sound");
  say(requestId, "after the last word");
  assert.deepEqual(service.counts, { dropped: 2, stale: 1, interruptions: 1 });
  assert.equal(service.messages.length, 2);
});

test("the next question interrupts the answer, and tells how much was heard before it is asked", async () => {
  const { service, socket, player } = await opened();
  const first = service.ask("a");
  say(first.requestId, "An answer.", 1000);
  player.plays(first.requestId, 200);
  const second = service.ask("b");
  assert.deepEqual(
    socket
      .said()
      .slice(-2)
      .map(({ type }) => type),
    ["INTERRUPT", "REQUEST"],
  );
  assert.deepEqual(interrupts(), [{ interrupt_request_id: first.requestId, reason: "USER_NEW_INPUT", played_ms: 200 }]);
  say(first.requestId, " late", 0);
  end(first.requestId, "USER_NEW_INPUT");
  acknowledge(first.requestId, "stopped", receipt("An"));
  say(second.requestId, "Yes.");
  assert.deepEqual(
    shown(service).map((each) => each[2]),
    ["complete", "interrupted", "complete", "writing"],
  );
  assert.deepEqual(service.counts, { dropped: 1, stale: 0, interruptions: 1 });
});

test("an answer that ended and still plays is cut where it was heard; one played out is left alone", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "One two three.", 2000);
  end(requestId);
  player.plays(requestId, 1000);
  void service.interruptCurrentRequest();
  acknowledge(requestId, "already_finished", receipt("One two"));
  assert.deepEqual(shown(service)[1], ["agent", "One two three.", "interrupted", 7]);
  const next = service.ask("b");
  say(next.requestId, "Four.", 100);
  end(next.requestId);
  player.drains(next.requestId);
  acknowledge(next.requestId, "already_finished", receipt("Fo"));
  assert.deepEqual(shown(service)[3], ["agent", "Four.", "complete", 5]);
});

test("what the server hears is a person's message that grows, and its answer has the same request id", async () => {
  const { service } = await opened();
  const told = record(service, "message");
  speech("started", "req_ears");
  FakeSocket.last.say("TRANSCRIPT", { request_id: "req_ears", text: "who lived", is_final: false });
  assert.deepEqual([shown(service), service.currentRequestId], [[["person", "who lived", "writing", 0]], null]);
  FakeSocket.last.say("TRANSCRIPT", { request_id: "req_ears", text: "who lived here", is_final: true });
  assert.equal(shown(service).length, 1, "the end is SPEECH stopped");
  speech("stopped", "req_ears", { text: "Who lived here?", outcome: "request" });
  assert.deepEqual(shown(service), [
    ["person", "Who lived here?", "complete", 0],
    ["agent", "", "waiting", 0],
  ]);
  assert.equal(service.currentRequestId, "req_ears");
  say("req_ears", "A keeper.");
  assert.deepEqual(shown(service)[1], ["agent", "A keeper.", "writing", 0]);
  assert.ok(told.length >= 6);
});

test("a cough holds the answer and it goes on; what was no request is dismissed", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "A long answer.", 1000);
  player.plays(requestId, 200);
  hold(requestId, "held");
  speech("started", "req_cough");
  assert.deepEqual([shown(service)[1]?.[2], player.told.at(-1)], ["held", ["pause"]]);
  player.plays(requestId, 200);
  assert.equal(shown(service)[1]?.[2], "held");
  speech("stopped", "req_cough", { text: "", outcome: "noise" });
  hold(requestId, "released");
  assert.deepEqual([shown(service)[1]?.[2], player.told.at(-1)], ["speaking", ["resume"]]);
  const cough = service.messages[2];
  assert.deepEqual([cough?.status, cough?.outcome, service.currentRequestId], ["dismissed", "noise", requestId]);
  say(requestId, " Still.", 100);
  assert.deepEqual(service.counts, { dropped: 0, stale: 0, interruptions: 0 });
});

test("speech that is meant throws away what is left of each answer it names, and fetches the receipt", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "A long answer.", 1000);
  player.plays(requestId, 300);
  hold(requestId, "held");
  speech("started", "req_ears");
  speech("committed", "req_ears", { interrupted: [requestId, "req_unknown"] });
  assert.deepEqual(
    player.told.slice(-3),
    [["pause"], ["discard", requestId], ["resume"]],
    "the next one is not to wait",
  );
  assert.deepEqual(interrupts(), [{ interrupt_request_id: requestId, reason: "USER_VOICE_INPUT", played_ms: 300 }]);
  end(requestId, "USER_VOICE_INPUT");
  acknowledge(requestId, "already_finished", { ...receipt("A long"), reason: "USER_VOICE_INPUT" });
  assert.deepEqual([service.messages[1]?.heard, service.messages[1]?.reason], ["A long", "USER_VOICE_INPUT"]);
  hold(requestId, "released");
  assert.equal(service.messages[1]?.status, "interrupted");
  speech("stopped", "req_ears", { text: "Stop.", outcome: "request" });
  say("req_ears", "Yes?", 100);
  assert.deepEqual(player.told.slice(-2), [
    ["begin", "req_ears"],
    ["put", "req_ears", 1600],
  ]);
  assert.deepEqual([interrupts().length, service.counts.interruptions, service.counts.stale], [1, 1, 0]);
});

test("another device's request becomes current with its first words; what it cut has a receipt", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "Mine.", 1000);
  player.plays(requestId, 400);
  end(requestId, "USER_NEW_INPUT");
  assert.deepEqual(interrupts(), [{ interrupt_request_id: requestId, reason: "USER_NEW_INPUT", played_ms: 400 }]);
  FakeSocket.last.say("RESPONSE", { request_id: "req_update", text_stream_seq: 0, content: { text: "" } });
  FakeSocket.last.say("RESPONSE", { request_id: "req_update", text_stream_seq: -1, content: {} });
  say("req_other", "Theirs.");
  assert.deepEqual([service.currentRequestId, service.messages.length], ["req_other", 3]);
  FakeSocket.last.say("TRANSCRIPT", { request_id: "req_spoken", text: "asked there", is_final: true });
  assert.deepEqual(shown(service).slice(3), [
    ["person", "asked there", "complete", 0],
    ["agent", "", "waiting", 0],
  ]);
});

test("the first words of another answer end one that was sent whole and is held", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "Mine.", 1000);
  end(requestId);
  player.plays(requestId, 100);
  hold(requestId, "held");
  say("req_other", "Theirs.", 100);
  assert.deepEqual(
    service.messages.map(({ status }) => status),
    ["complete", "interrupted", "writing"],
  );
  assert.deepEqual(player.told.slice(3), [
    ["pause"],
    ["discard", requestId],
    ["resume"],
    ["begin", "req_other"],
    ["put", "req_other", 1600],
  ]);
});

test("a voice as it is spoken: what is understood grows, the answer is awaited at its end", async () => {
  const { service, socket } = await opened();
  const voice = service.talk();
  voice.write(Int16Array.of(1));
  FakeSocket.last.say("TRANSCRIPT", { request_id: voice.requestId, text: "who", is_final: false });
  assert.deepEqual(shown(service), [["person", "who", "writing", 0]]);
  voice.end();
  assert.deepEqual(shown(service), [
    ["person", "who", "complete", 0],
    ["agent", "", "waiting", 0],
  ]);
  FakeSocket.last.say("TRANSCRIPT", { request_id: voice.requestId, text: "who?", is_final: true });
  assert.equal(service.messages.length, 2);
  assert.equal(socket.bytes, 2);
  const other = service.talk();
  void other.cancel();
  assert.deepEqual([service.messages[2]?.status, interrupts().length], ["interrupted", 2]);
});

test("a voice in one piece is asked like a text, and what was understood fills the person's message", async () => {
  const { service, player } = await opened();
  const first = service.ask("a");
  say(first.requestId, "b", 100);
  const { requestId } = service.askVoice(Int16Array.of(1));
  assert.deepEqual([service.currentRequestId, interrupts().length, player.told.at(-1)?.[0]], [requestId, 1, "discard"]);
  FakeSocket.last.say("TRANSCRIPT", { request_id: requestId, text: "who?", is_final: true });
  say(requestId, "A keeper.");
  assert.deepEqual(shown(service).slice(2), [
    ["person", "who?", "complete", 0],
    ["agent", "A keeper.", "writing", 0],
  ]);
});

test("a request that fails shows it, and what has come is played out", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "Half", 100);
  FakeSocket.last.say("ERROR", { error_code: "UPSTREAM_ERROR", error_msg: "no", stage: "llm", request_id: requestId });
  const [, agent] = service.messages;
  assert.deepEqual([agent?.status, agent?.error?.code, player.told.at(-1)], ["failed", "upstream", ["end", requestId]]);
  player.drains(requestId);
  assert.equal(service.messages[1]?.status, "failed");
  speech("started", "req_ears");
  FakeSocket.last.say("ERROR", { error_code: "SERVER_BUSY", error_msg: "no", request_id: "req_ears" });
  assert.deepEqual([service.messages[2]?.status, service.messages[2]?.error?.code], ["failed", "busy"]);
});

test("an interruption that the connection swallowed is asked for again when the session goes on", async () => {
  const { service, clock, player } = await opened();
  const errors = record(service, "error");
  const { requestId } = service.ask("a");
  say(requestId, "Half", 100);
  speech("started", "req_ears");
  speech("committed", "req_ears", { interrupted: [requestId] });
  FakeSocket.last.lose(1006);
  await clock.pass(250);
  FakeSocket.last.register({ resumed: { live: [requestId], lost: [], outcomes: {} } });
  assert.deepEqual(interrupts(), [{ interrupt_request_id: requestId, reason: "CLIENT_ERROR" }]);
  say(requestId, " more", 100);
  end(requestId, "CLIENT_ERROR");
  acknowledge(requestId, "stopped", receipt(""));
  assert.deepEqual([service.counts.dropped, service.counts.stale, errors], [2, 0, []]);
  assert.equal(service.messages[2]?.status, "dismissed", "its sound ended with the connection");
  assert.deepEqual(player.told.filter(([name]) => name === "put").length, 1);
});

test("marks of the server say how far the voice is", async () => {
  const { service, player } = await opened();
  const { requestId } = service.ask("a");
  say(requestId, "One two three.");
  FakeSocket.last.say("MARKS", {
    request_id: requestId,
    marks: [
      [0, 4],
      [900, 8],
    ],
  });
  say(requestId, "", 1500);
  player.plays(requestId, 899);
  assert.equal(service.messages[1]?.spokenChars, 4);
  player.plays(requestId, 900);
  assert.equal(service.messages[1]?.spokenChars, 8);
});

test("a player that comes later takes over, and one that can't be silenced is an error", async () => {
  const { service, player } = await opened({ player: null });
  const errors = record(service, "error");
  player.discard = () => Promise.reject(new Error("gone"));
  service.player = player;
  const { requestId } = service.ask("a");
  say(requestId, "b", 100);
  void service.interruptCurrentRequest();
  await settled();
  assert.equal(/** @type {{error: {code: string}}} */ (errors[0]?.[1]).error.code, "audio_failed");
});

test("200 interruptions in all states leave nothing stale, and memory stays bounded", async () => {
  const { service, player, socket } = await opened();
  for (let n = 0; n < 200; n += 1) {
    const { requestId } = service.ask("a");
    if (n % 4 > 0) say(requestId, "An answer. ", 200);
    if (n % 4 > 1) player.plays(requestId, 100);
    if (n % 4 > 2) end(requestId);
    const acknowledged = service.interruptCurrentRequest();
    if (n % 4 < 3) {
      say(requestId, "late");
      end(requestId, "USER_STOP");
    }
    acknowledge(requestId, n % 4 < 3 ? "stopped" : "already_finished", receipt("An"));
    await acknowledged;
    socket.sent = [];
  }
  assert.deepEqual(service.counts, { dropped: 150, stale: 0, interruptions: 200 });
  for (let n = 0; n < 100; n += 1) service.ask("a");
  assert.equal(service.messages.length, 500);
});
