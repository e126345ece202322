/** Where the element looks for its server. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { socketOf } from "../../../voxint/web/embed/address.js";

const FILE = "https://voice.example/web/embed/voxint-agent.js";
const PAGE = "https://site.example/shop/cart";

/** @param {string | null} src @param {string} [file] */
const at = (src, file = FILE) => String(socketOf(src, file, PAGE));

test("the WebSocket is below src, with or without a last slash, a folder of a proxy too", () => {
  assert.equal(at("https://voice.example"), "wss://voice.example/ws/agent/stream");
  assert.equal(at("http://127.0.0.1:8765/"), "ws://127.0.0.1:8765/ws/agent/stream");
  for (const src of ["https://voice.example/talk", "https://voice.example/talk/", "https://voice.example/talk/?a=b/#c"])
    assert.equal(at(src), "wss://voice.example/talk/ws/agent/stream");
  assert.equal(at("/talk"), "wss://site.example/talk/ws/agent/stream");
});

test("without src it is where the element's own file is from", () => {
  assert.equal(at(null), "wss://voice.example/ws/agent/stream");
  const behind = "https://site.example/talk/web/embed/voxint-agent.js";
  assert.equal(at(null, behind), "wss://site.example/talk/ws/agent/stream");
});

test("a src that is no address is left to the client, which says so", () => {
  assert.equal(at("https://"), "https://");
});
