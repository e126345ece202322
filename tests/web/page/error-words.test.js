import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { REMEDIES, errorWords } from "../../../voxint/web/page/error-words.js";

/** The codes, as errors.js lists them for the types. */
const SOURCE = readFileSync(new URL("../../../voxint/web/client/errors.js", import.meta.url), "utf8");
const CODES = [...(/@typedef \{("[^}]*)\} ErrorCode/.exec(SOURCE)?.[1] ?? "").matchAll(/"(\w+)"/g)]
  .map(([, code]) => /** @type {import("../../../voxint/web/client/errors.js").ErrorCode} */ (code));

test("every code of the client has words: what it is, and what to do", () => {
  assert.ok(CODES.length >= 22);
  assert.deepEqual(Object.keys(REMEDIES).sort(), [...CODES].sort());
  for (const code of CODES) {
    const { title, todo } = errorWords({ code, stage: null });
    assert.ok(title.length > 5 && todo.length > 15, code);
    assert.ok(/[.]$/.test(todo), code);
  }
});

test("a failed stage is told by its name, and an unknown one as a model", () => {
  const titles = ["llm", "stt", "tts", "tools", null].map((stage) => errorWords({ code: "upstream", stage }).title);
  assert.equal(new Set(titles).size, 4);
  assert.equal(titles[3], titles[4]);
});

test("the number that the operator looks up is told", () => {
  assert.match(errorWords({ code: "internal", stage: null, errorId: "e-7f3a" }).todo, /e-7f3a$/);
});
