/** Links by which another device joins. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { joinFrom, joinUrl } from "../../../voxint/web/client/join.js";

const JOIN = { sessionId: "sess_4f1c", token: "a+b/c=.d" };

test("what a link was made of is read from it, and none of it is in what a server gets", () => {
  const url = joinUrl("https://voice.example/?lang=zh#old", JOIN);
  assert.deepEqual(joinFrom(url.hash), JOIN);
  assert.equal(url.pathname + url.search, "/?lang=zh");
  assert.equal(url.origin, "https://voice.example");
});

test("a fragment that is no such link is none", () => {
  const others = ["", "#", "#join=", "#join=sess", "#join=.token", "#join=sess.", "#join=a.%zz"];
  others.push("#x&join=a.b", "#join=a.b&c");
  for (const hash of others) assert.equal(joinFrom(hash), null, hash);
});
