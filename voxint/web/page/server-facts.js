/** What the server says of itself before anybody connects. */

import { VoxintError } from "../client/errors.js";

/**
 * @typedef {object} ServerFacts as GET /v1/agent has them
 * @property {string} version
 * @property {string} ws_path
 * @property {"ready" | "draining" | "busy"} state
 * @property {"nothing" | "key" | "key_or_account"} asks
 * @property {boolean} hears
 * @property {boolean} speaks
 * @property {boolean} listens
 * @property {{name: string, language: string}[]} voices
 * @property {string[]} languages
 * @property {string[]} features
 */

/** Ours: a server that has not said what it is by then is told as one that does not answer. */
const WAIT_MS = 8000;

/**
 * @returns {Promise<ServerFacts>}
 * @throws {VoxintError} unreachable, or no_such_path where something else answers
 */
export async function serverFacts() {
  let response;
  try {
    const signal = AbortSignal.timeout(WAIT_MS);
    response = await fetch(new URL("v1/agent", document.baseURI), { signal, cache: "no-store" });
  } catch (cause) {
    throw new VoxintError("unreachable", "GET v1/agent had no answer", { retryable: true, cause });
  }
  if (response.status === 403) throw new VoxintError("origin_refused", "the server refuses this page's origin");
  if (!response.ok) throw new VoxintError("no_such_path", `GET v1/agent was answered with ${response.status}`);
  const facts = await response.json().catch(() => null);
  if (!isFacts(facts)) throw new VoxintError("no_such_path", "GET v1/agent was answered with something else");
  return facts;
}

/**
 * @param {any} told by what answers there: a proxy in front may answer in the server's place
 * @returns {told is ServerFacts}
 */
export function isFacts(told) {
  return typeof told?.ws_path === "string" && Array.isArray(told.voices) && Array.isArray(told.languages);
}

/**
 * Say what of a person's choices this server has: what was chosen at another one, or of an older configuration, would
 * be refused.
 *
 * @param {{voice: string, language: string}} chosen
 * @param {Pick<ServerFacts, "voices" | "languages"> | null} facts null: not known, so it is asked for as it is
 */
export function offered({ voice, language }, facts) {
  if (facts === null) return { voice, language };
  return {
    voice: facts.voices.some(({ name }) => name === voice) ? voice : "",
    language: facts.languages.includes(language) ? language : "",
  };
}

/**
 * Say where the server's WebSocket is, as this page has to write it: behind a proxy it may stand in a folder.
 *
 * @param {string} wsPath
 * @param {string} base the page's address
 */
export function socketUrl(wsPath, base) {
  const url = new URL(wsPath.replace(/^\/+/, ""), base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url.href;
}

/**
 * Say what a device that gets this page's link can do with it.
 *
 * @param {URL} url
 * @returns {"anything" | "listen" | "nothing"} nothing: the address means the other device itself; listen: browsers
 *   give a microphone to secure pages only
 */
export function reach({ hostname, protocol }) {
  if (/^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(hostname)) return "nothing";
  return protocol === "https:" ? "anything" : "listen";
}

/**
 * Say whether somebody there can speak a language, as far as is known.
 *
 * @param {string} language a primary tag of BCP 47
 * @param {Pick<ServerFacts, "voices"> | null} facts
 */
export function speaks(language, facts) {
  const voices = facts?.voices ?? [];
  const tags = language === "zh" ? ["zh", "cmn"] : [language];
  return voices.length === 0 || voices.some((voice) => tags.includes(voice.language));
}
