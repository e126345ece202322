/** @import { Clock } from "./types.js" */
/** @import { ErrorCode } from "./errors.js" */
/** @import { PlayerEvents } from "./player.js" */
/** @import { Captured, RecorderEvents } from "./recorder.js" */

import { within } from "./clock.js";
import { Emitter } from "./emitter.js";
import { VoxintError } from "./errors.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { SampleClock } from "./sample-clock.js";

/**
 * @typedef {"off" | "asking" | "on" | "muted" | "denied" | "missing" | "busy" | "insecure"} MicrophoneState
 *
 * @typedef {object} SoundEvents
 * @property {{microphone: MicrophoneState}} microphone
 * @property {Captured} audio
 * @property {RecorderEvents["level"]} level
 * @property {{ms: number}} onset the local hint of a voice, on the clock
 * @property {{ms: number, why: PlayerEvents["silent"]["why"], already: boolean}} silent the first silent sample, on
 *   the clock; `already`: it was before the loudspeaker was told
 * @property {PlayerEvents["unducked"]} unducked
 * @property {PlayerEvents["played"]} played
 * @property {{player: Player | null}} player there is another one, or none any more
 * @property {{error: VoxintError}} error
 */

/** Ours: how long a context may take to run; one that a click has opened runs within 50 ms, others never do. */
const RUNNING_MS = 1000;

/** @type {Partial<Record<ErrorCode, MicrophoneState>>} */
const REFUSED = {
  microphone_denied: "denied", microphone_missing: "missing", microphone_busy: "busy", insecure_origin: "insecure",
};

/**
 * The devices of a conversation: one AudioContext, and on it a loudspeaker and a microphone.
 *
 * @extends {Emitter<SoundEvents>}
 */
export class Sound extends Emitter {
  /** @type {MicrophoneState} */
  microphone = "off";
  /** @type {Player | null} */
  player = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {SampleClock | null} */
  #samples = null;
  /** @type {Promise<void> | null} of a player, under way */
  #opening = null;
  /** @type {Recorder | null} */
  #recorder = null;
  /** How often the microphone was asked for, or closed: what an older one still brings is nobody's. */
  #asks = 0;
  /** Whether the microphone is wanted: one that was lost is opened again when there is another. */
  #wanted = false;
  #muted = false;
  #inputRate = 16000;
  #outputRate = 24000;
  /** Ends what is listened to of the page. */
  #page = new AbortController();

  /**
   * @param {object} options
   * @param {Clock} options.clock
   * @param {typeof globalThis.AudioContext} [options.AudioContext] default the browser's
   * @param {MediaTrackConstraints} [options.constraints]
   * @param {{Player: Pick<typeof Player, "open">, Recorder: Pick<typeof Recorder, "open">}} [options.parts] default
   *   those of this client
   */
  constructor({ clock, AudioContext = globalThis.AudioContext, constraints, parts = { Player, Recorder } }) {
    super();
    this.clock = clock;
    this.AudioContext = AudioContext;
    this.constraints = constraints;
    this.parts = parts;
  }

