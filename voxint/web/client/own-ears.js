/** @import { Host, VoiceRequest } from "./types.js" */
/** @import { Detector } from "./detector.js" */
/** @import { Captured } from "./recorder.js" */
/** @import { Utterance } from "./utterances.js" */

import { WINDOW } from "./detector.js";
import { MicrophoneClock } from "./sample-clock.js";
import { BEFORE_MS, RecentAudio, UtteranceCutter } from "./utterances.js";

/** Speech over an answer that interrupts it, as in the server (`min_speech_ms`); a cough or "mm-hm" is shorter. */
const OVER_MS = 600;
/** Ours: where nothing plays, speech that is no noise. */
const ALONE_MS = 250;
/** Ours: sound that is kept for the beginning of an upload: 3 s, so that speech with pauses becomes certain in it. */
const KEPT = 3 * 16000;
/** The longest utterance, in samples: 60 s, as in the server (`utterance_s`). */
const LONGEST = 60 * 16000;

/**
 * This device hears, for a server without `server_vad`: a detector holds the answer at an onset, and releases it where
 * the sound was short, or uploads what is said from its first sample on, which interrupts.
 */
export class OwnEars {
  #host;
  #detector;
  #clock;
  #recent = new RecentAudio(KEPT);
  #speechMs = ALONE_MS;
  #cutter = new UtteranceCutter(ALONE_MS);
  /** Samples that the detector has judged, and how many of them before this cutter's first. */
  #judged = 0;
  #before = 0;
  /** Where the utterance begins, in samples. */
  #begin = 0;
  /** @type {string | null} the answer that is held */
  #held = null;
  /** @type {VoiceRequest | null} */
  #upload = null;
  #end = new AbortController();

  /** @param {Host} host @param {Detector} detector */
  constructor(host, detector) {
    this.#host = host;
    this.#detector = detector;
    this.#clock = new MicrophoneClock(16000, host.sound.contextRate);
    host.client.on("state", ({ state }) => state !== "open" && this.#drop(), { signal: this.#end.signal });
  }

  /** Whether somebody speaks, or coughs. */
  get hearing() {
    return this.#cutter.speaking;
  }

  /** @param {Captured} captured */
  audio({ pcm, frame }) {
    this.#clock.sent(pcm.length, frame);
    this.#recent.put(pcm);
    this.#upload?.write(pcm);
    for (const probability of this.#detector.feed(pcm)) {
      this.#choose();
      this.#judged += WINDOW;
      this.#cutter.heard(probability).forEach((happened) => this.#on(happened));
    }
    if (this.#upload && this.#judged - this.#begin > LONGEST)
      this.#cutter.ended().forEach((happened) => this.#on(happened));
  }

  /** Between two utterances: over an answer more speech is asked for than alone. */
  #choose() {
    const speechMs = this.#answering() === null ? ALONE_MS : OVER_MS;
    if (speechMs === this.#speechMs || this.#cutter.speaking) return;
    this.#speechMs = speechMs;
    this.#cutter = new UtteranceCutter(speechMs);
    this.#before = this.#judged;
  }

  /** @returns {string | null} */
  #answering() {
    return this.#host.service.answering?.requestId ?? null;
  }

  /** @param {Utterance} happened */
  #on({ type, frame }) {
    const sample = this.#before + frame;
    if (type === "onset") this.#onset(sample);
    else if (type === "speech") this.#speech();
    else if (type === "noise") this.#release();
    else this.#over(sample);
    this.#host.changed();
  }

  /** @param {number} sample */
  #onset(sample) {
    this.#begin = sample;
    this.#host.interrupter.log.began(this.#msOf(sample + BEFORE_MS * 16));
    this.#held = this.#answering();
    if (this.#held === null) return;
    this.#host.sound.player?.pause();
    this.#ask(this.#held, "hold");
  }

  /** It is meant: what is answered ends, and this is asked, while it is still being said. */
  #speech() {
    this.#host.interrupter.note("voice", "USER_NEW_INPUT");
    this.#held = null;
    const upload = this.#host.service.talk(); // which interrupts
    this.#host.sound.player?.resume(); // for the next answer: nothing of this one is left
    this.#upload = upload;
    upload.write(this.#recent.since(this.#begin));
  }

  #release() {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    this.#host.interrupter.log.released();
    this.#host.sound.player?.resume();
    this.#ask(held, "release");
  }

  /** @param {number} sample behind its last */
  #over(sample) {
    const upload = this.#upload;
    this.#upload = null;
    if (!upload) return;
    upload.end();
    this.#host.asked(upload.requestId, this.#msOf(sample));
  }

  /** @param {string} requestId @param {"hold" | "release"} mode */
  #ask(requestId, mode) {
    const { client, sound } = this.#host;
    if (!client.features.has("hold")) return; // it goes on there, and waits here
    const playedMs = sound.player?.playedMs(requestId);
    client.interrupt(requestId, { mode, reason: "USER_VOICE_INPUT", playedMs }).catch(this.#host.failed);
  }

  /** @param {number} sample @returns {number | null} on the clock */
  #msOf(sample) {
    const frame = this.#clock.frameOf(sample / 16);
    return frame === null ? null : this.#host.sound.msOf(frame);
  }

  /** The connection is gone, and with it an upload that was under way; one that still waits is asked as it is. */
  #drop() {
    this.#cutter.ended();
    this.#upload?.end();
    this.#upload = null;
    if (this.#held !== null) this.#host.sound.player?.resume();
    this.#held = null;
    this.#host.changed();
  }

  close() {
    this.#end.abort();
    this.#cutter.ended().forEach((happened) => this.#on(happened));
    this.#drop();
  }
}
