/** @import { ClientEvents, ClientOptions, Counts, Host, Message, Opened, Settings } from "./types.js" */
/** @import { AgentState } from "./agent-state.js" */
/** @import { By, InterruptionRecord } from "./interruption.js" */

import { agentState } from "./agent-state.js";
import { CLOCK } from "./clock.js";
import { Emitter } from "./emitter.js";
import { VoxintError } from "./errors.js";
import { Interrupter } from "./interrupter.js";
import { medianStopMs } from "./interruption.js";
import { joinUrl } from "./join.js";
import { Listening } from "./listening.js";
import { MessageService } from "./message-service.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { FEATURES } from "./session.js";
import { asError, Sound } from "./sound.js";
import { isOver } from "./turns.js";
import { WebSocketClient } from "./websocket-client.js";

/**
 * @typedef {import("./sound.js").MicrophoneState} MicrophoneState
 *
 * @typedef {object} OwnOptions
 * @property {boolean} [handsFree] whether the server's ears are asked for (`server_vad`); by default they are, but not
 *   by who joins a session: they hear one microphone of it, the latest. Without them an open microphone is heard by
 *   this client's detector, and what is said while a button is held goes out as it is spoken
 * @property {typeof AudioContext} [AudioContext] default the browser's
 * @property {MediaTrackConstraints} [constraints] of the microphone; by default the browser cancels the echo
 * @property {typeof PARTS} [parts] what it is made of, for tests
 *
 * @typedef {ClientOptions & OwnOptions} AgentOptions
 *
 * @typedef {object} AgentEvents
 * @property {{state: AgentState, inMs?: number}} state `inMs`: reconnecting, and the next try is after so long
 * @property {{microphone: MicrophoneState}} microphone
 * @property {{message: Message}} message added or changed
 * @property {{record: InterruptionRecord}} interruption
 * @property {{rms: number, peak: number}} level of the microphone, in dB of full scale
 * @property {{error: VoxintError}} error
 * @property {{rttMs: number | null, answerMs: number | null}} latency
 * @property {{counts: Counts}} counts
 * @property {ClientEvents["open"] & {features: Set<string>}} session
 */

const PARTS = {
  WebSocketClient, Player, Recorder, loadDetector: async () => (await import("./detector.js")).Detector.load(),
};

const RATES = { inputRate: 16000, outputRate: 24000 }; // ours: that of most synthesizers
/** Ours: interruptions that are kept to look back at. */
const MOST_RECORDS = 50;

/**
 * A conversation with an agent in a browser: connection, loudspeaker, microphone and messages, as one object.
 *
 * What fails is told by an "error" event; a method that opens or sets something rejects, too. The state that a failure
 * leads to is left by the same method.
 *
 * @extends {Emitter<AgentEvents>}
 */
export class VoiceAgent extends Emitter {
  /** @type {InterruptionRecord[]} the last 50 */
  interruptions = [];
  /** @type {{rttMs: number | null, answerMs: number | null}} round trip of the connection; from the end of speech, or
   *  from the asking, to the first sound of the latest answer */
  latency = { rttMs: null, answerMs: null };
  /** @type {AgentState} */
  #state = "off";
  #opened = false;
  #wanted = false;
  #failed = false;
  /** @type {{requestId: string, at: number} | null} */
  #asked = null;
  #keep = false;
  /** @type {ClientOptions} read by the client at each REGISTER */
  #registers;
  /** @type {WeakSet<VoxintError>} so that what a client's event and its promise tell is told once */
  #told = new WeakSet();
  #page = new AbortController();

