import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { en } from "../../../voxint/web/page/words-en.js";
import { zh } from "../../../voxint/web/page/words-zh.js";
import { chosen, duration } from "../../../voxint/web/page/words.js";

const PAGE = new URL("../../../voxint/web/page/", import.meta.url);

/** @param {string} text */
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages have the same words, with the same places for values", () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  for (const [word, text] of Object.entries(en)) {
    const other = zh[/** @type {keyof typeof en} */ (word)];
    assert.notEqual(other, "", word);
    assert.deepEqual(places(other), places(text), word);
    assert.equal(other.split("|").length, text.split("|").length, word);
  }
});

test("every word that index.html names is there", () => {
  const html = readFileSync(new URL("index.html", PAGE), "utf8");
  const named = [...html.matchAll(/data-(?:word|label|hint)="(\w+)"/g)].map(([, word]) => word ?? "");
  assert.ok(named.length > 40);
  assert.deepEqual(named.filter((word) => !(word in en)), []);
});

test("the language is the first of the browser's that the page has, else English", () => {
  assert.equal(chosen(["fr-FR", "zh-TW", "en"]), "zh");
  assert.equal(chosen(["en-GB", "zh"]), "en");
  assert.equal(chosen(["fr"]), "en");
  assert.equal(chosen([]), "en");
});

test("a duration is as fine as a person reads it, and does not part from its unit", () => {
  const written = [0, 0.84, 9.96, 58.4, 999, 1240, 12_340].map(duration);
  const meant = ["0 ms", "0.8 ms", "10 ms", "58 ms", "999 ms", "1.24 s", "12.3 s"];
  assert.deepEqual(written, meant.map((text) => text.replace(" ", "\u00a0")));
});