  /**
   * Say how the session's sound is coded. A device at another rate is opened anew.
   *
   * @param {{inputRate: number, outputRate: number}} rates in Hz
   */
  async setRates({ inputRate, outputRate }) {
    const [heard, played] = [inputRate !== this.#inputRate, outputRate !== this.#outputRate];
    this.#inputRate = inputRate;
    this.#outputRate = outputRate;
    if (played && this.player) await this.#openPlayer(/** @type {AudioContext} */ (this.#context));
    else if (heard && this.#recorder) await this.openMicrophone();
  }

  /**
   * Open the loudspeaker. Outside of a click most browsers refuse it: then it may be tried again in one.
   *
   * @throws {VoxintError} audio_blocked, audio_failed
   */
  async openPlayer() {
    const context = (this.#context ??= this.#newContext());
    await this.#run(context);
    if (context !== this.#context || this.player) return; // closed meanwhile, or opened
    await (this.#opening ?? this.#openPlayer(context));
  }

  #newContext() {
    if (!this.AudioContext) throw new VoxintError("audio_failed", "this browser has no AudioContext");
    const context = new this.AudioContext({ latencyHint: "interactive" });
    this.#samples = new SampleClock(context.sampleRate);
    this.#page = new AbortController();
    const { signal } = this.#page;
    const again = () => void this.#recover();
    context.addEventListener("statechange", () => void this.#changed(context), { signal });
    globalThis.document?.addEventListener("visibilitychange", again, { signal });
    globalThis.navigator?.mediaDevices?.addEventListener("devicechange", again, { signal });
    return context;
  }

  /** @param {AudioContext} context */
  async #run(context) {
    if (context.state === "running") return;
    const blocked = () =>
      new VoxintError("audio_blocked", "the browser plays sound only after a click: call openAudio() in one", {
        detail: context.state, retryable: true,
      });
    await within(context.resume(), RUNNING_MS, blocked, this.clock);
    if (/** @type {string} */ (context.state) !== "running" && context === this.#context) throw blocked();
  }

  /** @param {AudioContext} context */
  async #openPlayer(context) {
    const opening = this.parts.Player.open(context, { rate: this.#outputRate }).then((player) => {
      if (opening !== this.#opening) return player.close(); // it was closed meanwhile, or another rate is wanted
      this.player?.close();
      this.player = player;
      player.on("silent", ({ frame, atFrame, why }) =>
        this.emit("silent", { ms: this.msOf(frame), why, already: frame < atFrame }));
      player.on("unducked", (detail) => this.emit("unducked", detail));
      player.on("played", (detail) => this.emit("played", detail));
      player.on("error", (detail) => this.emit("error", detail));
      this.emit("player", { player });
    }).finally(() => {
      if (opening === this.#opening) this.#opening = null;
    });
    this.#opening = opening;
    await opening;
    if (this.#recorder) await this.openMicrophone(); // its hints go to the new player
  }

  /**
   * Open the microphone, and keep it open over lost devices until `closeMicrophone`. A person is asked first, for as
   * long as they like: that alone has no bound.
   *
   * @throws {VoxintError} microphone_denied, microphone_missing, microphone_busy, insecure_origin, audio_failed
   */
  async openMicrophone() {
    const ask = (this.#asks += 1);
    this.#wanted = true;
    this.#drop();
    this.#become("asking");
    try {
      await this.openPlayer();
      if (ask !== this.#asks) return;
      const recorder = await this.parts.Recorder.open(/** @type {AudioContext} */ (this.#context), {
        rate: this.#inputRate, constraints: this.constraints, hintPort: this.player?.hintPort,
      });
      if (ask === this.#asks) this.#take(recorder);
      else recorder.close();
    } catch (error) {
      const known = asError(error, "audio_failed", "the microphone can't be opened");
      if (ask === this.#asks) {
        this.#wanted = false;
        this.#become(REFUSED[known.code] ?? "off");
      }
      throw known;
    }
  }

  /** @param {Recorder} recorder */
  #take(recorder) {
    this.#recorder = recorder;
    recorder.on("audio", (captured) => {
      this.#readClocks();
      this.emit("audio", captured);
    });
    recorder.on("level", (detail) => this.emit("level", detail));
    recorder.on("onset", ({ frame }) => this.emit("onset", { ms: this.msOf(frame) }));
    recorder.on("error", (detail) => this.emit("error", detail));
    recorder.on("ended", () => void this.#lost(recorder));
    recorder.muted = this.#muted;
    this.#become(this.#muted ? "muted" : "on");
  }

  /** @param {Recorder} recorder whose device went away, or whose permission did */
  async #lost(recorder) {
    if (recorder !== this.#recorder) return;
    this.#drop();
    await this.#again();
  }

  /** Try what the page can do by itself: another device, and a context that was only asleep. */
  async #recover() {
    if (this.#context && this.player && this.#context.state !== "running") await this.#changed(this.#context);
    if (this.#wanted && !this.#recorder && this.microphone !== "asking") await this.#again();
  }

  async #again() {
    try {
      await this.openMicrophone();
    } catch (cause) {
      const error = asError(cause, "audio_failed", "the microphone can't be opened again");
      this.#wanted = error.code !== "microphone_denied"; // that, nothing but the person can change
      this.emit("error", { error });
    }
  }

  /** @param {AudioContext} context that a system has stopped, or let run */
  async #changed(context) {
    this.#samples?.reset();
    if (!this.player || context.state === "running" || context.state === "closed") return;
    try {
      await this.#run(context);
    } catch (error) {
      this.emit("error", { error: asError(error, "audio_blocked", "the sound can't go on by itself") });
    }
  }

  /** Whether zeros go out in place of what the microphone hears. */
  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = muted;
    if (!this.#recorder) return;
    this.#recorder.muted = muted;
    this.#become(muted ? "muted" : "on");
  }

  /** Tell the recorder whether its last hint was one.  @param {boolean} was */
  confirm(was) {
    this.#recorder?.confirm(was);
  }

  closeMicrophone() {
    this.#asks += 1;
    this.#wanted = this.#muted = false;
    this.#drop();
    this.#become("off");
  }

  #drop() {
    this.#recorder?.close();
    this.#recorder = null;
  }

  /** @param {number} frame of the context @returns {number} its time on the clock */
  msOf(frame) {
    this.#readClocks();
    return this.#samples?.msOf(frame) ?? this.clock.now();
  }

  get contextRate() {
    return this.#samples?.rate ?? 48000;
  }

  #readClocks() {
    if (this.#context?.state === "running") this.#samples?.read(this.#context.currentTime, this.clock.now());
  }

  /** @param {MicrophoneState} microphone */
  #become(microphone) {
    if (microphone === this.microphone) return;
    this.microphone = microphone;
    this.emit("microphone", { microphone });
  }

  /** Give up both devices. It can be opened again. */
  async close() {
    this.#page.abort();
    this.closeMicrophone();
    if (this.player) {
      this.player.close();
      this.player = null;
      this.emit("player", { player: null });
    }
    const context = this.#context;
    this.#context = null;
    this.#opening = null;
    if (context && context.state !== "closed") await context.close();
  }
}

/**
 * Make any error one of the closed set.
 *
 * @param {unknown} error
 * @param {ErrorCode} code of what is none yet
 * @param {string} message likewise
 * @returns {VoxintError}
 */
export function asError(error, code, message) {
  if (error instanceof VoxintError) return error;
  return new VoxintError(code, `${message}: ${error instanceof Error ? error.message : error}`, { cause: error });
}
