/** The client's pure parts: frames, fields, times, cursors, lines. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { delayMs } from "../../../voxint/web/client/backoff.js";
import * as envelope from "../../../voxint/web/client/envelope.js";
import { toldByClose, toldByServer, VoxintError } from "../../../voxint/web/client/errors.js";
import { acknowledgement, notice, response } from "../../../voxint/web/client/incoming.js";
import { Outbox } from "../../../voxint/web/client/outbox.js";
import { Replies } from "../../../voxint/web/client/replies.js";
import { Requests } from "../../../voxint/web/client/requests.js";
import { ResumeCursor } from "../../../voxint/web/client/resume-cursor.js";
import { changed, onWire } from "../../../voxint/web/client/settings.js";
import { FakeClock } from "./fakes.js";

const malformed = (/** @type {VoxintError} */ error) => error instanceof VoxintError && error.code === "malformed";

test("the wait between two tries doubles from 0.25 s to 8 s, and is between half of that and all of it", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => delayMs(attempt, () => 1));
  assert.deepEqual(longest, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  assert.equal(
    delayMs(6, () => 0),
    4000,
  );
});

test("a text frame is read without belief: what is no message is malformed", () => {
  const packed = envelope.pack("REQUEST", { request_id: "r", gone: undefined }, "s", 7);
  assert.deepEqual(JSON.parse(packed), {
    version: "1.0",
    msg_type: "REQUEST",
    session_id: "s",
    payload: { request_id: "r" },
    timestamp: 7,
  });
  assert.deepEqual(envelope.unpack(packed), { type: "REQUEST", sessionId: "s", payload: { request_id: "r" } });
  for (const frame of ["", "{", "[]", "null", '"x"', "{}", '{"msg_type": 1}', '{"msg_type": "A", "payload": []}']) {
    assert.throws(() => envelope.unpack(frame), malformed, frame);
  }
});

test("speech is read from a frame at any offset, little-endian, into a buffer of its own", () => {
  const id = new TextEncoder().encode("req_é");
  const frame = Uint8Array.from([1, id.length, ...id, 0, 0, 1, 2, 0x34, 0x12, 0xff, 0xff]);
  const { requestId, seq, pcm } = envelope.unpackVoice(frame.buffer);
  assert.deepEqual([requestId, seq, [...pcm], pcm.byteOffset], ["req_é", 258, [0x1234, -1], 0]);
  for (const bytes of [[], [1], [1, 0, 0, 0, 0, 0], [2, 1, 65, 0, 0, 0, 0], [1, 9, 65], [1, 1, 65, 0, 0, 0, 0, 7]]) {
    assert.throws(() => envelope.unpackVoice(Uint8Array.from(bytes).buffer), malformed, String(bytes));
  }
});

test("samples go to bytes and base64 and come back", () => {
  const pcm = Int16Array.from({ length: 100_000 }, (_, at) => ((at * 37) % 65_536) - 32_768);
  const bytes = envelope.bytesOf(pcm);
  assert.deepEqual([...bytes.subarray(0, 4)], [0x00, 0x80, 0x25, 0x80]);
  assert.deepEqual(envelope.samplesOf(envelope.fromBase64(envelope.toBase64(bytes))), pcm);
  assert.throws(() => envelope.fromBase64("*"), malformed);
  const given = Int16Array.from([1, 2]).buffer;
  assert.deepEqual(envelope.bytesOf(given), Uint8Array.from([1, 0, 2, 0]));
});

