import assert from "node:assert/strict";
import { test } from "node:test";

import { shown, solid } from "../../../voxint/web/page/conversation-view.js";

/** @import { Message } from "../../../voxint/web/client/types.js" */

/** @param {Partial<Message>} more @returns {Message} */
const answer = (more) => ({
  messageId: "msg_1", requestId: "req_1", role: "agent", text: "One two three.", status: "speaking", spokenChars: 0,
  heard: null, at: 0, ...more,
});

test("what is spoken stands, the rest waits", () => {
  assert.equal(solid(answer({ spokenChars: 7 })), 7);
  assert.equal(solid(answer({ status: "held", spokenChars: 7 })), 7);
  assert.equal(solid(answer({ spokenChars: 99 })), 14);
});

test("of a cut answer stands what the receipt says was heard, not what this device had shown", () => {
  assert.equal(solid(answer({ status: "interrupted", spokenChars: 7, heard: "One" })), 3);
  assert.equal(solid(answer({ status: "interrupted", spokenChars: 7, heard: "" })), 0);
  assert.equal(solid(answer({ status: "interrupted", spokenChars: 7, heard: null })), 7);
});

test("a receipt that fits another text counts for nothing", () => {
  assert.equal(solid(answer({ status: "interrupted", spokenChars: 7, heard: "Two" })), 7);
});

test("all of a complete answer stands, and of what a person said", () => {
  assert.equal(solid(answer({ status: "complete", spokenChars: 3 })), 14);
  assert.equal(solid(answer({ role: "person", status: "writing" })), 14);
});

test("writing is shown two lines ahead of the voice, in whole words", () => {
  const text = "A word or so, and more. ".repeat(50);
  const seen = text.slice(24, shown(answer({ text }), 24));
  assert.ok(seen.length > 130 && seen.length <= 140);
  assert.ok([" ", ""].includes(text.charAt(24 + seen.length - 1)), "no word is cut");
  assert.equal(shown(answer({ text: "Short." }), 2), 6);
});

test("Chinese is twice as wide, a very long word is cut, and no sign is halved", () => {
  assert.equal(shown(answer({ text: "从前有一个守灯塔的人，".repeat(20) }), 0), 70);
  assert.equal(shown(answer({ text: "a".repeat(500) }), 0), 140);
  assert.equal(shown(answer({ text: "x" + "\u{1f600}".repeat(200) }), 0) % 2, 1);
});
