/** The page's words, in the language of who reads them. */

import { en } from "./words-en.js";
import { zh } from "./words-zh.js";

/** @typedef {keyof typeof en} Word */

/** @type {Record<string, Record<Word, string>>} */
export const LANGUAGES = { en, zh };

let language = "en";

/** Say which language the page speaks: "en" or "zh". */
export function spoken() {
  return language;
}

/**
 * Choose the language: what was chosen before, else the first of the browser's that the page has, else English.
 *
 * @param {readonly string[]} wishes BCP 47 tags, the dearest first
 */
export function chosen(wishes) {
  for (const wish of wishes) {
    const primary = wish.toLowerCase().split("-")[0] ?? "";
    if (primary in LANGUAGES) return primary;
  }
  return "en";
}

/**
 * Say a word.
 *
 * @param {Word} word
 * @param {Record<string, string | number>} [values] for its {places}
 */
export function say(word, values = {}) {
  const text = (LANGUAGES[language] ?? en)[word];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * @param {number} value
 * @param {number} digits behind the point, at most
 */
function number(value, digits) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** @param {number} ms written as a person reads it: 0.8 ms, 58 ms, 1.24 s */
export function duration(ms) {
  const size = Math.abs(ms);
  if (size < 10) return `${number(ms, 1)}\u00a0ms`;
  if (size < 1000) return `${number(ms, 0)}\u00a0ms`;
  return `${number(ms / 1000, size < 10_000 ? 2 : 1)}\u00a0s`;
}

/** @param {string} tag BCP 47; its name in the page's language, or the tag itself where the browser has none */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag; // no well-formed tag: the server's own name for it
  }
}

/**
 * Put the words into what is marked: `data-word` is a text, `data-label` a name, `data-hint` a placeholder.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-word],[data-label],[data-hint]")) {
    const { word, label, hint } = /** @type {HTMLElement} */ (node).dataset;
    if (word !== undefined) node.textContent = say(/** @type {Word} */ (word));
    if (hint !== undefined) node.setAttribute("placeholder", say(/** @type {Word} */ (hint)));
    if (label === undefined) continue;
    node.setAttribute("aria-label", say(/** @type {Word} */ (label)));
    if (node instanceof HTMLButtonElement) node.title = say(/** @type {Word} */ (label));
  }
}

/** @param {string} next */
export function speak(next) {
  language = next in LANGUAGES ? next : "en";
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  translate(document);
}