test("a RESPONSE becomes events in order, and ends by -1 or by interrupted", () => {
  const both = response({
    request_id: "r",
    text_stream_seq: 0,
    voice_stream_seq: 0,
    content: { text: "a", voice: "AAABAA==" },
  });
  assert.deepEqual(
    both.told.map(([name]) => name),
    ["text", "audio"],
  );
  const call = response({
    request_id: "r",
    text_stream_seq: 1,
    content: {},
    function_call: { name: "f", parameters: {}, call_id: "c" },
  });
  assert.deepEqual(call.told, [["call", { requestId: "r", name: "f", parameters: {}, callId: "c" }]]);
  const end = response({ request_id: "r", text_stream_seq: -1, voice_stream_seq: -1, content: {} });
  assert.deepEqual([end.ended, end.told], [true, [["end", { requestId: "r", interrupted: false, reason: null }]]]);
  const cut = response({ request_id: "r", content: { text: "no" }, interrupted: true, interrupt_reason: "USER_STOP" });
  assert.deepEqual(cut.told, [["end", { requestId: "r", interrupted: true, reason: "USER_STOP" }]]);
  assert.throws(() => response({ content: {} }), malformed);
  assert.throws(() => response({ request_id: "r", text_stream_seq: "0" }), malformed);
});

test("what a newer server says is ignored, and fields of the wrong type are not believed", () => {
  assert.equal(notice("SOMETHING_NEW", {}), null);
  assert.throws(() => notice("TRANSCRIPT", { request_id: "r" }), malformed);
  assert.throws(() => notice("SPEECH", { request_id: "r", state: "sung" }), malformed);
  assert.deepEqual(notice("MARKS", { request_id: "r", marks: [[0, 3], "x", [1, "2"], [5, 9]] }), [
    "marks",
    {
      requestId: "r",
      marks: [
        [0, 3],
        [5, 9],
      ],
    },
  ]);
  const told = notice("SPEECH", {
    request_id: "r",
    state: "stopped",
    at_ms: 5,
    text: "hm",
    outcome: "noise",
    decided_ms: 9,
  });
  assert.deepEqual(told, [
    "speech",
    { state: "stopped", requestId: "r", atMs: 5, text: "hm", outcome: "noise", decidedMs: 9 },
  ]);
  const ack = acknowledgement({
    status: "SUCCESS",
    interrupt_request_id: "",
    outcomes: { r: "stopped" },
    receipts: { r: {} },
  });
  assert.deepEqual([ack.interruptRequestId, ack.mode, ack.receipts], [null, "commit", {}], "half a receipt is none");
});

test("every close code of the protocol has a meaning, and only some are worth another try", () => {
  const told = (/** @type {number} */ code, opened = true) => {
    const { code: name, retryable } = toldByClose(code, "", opened);
    return `${name}${retryable ? "" : "!"}`;
  };
  const all = [1000, 1001, 1006, 1008, 1009, 1011, 1013, 4401, 4403, 4404, 4408].map((code) => told(code));
  assert.deepEqual(all, [
    "closed",
    "draining",
    "lost",
    "lost",
    "too_large",
    "internal",
    "busy",
    "key_refused!",
    "origin_refused!",
    "no_such_path!",
    "timeout",
  ]);
  assert.deepEqual(
    [told(1006, false), told(1008, false), told(1009, false)],
    ["unreachable", "malformed!", "too_large!"],
  );
  assert.equal(toldByClose(4403, "origin x may not connect", false).message, "origin x may not connect");
});

test("an ERROR of the server becomes a code of the closed set, whatever is in it", () => {
  const busy = {
    error_code: "SERVER_BUSY",
    error_msg: "full",
    retryable: true,
    request_id: "r",
    stage: "tts",
    error_id: "0a",
  };
  const error = toldByServer(busy);
  assert.deepEqual(
    [error.code, error.requestId, error.stage, error.errorId, error.retryable],
    ["busy", "r", "tts", "0a", true],
  );
  assert.equal(toldByServer(busy, true).code, "draining");
  assert.deepEqual([toldByServer({}).code, toldByServer({}).requestId], ["internal", null]);
});

