/**
 * An agent of the page's tests, served in the place of client/voice-agent.js: `?scene=NAME` says into which state it
 * goes as soon as it is connected. It has no clock, no sound and no network.
 */

import { Emitter } from "../../../voxint/web/client/emitter.js";
import { VoxintError } from "../../../voxint/web/client/errors.js";
import { recordOf } from "../../../voxint/web/client/interruption.js";

const query = new URLSearchParams(location.search);
const zh = (navigator.languages[0] ?? "").startsWith("zh");

const QUESTION = zh ? "大英博物馆是什么时候建立的？" : "When was the British Museum founded?";
const ANSWER = zh
  ? "大英博物馆建立于一七五三年，是世界上第一座国立公共博物馆。它起初收藏的是汉斯·斯隆爵士的藏品，"
    + "一七五九年向公众开放，参观从那时起就是免费的。"
  : "The British Museum was founded in 1753, and was the first national public museum in the world. It began with the "
    + "collection of Sir Hans Sloane, opened its doors in 1759, and has been free to visit ever since.";
const SECOND = zh ? "等等，那现在要门票吗？" : "Wait, so is it still free today?";
const SECOND_ANSWER = zh
  ? "是的，常设展览免费，特展需要门票。"
  : "Yes. The permanent collection is free; special exhibitions need a ticket.";
const HEARD = zh ? 27 : 93;

let count = 0;
/** @param {"person" | "agent"} role @param {string} text @param {object} [more] */
const message = (role, text, more = {}) => ({
  messageId: `msg_${++count}`, requestId: `req_${count}`, role, text, status: "complete",
  spokenChars: text.length, heard: null, at: 0, ...more,
});

/** @type {import("../../../voxint/web/client/types.js").Receipt} */
const receipt = {
  request_id: "req_5f1c", reason: "USER_VOICE_INPUT", stop_ms: 1.3,
  stages: { stt: "idle", llm: "closed", tts: "closed", tools: "idle" }, closed_ms: { llm: 0.6, tts: 0.9 },
  usage: { llm_tokens: 61, tts_characters: 176, source: "provider" },
  audio: { generated_ms: 9120, sent_ms: 6240, heard_ms: 5810, source: "client" },
  text: { generated_chars: ANSWER.length, heard: ANSWER.slice(0, HEARD) },
  last: { text_stream_seq: 61, voice_stream_seq: 156 },
};
/** @type {import("../../../voxint/web/client/interruption.js").InterruptionRecord} */
const BY_VOICE = recordOf({
  requestId: "req_5f1c", by: "voice", reason: "USER_VOICE_INPUT", outcome: "stopped", began: 1000, heard: 1042,
  silent: 1058, held: 1264, recognised: 1691, stopped: 1708, sent: 1694.2, acknowledged: 1710.4, receipt, rttMs: 12,
  dropped: 3, stale: 0,
  local: { spokenChars: HEARD, playedMs: 5810 },
});
const BY_BUTTON = recordOf({
  requestId: "req_5f1c", by: "button", reason: "USER_STOP", outcome: "stopped", sent: 1000.4, silent: 1003.3,
  acknowledged: 1003.9, receipt: { ...receipt, reason: "USER_STOP" }, rttMs: 2.1, dropped: 1, stale: 0,
  local: { spokenChars: HEARD, playedMs: 5810 },
});

const asked = () => message("person", QUESTION);
const cut = (heard = HEARD) =>
  message("agent", ANSWER, { status: "interrupted", heard: ANSWER.slice(0, heard), spokenChars: heard });
const speaking = (status = "speaking") => message("agent", ANSWER, { status, spokenChars: HEARD });
const spoken = (/** @type {string} */ text) => message("person", text, { status: "writing" });
const murmured = () => message("person", zh ? "嗯嗯" : "mm-hm", { status: "dismissed", outcome: "backchannel" });
const error = (/** @type {any} */ code, more = {}) => new VoxintError(code, code, more);
const turns = () => [asked(), cut(), message("person", SECOND), message("agent", SECOND_ANSWER)];

/**
 * @typedef {{state: string, microphone?: string, messages?: object[], records?: object[], error?: VoxintError,
 *   refuse?: VoxintError, inMs?: number}} Scene
 */

/** @type {Record<string, () => Scene>} */
const SCENES = {
  connecting: () => ({ state: "connecting", refuse: error("closed") }),
  ready: () => ({ state: "ready", microphone: "off" }),
  listening: () => ({ state: "listening" }),
  hearing: () => ({ state: "hearing", messages: [spoken(QUESTION.slice(0, -8))] }),
  thinking: () => ({ state: "thinking", messages: [asked(), message("agent", "", { status: "waiting" })] }),
  speaking: () => ({ state: "speaking", messages: [asked(), speaking()] }),
  held: () => ({ state: "held", messages: [asked(), speaking("held")] }),
  interrupted: () => ({
    state: "hearing", messages: [asked(), cut(), spoken(SECOND.slice(0, 6))], records: [BY_VOICE],
  }),
  conversation: () => ({ state: "listening", messages: turns(), records: [BY_VOICE, BY_VOICE] }),
  button: () => ({ state: "listening", messages: [asked(), cut()], records: [BY_BUTTON] }),
  murmur: () => ({ state: "speaking", messages: [asked(), speaking(), murmured()] }),
  unheard: () => ({ state: "ready", microphone: "off", messages: [asked(), cut(0)] }),
  long: () => ({ state: "listening", messages: [...turns(), ...turns(), ...turns()], records: [BY_VOICE] }),
  reconnecting: () => ({ state: "reconnecting", messages: [asked(), speaking()], error: error("lost"), inMs: 4000 }),
  upstream: () => ({
    state: "listening", error: error("upstream", { stage: "llm", errorId: "e-7f3a" }),
    messages: [asked(), message("agent", "", { status: "failed", error: error("upstream", { stage: "llm" }) })],
  }),
};