  /** @param {AgentOptions} options */
  constructor({ handsFree, AudioContext, constraints, parts = PARTS, ...options }) {
    super();
    const { clock = CLOCK, features = FEATURES, audio = RATES, onDisconnect } = options;
    this.clock = clock;
    this.#keep = onDisconnect === "keep";
    const all = handsFree ?? !options.join ? [...features, "server_vad"] : features;
    this.#registers = { ...options, clock, features: all, audio };
    const client = (this.client = new parts.WebSocketClient(this.#registers));
    const sound = (this.sound = new Sound({ clock, AudioContext, constraints, parts }));
    const agent = this;
    /** @type {Host} */
    const host = {
      clock, client, sound,
      get service() { return agent.service; },
      get interrupter() { return agent.interrupter; },
      get listening() { return agent.listening; },
      loadDetector: () => parts.loadDetector(),
      asked: (requestId, atMs) => this.#asks(requestId, atMs),
      changed: () => this.#changed(),
      failed: (error) => void this.#fail(error),
    };
    this.listening = new Listening(host);
    this.interrupter = new Interrupter(host, (record) => this.#record(record));
    this.service = new MessageService(client);
    this.#listenToClient();
    this.#listenToMessages();
    this.#listenToSound();
  }

  /** @returns {AgentState} */
  get state() {
    return this.#state;
  }

  /** @returns {MicrophoneState} */
  get microphone() {
    return this.sound.microphone;
  }

  /** @returns {Message[]} */
  get messages() {
    return this.service.messages;
  }

  /** @returns {Counts} */
  get counts() {
    return this.service.counts;
  }

  /** @returns {number | null} milliseconds, of the interruptions that are kept */
  get medianStopMs() {
    return medianStopMs(this.interruptions);
  }

  /**
   * Connect, and stay connected until `close`. The first try settles it; one that may help goes on behind that.
   *
   * @returns {Promise<Opened>}
   * @throws {VoxintError} what the server or the network says. Where no other try can help, the state is "failed", and
   *   it may be called again
   */
  async connect() {
    this.#wanted = true;
    this.#failed = false;
    this.#watchPage();
    try {
      const opened = await this.client.connect();
      await this.sound.setRates(opened.audio);
      return opened;
    } catch (error) {
      if (!this.#wanted) throw error; // it was closed meanwhile
      this.#failed = this.client.state === "closed"; // else it goes on trying
      this.#changed();
      throw this.#fail(error);
    }
  }

  /**
   * Open the loudspeaker; in a click, or a browser refuses it. Where the page can have none, answers are text alone.
   *
   * @throws {VoxintError} audio_blocked, audio_failed, insecure_origin
   */
  async openAudio() {
    try {
      await this.sound.openPlayer();
    } catch (error) {
      const known = this.#fail(error);
      if (known.code === "insecure_origin") this.#set({ requireTts: false }).catch(() => {}); // an "error" has told it
      throw known;
    }
  }

  /**
   * Open the microphone and listen, hands-free: by the server's ears, else by the detector of this client.
   *
   * @throws {VoxintError} microphone_denied, microphone_missing, microphone_busy, insecure_origin, audio_blocked,
   *   audio_failed
   */
  async openMicrophone() {
    await this.listening.open().catch((error) => this.#rethrow(error)).finally(() => this.#changed());
  }

  /** Close it. What is being said is over. */
  closeMicrophone() {
    this.listening.close();
    this.#changed();
  }

  /** Keep the microphone open, and send zeros.  @param {boolean} [muted] */
  mute(muted = true) {
    this.sound.muted = muted;
  }

  /**
   * Ask by text. An answer that is live or heard ends.
   *
   * @param {string} text
   * @returns {{requestId: string, messageId: string}} the messages tell the rest
   */
  ask(text) {
    this.interrupter.note("text", "USER_NEW_INPUT");
    const { promise: _, ...ids } = this.service.ask(text);
    this.#asks(ids.requestId, null);
    return ids;
  }

  /**
   * Begin to talk, while a button is held. An answer that is live or heard ends. With the microphone open hands-free it
   * is unmuted for so long; else it is opened, and stays open, unheard, until `closeMicrophone`.
   *
   * @param {By} [by]
   */
  async beginTalk(by = "button") {
    await this.listening.beginTalk(by).catch((error) => this.#rethrow(error));
  }

  /** @returns {string | null} the request; null where nothing was said, or the open microphone asks by itself */
  endTalk() {
    return this.listening.endTalk();
  }

  /** Stop the answer: silent here at once, then there. @param {By} [by] */
  async interrupt(by = "button") {
    await this.interrupter.cut(by, "USER_STOP");
  }

  /** @param {string} voice a name of /v1/agent; "" is the agent's own */
  async setVoice(voice) {
    await this.#set({ voice });
  }

  /** @param {string} language a BCP 47 primary tag; "" is automatic */
  async setLanguage(language) {
    await this.#set({ language });
  }

  /** @param {string} systemPrompt behind the operator's own */
  async setPrompt(systemPrompt) {
    await this.#set({ systemPrompt });
  }

  /**
   * Say whether an answer goes on when the page is left, from now on, or its connection lost, from the next session on.
   *
   * @param {boolean} keep
   */
  setKeep(keep) {
    this.#keep = keep;
    this.#registers.onDisconnect = keep ? "keep" : "interrupt";
  }

  /**
   * Make a link by which one other device joins this session.
   *
   * @param {string | URL} pageUrl of the page that reads it with `joinFrom(location.hash)`
   * @returns {Promise<URL>}
   */
  async joinLink(pageUrl) {
    const token = await this.client.joinToken().catch((error) => this.#rethrow(error));
    return joinUrl(pageUrl, { sessionId: this.client.sessionId ?? "", token });
  }

  /** End it all: devices and connection. */
  async close() {
    this.#wanted = false;
    this.#page.abort();
    this.closeMicrophone();
    this.interrupter.log.close();
    await Promise.all([this.sound.close(), this.client.close()]);
    this.#opened = false;
    this.#failed = false;
    this.#changed();
  }

  #listenToClient() {
    const { client } = this;
    client.on("state", ({ state, inMs }) => {
      if (state === "closed" && this.#wanted) this.#failed = true;
      this.#changed(inMs);
    });
    client.on("open", (opened) => {
      this.#opened = true;
      this.#failed = false;
      this.emit("session", { ...opened, features: client.features });
      this.#changed();
    });
    client.on("failed", ({ requestId, error }) => {
      this.#answered(requestId);
      this.#fail(error);
    });
    client.on("error", ({ error }) => void this.#fail(error));
    client.on("rtt", ({ ms }) => this.#measured({ rttMs: ms }));
  }

  #listenToMessages() {
    this.service.on("message", ({ message }) => {
      this.emit("message", { message });
      if (message.role === "agent" && isOver(message.status)) this.#answered(message.requestId);
      this.#changed();
    });
    this.service.on("counts", ({ counts }) => this.emit("counts", { counts }));
    this.service.on("error", ({ error }) => void this.#fail(error));
  }

  #listenToSound() {
    const { sound } = this;
    sound.on("player", ({ player }) => (this.service.player = player));
    sound.on("played", ({ requestId, playedMs }) => this.#plays(requestId, playedMs));
    sound.on("level", (level) => this.emit("level", level));
    sound.on("microphone", ({ microphone }) => {
      this.emit("microphone", { microphone });
      this.#changed();
    });
    sound.on("error", ({ error }) => void this.#fail(error));
  }

  /** @param {string} requestId @param {number | null} atMs when its last word was said; null: just now */
  #asks(requestId, atMs) {
    this.#asked = { requestId, at: atMs ?? this.clock.now() };
    this.#changed();
  }

  /** @param {string} requestId of an answer that has come to its end  */
  #answered(requestId) {
    if (this.#asked?.requestId === requestId) this.#asked = null;
    this.#changed();
  }

  /** @param {string} requestId @param {number} playedMs */
  #plays(requestId, playedMs) {
    if (this.#asked?.requestId !== requestId || playedMs <= 0) return;
    this.#measured({ answerMs: Math.round(this.clock.now() - playedMs - this.#asked.at) });
    this.#answered(requestId);
  }

  /** @param {Partial<VoiceAgent["latency"]>} figures */
  #measured(figures) {
    this.latency = { ...this.latency, ...figures };
    this.emit("latency", this.latency);
  }

  /** @param {InterruptionRecord} record */
  #record(record) {
    this.interruptions = [...this.interruptions, record].slice(-MOST_RECORDS);
    this.emit("interruption", { record });
  }

  /** @param {Settings} settings */
  async #set(settings) {
    await this.client.updateSession(settings).catch((error) => this.#rethrow(error));
  }

  /** A page that is left ends the session, unless it shall go on; one that comes back from the cache connects anew. */
  #watchPage() {
    this.#page.abort();
    this.#page = new AbortController();
    const { signal } = this.#page;
    const leave = () => {
      if (this.#keep) return;
      this.#wanted = false;
      this.client.close("pagehide").catch((error) => this.#fail(error));
    };
    globalThis.window?.addEventListener("pagehide", leave, { signal });
    globalThis.window?.addEventListener("pageshow", ({ persisted }) => {
      if (persisted && !this.#wanted) this.connect().catch(() => {}); // an "error" event has told it
    }, { signal });
  }

  /** @param {unknown} error @returns {VoxintError} */
  #fail(error) {
    const known = asError(error, "internal", "the client failed");
    if (!this.#told.has(known)) this.emit("error", { error: known });
    this.#told.add(known);
    return known;
  }

  /** @param {unknown} error @returns {never} */
  #rethrow(error) {
    throw this.#fail(error);
  }

  /** @param {number} [inMs] until the next try */
  #changed(inMs) {
    const status = this.service.answering?.status;
    const state = agentState({
      connection: this.client.state, opened: this.#opened, failed: this.#failed,
      held: status === "held", hearing: this.listening.hearing,
      speaking: status === "speaking" || (status === "writing" && this.sound.player === null),
      waiting: status !== undefined || this.#asked !== null, listening: this.listening.listening,
    });
    if (state === this.#state && inMs === undefined) return;
    this.#state = state;
    this.emit("state", { state, ...(inMs === undefined ? {} : { inMs }) });
  }
}
