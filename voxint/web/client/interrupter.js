/** @import { Host, Speech } from "./types.js" */
/** @import { By, InterruptionRecord } from "./interruption.js" */

import { InterruptionLog } from "./interruption-log.js";

/** Interrupts the answer, and brings together what the client, the messages and the devices tell of an interruption. */
export class Interrupter {
  #host;

  /**
   * Listens to the client; before the messages do, so that what was heard is noted before it is thrown away.
   *
   * @param {Host} host
   * @param {(record: InterruptionRecord) => void} tell
   */
  constructor(host, tell) {
    this.#host = host;
    const { client, clock, sound } = host;
    const timeOf = (/** @type {Speech} */ speech) => host.listening.timeOf(speech);
    const now = () => ({ rttMs: client.rttMs ?? 0, counts: host.service.counts });
    const log = (this.log = new InterruptionLog({ clock, now, tell }));
    sound.on("onset", ({ ms }) => log.heard(ms));
    sound.on("silent", ({ ms, why, already }) => log.silent(ms, why, already));
    sound.on("unducked", ({ why }) => why !== "held" && log.unducked());
    client.on("speech", (speech) => {
      if (speech.state === "started") log.began(timeOf(speech));
      if (speech.state !== "committed") return;
      for (const id of speech.interrupted ?? []) this.#note(id, "voice", "USER_VOICE_INPUT", timeOf(speech));
    });
    client.on("hold", ({ state }) => {
      if (state === "held") log.held(clock.now());
      else log.released();
      sound.confirm(state === "held");
    });
    client.on("end", ({ requestId, interrupted, reason }) => {
      if (!interrupted) return;
      this.#note(requestId, reason === "USER_VOICE_INPUT" ? "voice" : "elsewhere", reason ?? "");
      log.stopped(requestId, clock.now());
    });
    client.on("ack", (ack) => {
      // One that was sent to its end, and still played, has no other word.
      for (const [id, { reason }] of Object.entries(ack.receipts)) this.#note(id, "elsewhere", reason);
      log.acknowledged(ack);
    });
    client.on("open", () => log.released());
  }

  /**
   * Note that what is answered is interrupted now, by what the messages do next.
   *
   * @param {By} by
   * @param {string} reason
   */
  note(by, reason) {
    const message = this.#host.service.answering;
    if (message) this.#note(message.requestId, by, reason);
  }

  /**
   * Interrupt what is answered: silent here first. Does nothing where nothing is.
   *
   * @param {By} by
   * @param {string} reason
   */
  async cut(by, reason) {
    this.note(by, reason);
    await this.#host.service.interruptCurrentRequest(reason).catch(this.#host.failed);
  }

  /**
   * @param {string} requestId
   * @param {By} by
   * @param {string} reason
   * @param {number | null} [recognised]
   */
  #note(requestId, by, reason, recognised) {
    if (this.log.knows(requestId)) return;
    const message = this.#host.service.answerOf(requestId);
    if (!message) return; // an utterance, which has no answer
    const { player } = this.#host.sound;
    const playing = player && (message.status === "speaking" || message.status === "held");
    const local = { spokenChars: message.spokenChars, playedMs: player?.playedMs(requestId) ?? 0 };
    this.log.interrupted(requestId, { by, reason, recognised, playing, local });
  }
}