test("the cursor knows the next frame from one that came before, and from one behind a gap", () => {
  const cursor = new ResumeCursor();
  cursor.began("asked");
  assert.deepEqual(
    ["next", "next", "next"],
    [cursor.took("r", 0, null), cursor.took("r", 1, 0), cursor.took("r", null, 1)],
  );
  assert.deepEqual(cursor.seen, {
    asked: { text_stream_seq: null, voice_stream_seq: null },
    r: { text_stream_seq: 1, voice_stream_seq: 1 },
  });
  assert.equal(cursor.took("r", 1, null), "again");
  assert.equal(cursor.took("r", 3, null), "missing");
  assert.deepEqual(cursor.resumed({ live: ["r"], lost: ["r"], outcomes: {} }), ["asked"]);
  assert.equal(cursor.took("r", null, 9), "next", "the server has said that something is lost");
  cursor.ended("r");
  assert.deepEqual(cursor.seen, {});
  for (let n = 0; n < 100; n += 1) cursor.began(`r${n}`);
  assert.deepEqual([cursor.clear().length, cursor.clear()], [64, []]);
});

test("an answer goes to whoever has waited for its kind the longest; who lost patience keeps the place", async () => {
  const clock = new FakeClock();
  /** @type {Replies<string>} */
  const replies = new Replies(clock, 5000);
  const [first, second, other] = [replies.make("A"), replies.make("A"), replies.make("B")];
  replies.asked("a", first);
  await clock.pass(1000);
  replies.asked("a", second);
  replies.asked("b", other);
  await clock.pass(4000);
  await assert.rejects(first.promise, { code: "timeout", message: /A within 5 s/ });
  replies.next("a")?.resolve("late");
  assert.equal(replies.has("a"), true);
  replies.next("a")?.resolve("too late, too");
  assert.deepEqual([replies.next("a"), replies.has("a"), clock.waiting], [null, false, 0]);
  const last = replies.make("C");
  replies.asked("c", last);
  replies.fail(() => new VoxintError("lost", "gone"));
  await assert.rejects(last.promise, { code: "lost" });
});

test("the outbox holds 64 messages and 8 MiB, and says so", () => {
  const outbox = new Outbox();
  for (let n = 0; n < 64; n += 1) outbox.push({ type: "A", payload: { n }, chars: 1 });
  assert.throws(() => outbox.push({ type: "A", payload: {}, chars: 1 }), { code: "busy", retryable: true });
  for (let n = 0; n < 64; n += 1) assert.equal(outbox.take()?.payload.n, n);
  assert.equal(outbox.isEmpty, true);
  outbox.push({ type: "A", payload: {}, chars: 8 * 1024 * 1024 - 1 });
  assert.throws(() => outbox.push({ type: "A", payload: {}, chars: 2 }), { code: "busy" });
});

test("ids of requests are the client's own and new; a live one is not taken twice", async () => {
  const [one, other] = [new Requests(), new Requests()];
  const ids = [one.newId(), one.newId(), other.newId()];
  assert.equal(new Set(ids).size, 3);
  assert.ok(
    ids.every((id) => /^req_[0-9a-z]+_\d+$/.test(id)),
    String(ids),
  );
  const promise = one.begin("r", 0);
  assert.throws(() => one.begin("r", 0), { code: "malformed", requestId: "r" });
  assert.throws(() => one.begin("x".repeat(129), 0), malformed);
  one.heard("r", 100_000, "a");
  one.heard("r", 100_000, "b");
  assert.deepEqual([one.overdue(220_000), one.overdue(220_001)], [[], ["r"]]);
  one.end("r", true, "USER_STOP");
  assert.deepEqual(await promise, { requestId: "r", text: "ab", interrupted: true, reason: "USER_STOP" });
  one.end("r", false, null);
});

test("settings go on the wire by its names, and a new session gets what the old one had", () => {
  assert.deepEqual(onWire({ requireTts: false, voice: "", functionsOp: "ADD" }), { require_tts: false, voice: "" });
  assert.deepEqual(onWire({ functions: [], functionsOp: "ADD" }), { function_calling: [], function_calling_op: "ADD" });
  const after = changed(
    { voice: "a", language: "en" },
    { voice: "b", language: undefined, functions: [{}], functionsOp: "ADD" },
  );
  assert.deepEqual(after, { voice: "b", language: "en" });
  assert.deepEqual(changed({}, { functions: [{}] }), { functions: [{}] });
});
