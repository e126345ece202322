import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { recordOf } from "../../../voxint/web/client/interruption.js";
import { Announcer } from "../../../voxint/web/page/announcer.js";
import { sound } from "../../../voxint/web/page/choices.js";
import { loudness, ringPath } from "../../../voxint/web/page/level-meter.js";
import { receiptWords, silentAfter } from "../../../voxint/web/page/receipt-words.js";
import { isFacts, offered, reach, socketUrl, speaks } from "../../../voxint/web/page/server-facts.js";

const WEB = fileURLToPath(new URL("../../../voxint/web/", import.meta.url));

/** @param {string} file below voxint/web @param {Set<string>} seen @returns {Set<string>} */
function imported(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const source = readFileSync(join(WEB, file), "utf8");
  for (const [, from = ""] of source.matchAll(/^(?:import|export) [^;]*?from "(\.[^"]+)"/gm)) {
    imported(normalize(join(dirname(file), from)), seen);
  }
  return seen;
}

test("index.html preloads each module that the page imports, and no other", () => {
  const html = readFileSync(join(WEB, "page/index.html"), "utf8");
  const preloaded = [...html.matchAll(/rel="modulepreload" href="web\/([^"]+)"/g)].map(([, file]) => file);
  const needed = imported("page/page.js");
  needed.delete("page/page.js");
  assert.deepEqual(preloaded.sort(), [...needed].sort());
});

test("index.html has no script, no style and no handler of its own: the policy would refuse it", () => {
  const html = readFileSync(join(WEB, "page/index.html"), "utf8");
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//);
});

test("what a proxy answers in the server's place is not taken for what the server says of itself", () => {
  const facts = { ws_path: "/ws/agent/stream", voices: [], languages: ["en"] };
  assert.ok(isFacts(facts));
  for (const told of [null, 5, [], {}, "ready", { ...facts, ws_path: 5 }, { ...facts, voices: null }]) {
    assert.ok(!isFacts(told), JSON.stringify(told));
  }
});

test("the socket is found from the page's address, behind TLS and in a folder too", () => {
  assert.equal(socketUrl("/ws/agent/stream", "http://localhost:8765/"), "ws://localhost:8765/ws/agent/stream");
  const behind = socketUrl("/ws/agent/stream", "https://example.org/voice/#join=a.b");
  assert.equal(behind, "wss://example.org/voice/ws/agent/stream");
});

test("a link of this computer's own address reaches no phone, and one without TLS only its ears", () => {
  const urls = [
    "http://localhost:8765", "http://127.0.0.1", "http://[::1]:80", "http://192.168.0.7:8765", "https://host.example",
  ];
  const reached = urls.map((url) => reach(new URL(url)));
  assert.deepEqual(reached, ["nothing", "nothing", "nothing", "listen", "anything"]);
});

test("what is stored and does not fit is left", () => {
  const defaults = sound(null);
  assert.deepEqual(sound({ voice: 7, mode: "shout", keep: "yes" }), defaults);
  const fitting = { voice: "af_heart", keep: true, mode: "hold" };
  assert.deepEqual(sound({ ...fitting, more: 1 }), { ...defaults, ...fitting });
});

test("a quiet room leaves the ring a circle, and a voice moves it", () => {
  assert.deepEqual([-90, -55, -12, 0].map(loudness), [0, 0, 1, 1]);
  const points = (/** @type {string} */ path) =>
    path.slice(1, -1).split("L").map((point) => Math.hypot(...point.split(" ").map(Number)));
  assert.ok(points(ringPath(0, 2)).every((radius) => Math.abs(radius - 40) < 0.2));
  const loud = points(ringPath(1, 2));
  assert.ok(Math.max(...loud) - Math.min(...loud) > 5 && Math.max(...loud) < 60);
});

/** @param {Partial<import("../../../voxint/web/client/interruption.js").Facts>} more */
const record = (more) => recordOf({
  requestId: "req_1", by: "button", reason: "USER_STOP", rttMs: 2, dropped: 0, stale: 0,
  local: { spokenChars: 3, playedMs: 300 }, ...more,
});

