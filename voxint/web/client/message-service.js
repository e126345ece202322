/** @import { Ack, Answer, ClientEvents, Counts, Message, MessageEvents } from "./types.js" */
/** @import { PlayerLike, Receipt, Request, Speech, VoiceRequest } from "./types.js" */
/** @import { Turn } from "./turns.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

import { heardLength, SpeakingRate } from "./captions.js";
import { Emitter } from "./emitter.js";
import { VoxintError } from "./errors.js";
import { isDone, Turns } from "./turns.js";

const MOST_CHARS = 100_000; // ours: of a bubble, an hour and a half of speech; the rest is the client's "text" alone
const FINAL = new Set(["stopped", "already_finished", "overrun"]); // outcomes behind which nothing comes

/**
 * The conversation as a page shows it: who said what, how much of it was heard, and which request is the current one.
 *
 * The current request is the one whose answer is shown and played. A chunk of another is dropped in silence until its
 * acknowledgement (`dropped`); one that comes after that is counted (`stale`) and stays 0 unless the server breaks its
 * promise. An id that was never seen, made by the server's ears or by another device of the session, becomes current.
 *
 * It drives the player: begins, feeds, pauses and silences it, and reports what was played to the server.
 *
 * @extends {Emitter<MessageEvents>}
 */
export class MessageService extends Emitter {
  /** @type {string | null} "req_…": what `interruptCurrentRequest` names */
  currentRequestId = null;
  /** @type {Counts} */
  counts = { dropped: 0, stale: 0, interruptions: 0 };
  #client;
  #rate = new SpeakingRate();
  #turns = new Turns(this.#rate, (message) => this.emit("message", { message }));
  /** @type {PlayerLike | null} */
  #player = null;
  /** Ends what is listened to of the player. */
  #ends = new AbortController();
  /** @type {string | null} whose HOLD has paused the player */
  #pausedFor = null;