/** What opens without an agent's help; every other scene of an error is its code. */
const OF_MICROPHONE = new Map([
  ["microphone_denied", "denied"], ["microphone_missing", "missing"], ["microphone_busy", "busy"],
  ["insecure_origin", "insecure"],
]);

const PASSING = ["audio_blocked", "audio_failed", "timeout", "internal", "too_large", "malformed"];

/** @param {string} name @returns {Scene} */
function sceneOf(name) {
  const scene = SCENES[name];
  if (scene) return scene();
  const microphone = OF_MICROPHONE.get(name);
  if (microphone) return { state: "ready", error: error(name), microphone };
  if (PASSING.includes(name)) return { state: "listening", error: error(name) };
  return { state: "failed", refuse: error(name) };
}

/** The page's agent, as it would be in a scene.  @extends {Emitter<Record<string, object>>} */
export class VoiceAgent extends Emitter {
  state = "off";
  microphone = "off";
  /** @type {any[]} */
  messages = [];
  /** @type {any[]} */
  interruptions = [];
  /** @type {number | null} */
  medianStopMs = null;
  counts = { dropped: 0, stale: 0, interruptions: 0 };
  /** @type {{rttMs: number | null, answerMs: number | null}} */
  latency = { rttMs: null, answerMs: null };
  #scene = sceneOf(query.get("scene") ?? "listening");
  /** @type {[string, ...unknown[]][]} what the page has asked for */
  calls = [];

  /** @param {object} options */
  constructor(options) {
    super();
    this.calls.push(["new", options]);
    Object.assign(globalThis, { agent: this });
  }

  /** @param {string} state @param {object} [more] */
  become(state, more = {}) {
    this.state = state;
    this.emit("state", { state, ...more });
  }

  async connect() {
    this.calls.push(["connect"]);
    const { state, messages = [], records = [], error: failure, refuse, inMs } = this.#scene;
    this.become("connecting");
    if (state === "connecting") return new Promise(() => undefined);
    if (refuse) {
      this.become("failed");
      this.emit("error", { error: refuse });
      throw refuse;
    }
    this.become("ready");
    this.latency = { rttMs: 12, answerMs: 640 };
    this.emit("latency", this.latency);
    this.emit("session", { sessionId: "s-1", resumed: false, fresh: false, features: [] });
    this.messages = messages;
    for (const one of messages) this.emit("message", { message: one });
    this.interruptions = records;
    this.medianStopMs = records.length > 0 ? 1.3 : null;
    this.counts = { dropped: 4, stale: 0, interruptions: records.length };
    for (const record of records) this.emit("interruption", { record });
    this.become(state, { inMs });
    if (failure) this.emit("error", { error: failure });
    return undefined;
  }

  async openAudio() {
    this.calls.push(["openAudio"]);
  }

  async openMicrophone() {
    this.calls.push(["openMicrophone"]);
    this.microphone = this.#scene.microphone ?? "on";
    this.emit("microphone", { microphone: this.microphone });
    if (this.microphone === "on") this.emit("level", { rms: -24, peak: -12 });
  }

  closeMicrophone() {
    this.calls.push(["closeMicrophone"]);
    this.microphone = "off";
    this.emit("microphone", { microphone: "off" });
  }

  /** @param {string} text */
  ask(text) {
    this.calls.push(["ask", text]);
    this.emit("message", { message: message("person", text) });
  }

  async beginTalk() {
    this.calls.push(["beginTalk"]);
    this.become("hearing");
  }

  endTalk() {
    this.calls.push(["endTalk"]);
    this.become("thinking");
  }

  /** @param {string} by */
  async interrupt(by) {
    this.calls.push(["interrupt", by]);
    this.become("listening");
  }

  /** @param {string} voice */
  async setVoice(voice) {
    this.calls.push(["setVoice", voice]);
  }

  /** @param {string} language */
  async setLanguage(language) {
    this.calls.push(["setLanguage", language]);
  }

  /** @param {string} prompt */
  async setPrompt(prompt) {
    this.calls.push(["setPrompt", prompt]);
  }

  /** @param {boolean} keep */
  setKeep(keep) {
    this.calls.push(["setKeep", keep]);
  }

  /** @param {string} pageUrl */
  async joinLink(pageUrl) {
    const url = new URL(pageUrl);
    url.search = "";
    url.hash = "join=9b2f6c1e4d7a4f0f8e35.Jx0c2mZ8rY1kq5vT7uWnB3dLsE9hGfAoPiQeRtYuIoP";
    return url;
  }
}