/** @param {Partial<Record<"stt" | "llm" | "tts" | "tools", "closed" | "finished" | "idle" | "overrun">>} stages */
const receipt = (stages) => /** @type {import("../../../voxint/web/client/types.js").Receipt} */ ({
  request_id: "req_1", reason: "USER_STOP", stop_ms: 1.3,
  stages: { stt: "idle", llm: "idle", tts: "idle", tools: "idle", ...stages }, closed_ms: { llm: 0.6 },
  usage: { llm_tokens: 9, tts_characters: 9, source: "provider" },
  audio: { generated_ms: 900, sent_ms: 600, heard_ms: 300, source: "client" },
  text: { generated_chars: 9, heard: "One" },
  last: { text_stream_seq: 1, voice_stream_seq: 1 },
});

test("an interruption is told by who wished it, how soon it was silent, and what was closed", () => {
  const cut = receipt({ llm: "closed", tts: "closed" });
  const told = receiptWords(record({ sent: 5, silent: 8, acknowledged: 9, receipt: cut })).join(" ");
  assert.equal(told.replaceAll("\u00a0", " "), "You pressed stop, and 3 ms later the loudspeaker was silent. "
    + "The server closed the model after 0.6 ms and the voice after 1.3 ms. It remembers only what you heard.");
});

test("each way to stop has a sentence, and what is not known is not told", () => {
  for (const by of /** @type {const} */ (["voice", "button", "key", "text", "elsewhere"])) {
    assert.equal(receiptWords(record({ by })).length, 1);
    assert.match(receiptWords(record({ by, sent: 1, silent: 3 }))[0] ?? "", /2.ms/);
  }
  assert.equal(silentAfter(record({ silent: 4 })), null);
  assert.deepEqual(receiptWords(record({ sent: 1, silent: 1, alreadySilent: true })),
    ["You pressed stop.", "The loudspeaker was silent already."]);
  const ends = /** @type {const} */ ([
    { llm: "overrun" }, { llm: "closed", tts: "closed" }, { llm: "closed" }, { llm: "finished", tts: "closed" },
    { llm: "finished" },
  ]);
  const sentences = ends.map((stages) => receiptWords(record({ receipt: receipt(stages) }))[1]);
  assert.equal(new Set(sentences).size, 5);
});

test("an answer that nobody stopped is laid to no other device", () => {
  const sentences = ["USER_STOP", "SHUTDOWN", "DISCONNECT"].map((reason) => receiptWords(record({
    by: "elsewhere", reason, sent: 1, silent: 3,
  }))[0] ?? "");
  assert.match(sentences[0] ?? "", /Another device/);
  for (const sentence of sentences.slice(1)) assert.match(sentence, /server or the connection/);
});

test("what was chosen and this server has not is not asked for; where it is not known, it is", () => {
  const facts = { voices: [{ name: "af_heart", language: "en" }], languages: ["en"] };
  const gone = { voice: "eva", language: "zh" };
  assert.deepEqual(offered(gone, facts), { voice: "", language: "" });
  assert.deepEqual(offered(gone, null), gone);
  const there = { voice: "af_heart", language: "en" };
  assert.deepEqual(offered(there, facts), there);
});

test("who hears the page is told behind which words an answer stopped, or that there were none", () => {
  const place = /** @type {HTMLElement} */ ({ textContent: "" });
  const announcer = new Announcer(place);
  const cut = { role: /** @type {const} */ ("agent"), requestId: "req_1", text: "a b", spokenChars: 0, at: 0 };
  announcer.message({ ...cut, messageId: "msg_1", status: "interrupted", heard: "" });
  assert.equal(place.textContent, "Stopped before a word of it was heard");
  announcer.message({ ...cut, messageId: "msg_2", status: "interrupted", heard: "There was a keeper who could not " });
  assert.equal(place.textContent, "The answer stopped after: was a keeper who could not");
});

test("an example is in a language that somebody there speaks, as far as is known", () => {
  const voices = [{ name: "ada", language: "en" }];
  assert.equal(speaks("zh", null), true);
  assert.equal(speaks("zh", { voices: [] }), true);
  assert.equal(speaks("zh", { voices }), false);
  assert.equal(speaks("en", { voices }), true);
  assert.equal(speaks("zh", { voices: [...voices, { name: "cmn", language: "cmn" }] }), true);
});