  /**
   * @param {WebSocketClient} client
   * @param {{player?: PlayerLike | null}} [options] the player may be set later
   */
  constructor(client, { player = null } = {}) {
    super();
    this.#client = client;
    this.player = player;
    client.on("text", (told) => this.#text(told));
    client.on("audio", (told) => this.#audio(told));
    client.on("call", ({ requestId }) => void this.#current(requestId));
    client.on("marks", ({ requestId, marks }) => this.#turns.get(requestId)?.caption.mark(marks));
    client.on("end", (told) => this.#end(told));
    client.on("failed", (told) => this.#failed(told));
    client.on("transcript", (told) => this.#transcript(told));
    client.on("speech", (told) => this.#speech(told));
    client.on("hold", (told) => this.#hold(told));
    client.on("ack", (ack) => this.#acknowledged(ack));
    client.on("open", ({ resumed }) => this.#anew(resumed));
  }

  /** The bubbles, the oldest first: the last 500. */
  get messages() {
    return this.#turns.messages;
  }

  /** @returns {string | null} "msg_…": the bubble of the current request's answer; never on the wire */
  get currentMessageId() {
    return this.answerOf(this.currentRequestId)?.messageId ?? null;
  }

  /** @returns {Message | null} the answer that is awaited or heard */
  get answering() {
    return this.#live?.agent ?? null;
  }

  /** @param {string | null} requestId @returns {Message | null} its answer, as far as it has come */
  answerOf(requestId) {
    return this.#turns.get(requestId)?.agent ?? null;
  }

  /** @returns {PlayerLike | null} */
  get player() {
    return this.#player;
  }

  set player(player) {
    this.#ends.abort();
    const { signal } = (this.#ends = new AbortController());
    this.#player = player;
    this.#pausedFor = null;
    for (const turn of this.#turns.all) {
      if (turn.plays && turn.closed && !isDone(turn)) this.#turns.complete(turn); // nobody tells its end any more
      turn.plays = false;
    }
    player?.on("played", (told) => this.#played(told), { signal });
    player?.on("drained", ({ requestId }) => this.#drained(requestId), { signal });
  }

  /**
   * Ask in text. The current answer falls silent at once, and what was heard of it is told before the question.
   *
   * @param {string} text
   * @returns {{requestId: string, messageId: string, promise: Promise<Answer>}} `messageId` is the answer's bubble
   */
  ask(text) {
    this.#leave("USER_NEW_INPUT");
    return this.#asked(this.#client.sendTextRequest(text), { text, status: "complete" });
  }

  /**
   * Ask in voice: as `ask`, and `write`, `end` and `cancel` as those of sendVoiceRequestStream.
   *
   * @returns {VoiceRequest & {messageId: string}} `messageId` is the bubble of what is said
   */
  talk() {
    this.#leave("USER_NEW_INPUT");
    const voice = this.#client.sendVoiceRequestStream();
    const turn = this.#turns.of(voice.requestId);
    const { messageId } = this.#turns.add(turn, "person", { text: "", status: "writing" });
    this.currentRequestId = voice.requestId;
    const end = () => {
      voice.end();
      if (!turn.cut && !turn.closed) this.#turns.wait(turn);
    };
    return { ...voice, messageId, end, cancel: () => this.#cut(turn, "USER_STOP") };
  }

  /**
   * Ask in voice that is here already: as `ask`.
   *
   * @param {Int16Array} pcm at the session's input rate, 120 s at most
   */
  askVoice(pcm) {
    this.#leave("USER_NEW_INPUT");
    return this.#asked(this.#client.sendVoiceRequest(pcm), { text: "", status: "writing" });
  }

  /**
   * Interrupt the current request by its request id; the player is silent at once.
   *
   * @param {string} [reason] USER_STOP, USER_VOICE_INPUT, or words of your own
   * @returns {Promise<Ack | null>} null: nothing is awaited or heard; rejects as `WebSocketClient.interrupt`
   */
  interruptCurrentRequest(reason = "USER_STOP") {
    return this.#live ? this.#cut(this.#live, reason) : Promise.resolve(null);
  }

  /** @param {Request} request @param {Pick<Message, "text" | "status">} person what is known of what was asked */
  #asked({ requestId, promise }, person) {
    const turn = this.#turns.of(requestId);
    this.#turns.add(turn, "person", person);
    const { messageId } = this.#turns.add(turn, "agent", { text: "", status: "waiting" });
    this.currentRequestId = requestId;
    return { requestId, messageId, promise };
  }

  /** @param {"dropped" | "stale" | "interruptions"} name */
  #count(name) {
    this.counts = { ...this.counts, [name]: this.counts[name] + 1 };
    this.emit("counts", { counts: this.counts });
  }

  // What is current.

  /** @returns {Turn | null} the current one, where something of it is awaited or heard */
  get #live() {
    const turn = this.#turns.get(this.currentRequestId);
    return turn && !isDone(turn) ? turn : null;
  }

  /** Return a chunk's turn, which is current then; null: it is not to be shown. @param {string} requestId */
  #current(requestId) {
    const turn = this.#turns.of(requestId);
    if (turn.cut || turn.closed) {
      this.#count(turn.closed ? "stale" : "dropped");
      return null;
    }
    this.#takeOver(turn);
    if (turn.agent === null) this.#turns.wait(turn);
    return turn;
  }

  /** @param {Turn} turn */
  #takeOver({ requestId }) {
    if (this.currentRequestId !== requestId) this.#leave("USER_NEW_INPUT");
    this.currentRequestId = requestId;
  }

  /** @param {string} reason */
  #leave(reason) {
    if (this.#live) this.#quietly(this.#cut(this.#live, reason));
  }

  /** Silence a request here, and have the server stop it. @param {Turn} turn @param {string} reason */
  #cut(turn, reason) {
    return this.#client.interrupt(turn.requestId, { reason, playedMs: this.#silence(turn, reason) });
  }

  /**
   * Silence a request here, where that has not been done.
   *
   * @param {Turn} turn @param {string} reason
   * @returns {number | undefined} how much of its speech was heard; undefined: the server knows better
   */
  #silence(turn, reason) {
    const { requestId, agent, person } = turn;
    const playedMs = turn.plays ? this.#player?.playedMs(requestId) : undefined;
    if (turn.cut) return playedMs;
    turn.cut = true;
    if (playedMs !== undefined && agent) this.#turns.change(agent, { spokenChars: turn.caption.at(playedMs) });
    const broken = (/** @type {unknown} */ cause) =>
      this.emit("error", { error: new VoxintError("audio_failed", "the player could not be silenced", { cause }) });
    if (turn.plays) this.#player?.discard(requestId).catch(broken);
    if (this.#pausedFor === requestId) this.#unpause(); // nothing is left of it; the next one is not to wait
    this.#turns.change(agent ?? person, { status: "interrupted", reason });
    if (this.currentRequestId === requestId) this.currentRequestId = null;
    this.#count("interruptions");
    return playedMs;
  }

  /** @param {Promise<unknown>} promise whose errors nobody awaits */
  #quietly(promise) {
    promise.catch((error) => {
      // Lost: it is asked again when the session goes on. Closed: the page has closed it.
      if (error.code !== "lost" && error.code !== "closed") this.emit("error", { error });
    });
  }

  // What comes of an answer.

  /** @param {ClientEvents["text"]} told */
  #text({ requestId, text }) {
    if (text === "" && this.#turns.get(requestId) === null) return; // another device has changed the session
    const turn = this.#current(requestId);
    if (!turn?.agent || turn.agent.text.length + text.length > MOST_CHARS) return;
    const { agent } = turn;
    turn.caption.add(text);
    const whole = agent.text + text;
    const status = agent.status === "waiting" && text !== "" ? "writing" : agent.status;
    const speaks = turn.audioMs > 0 || (this.#player !== null && this.#client.requireTts);
    this.#turns.change(agent, { text: whole, status, spokenChars: speaks ? agent.spokenChars : whole.length });
  }

  /** @param {ClientEvents["audio"]} told */
  #audio({ requestId, pcm }) {
    const turn = this.#current(requestId);
    if (turn === null) return;
    turn.audioMs += (1000 * pcm.length) / this.#client.audio.outputRate;
    if (this.#player === null) return;
    if (!turn.plays) this.#player.begin(requestId);
    turn.plays = true;
    this.#player.put(requestId, pcm);
  }

  /** @param {ClientEvents["end"]} told */
  #end({ requestId, interrupted, reason }) {
    const turn = this.#turns.get(requestId);
    if (turn === null) return;
    turn.closed = true;
    if (interrupted) return this.#interrupted(turn, reason ?? "USER_STOP");
    if (turn.cut) return;
    turn.caption.ended(turn.audioMs);
    if (turn.plays) this.#player?.end(requestId);
    else this.#turns.complete(turn);
  }

  /** It was interrupted, by somebody. @param {Turn} turn @param {string} reason */
  #interrupted(turn, reason) {
    const known = turn.cut || this.#client.isInterrupting(turn.requestId);
    const playedMs = this.#silence(turn, reason);
    if (turn.agent === null || known) return;
    this.#quietly(this.#client.interrupt(turn.requestId, { reason, playedMs })); // for the receipt: it is idempotent
  }

  /** @param {ClientEvents["failed"]} told */
  #failed({ requestId, error }) {
    const turn = this.#turns.get(requestId);
    if (turn === null || (turn.closed && turn.cut)) return;
    turn.closed = true;
    if (turn.cut) return;
    if (turn.plays) this.#player?.end(requestId); // what is there is played out
    if (this.#pausedFor === requestId) this.#unpause();
    this.#turns.fail(turn, error);
  }

  /** @param {Ack} ack */
  #acknowledged({ mode, outcomes, receipts, reason }) {
    if (mode !== "commit") return;
    for (const [requestId, outcome] of Object.entries(outcomes)) {
      const turn = this.#turns.get(requestId);
      if (turn === null || !FINAL.has(outcome)) continue;
      turn.closed = true;
      if (!isDone(turn)) this.#silence(turn, reason);
      const receipt = receipts[requestId];
      if (receipt && turn.agent?.status === "interrupted") this.#receipt(turn, receipt);
    }
  }

  /** @param {Turn} turn @param {Receipt} receipt */
  #receipt({ agent, caption }, { text: { heard }, audio: { heard_ms, source }, reason }) {
    if (agent === null) return;
    const spokenChars = heardLength(agent.text, heard) ?? caption.at(heard_ms);
    this.#turns.change(agent, { heard, spokenChars, reason });
    if (source === "client") this.#rate.learn(heard, heard_ms);
  }

  // What is said, and held.

  /** @param {ClientEvents["transcript"]} told */
  #transcript({ requestId, text, isFinal }) {
    const turn = this.#turns.of(requestId);
    if (turn.cut || turn.closed) return; // the last one of all may come again
    if (turn.person === null) this.#turns.add(turn, "person", { text, status: "writing" });
    else this.#turns.change(turn.person, { text });
    if (isFinal && !turn.byEars) this.#turns.wait(turn);
  }

  /** @param {Speech} told */
  #speech({ state, requestId, text, outcome, interrupted = [] }) {
    if (state === "committed") {
      const met = interrupted.map((id) => this.#turns.get(id));
      for (const turn of met) if (turn && !isDone(turn)) this.#quietly(this.#cut(turn, "USER_VOICE_INPUT"));
      return;
    }
    const turn = this.#turns.of(requestId);
    if (turn.cut || turn.closed) return;
    turn.byEars = true;
    if (turn.person === null) this.#turns.add(turn, "person", { text: "", status: "writing" });
    if (state === "started") return;
    this.#turns.change(turn.person, { text: text ?? turn.person?.text ?? "" });
    if (outcome === "request") {
      this.#takeOver(turn);
      this.#turns.wait(turn);
    } else if (outcome === "protected") {
      this.#turns.change(turn.person, { status: "complete" }); // it is asked later, under this id or a later one's
    } else {
      this.#turns.change(turn.person, { status: "dismissed", outcome: outcome ?? "noise" });
    }
  }

  /** @param {Pick<ClientEvents["hold"], "requestId" | "state">} told */
  #hold({ requestId, state }) {
    const turn = this.#turns.get(requestId);
    if (turn === null || turn.cut || isDone(turn)) return;
    if (state === "held") {
      if (turn.plays) this.#player?.pause();
      this.#pausedFor = requestId;
      this.#turns.change(turn.agent, { status: "held" });
    } else if (this.#pausedFor === requestId) {
      this.#unpause();
      const status = turn.plays ? "speaking" : turn.agent?.text ? "writing" : "waiting";
      this.#turns.change(turn.agent, { status });
    }
  }

  #unpause() {
    this.#pausedFor = null;
    this.#player?.resume();
  }

  // What the player tells.

  /** @param {{requestId: string, playedMs: number}} told */
  #played({ requestId, playedMs }) {
    const turn = this.#turns.get(requestId);
    if (!turn?.agent || turn.cut) return;
    this.#client.played(requestId, playedMs);
    const { agent } = turn;
    if (agent.status === "complete") return;
    const begins = playedMs > 0 && (agent.status === "waiting" || agent.status === "writing");
    this.#turns.change(agent, { spokenChars: turn.caption.at(playedMs), status: begins ? "speaking" : agent.status });
  }

  /** @param {string} requestId */
  #drained(requestId) {
    const turn = this.#turns.get(requestId);
    if (!turn?.agent || !turn.closed || isDone(turn)) return;
    this.#turns.complete(turn);
    this.#rate.learn(turn.agent.text, turn.audioMs);
  }

  /**
   * There is another connection: what could not be told by the old one is told again, and what that one was in the
   * middle of is over.
   *
   * @param {boolean} resumed whether the session goes on
   */
  #anew(resumed) {
    if (this.#pausedFor !== null) this.#hold({ requestId: this.#pausedFor, state: "released" });
    for (const turn of this.#turns.all) {
      const { requestId, person, cut, closed, byEars } = turn;
      if (cut && !closed && resumed) this.#quietly(this.#client.interrupt(requestId, { reason: "CLIENT_ERROR" }));
      if (byEars && !closed && person?.status === "writing") {
        // Its sound has ended with the old connection.
        this.#turns.change(person, { status: person.text === "" ? "dismissed" : "complete" });
      }
    }
  }
}
