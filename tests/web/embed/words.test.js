/** What the element says. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { wordsOf } from "../../../voxint/web/embed/words.js";

test("Chinese pages get Chinese words, and all others English ones", () => {
  assert.equal(wordsOf("zh-Hant-TW").send, "发送");
  assert.equal(wordsOf("ZH").send, "发送");
  for (const lang of ["en", "", "de-CH", "zha"]) assert.equal(wordsOf(lang).send, "Send");
});

test("each language has the same words, an error of whatever kind a sentence, and a microphone its own", () => {
  const [en, zh] = [wordsOf("en"), wordsOf("zh")];
  assert.deepEqual(Object.keys(zh.states), Object.keys(en.states));
  assert.equal(zh.errors.length, en.errors.length);
  for (const words of [en, zh]) {
    assert.notEqual(words.error("microphone_denied"), words.error("microphone_missing"));
    assert.equal(words.error("internal"), words.errors[0]);
    assert.equal(words.error("busy"), words.errors.at(-1));
  }
});
