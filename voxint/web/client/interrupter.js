/** @import { Clock, Message, Speech } from "./types.js" */
/** @import { By, InterruptionRecord } from "./interruption.js" */
/** @import { MessageService } from "./message-service.js" */
/** @import { Sound } from "./sound.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

import { InterruptionLog } from "./interruption-log.js";

/** Of a message: its answer is live or heard. */
const LIVE = ["waiting", "writing", "speaking", "held"];

/** Interrupts the answer, and brings together what the client, the messages and the devices tell of an interruption. */
export class Interrupter {
  /**
   * Listens to the client; before the messages do, so that what was heard is noted before it is thrown away.
   *
   * @param {object} parts
   * @param {WebSocketClient} parts.client
   * @param {() => MessageService} parts.service
   * @param {Sound} parts.sound
   * @param {Clock} parts.clock
   * @param {(speech: Speech) => number | null} parts.timeOf what the server heard, on the clock
   * @param {(record: InterruptionRecord) => void} parts.tell
   * @param {(error: unknown) => void} parts.failed
   */
  constructor({ client, service, sound, clock, timeOf, tell, failed }) {
    this.client = client;
    this.service = service;
    this.sound = sound;
    this.failed = failed;
    const now = () => ({ rttMs: client.rttMs ?? 0, counts: service().counts });
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

  /** @returns {Message | undefined} the answer that is live or heard */
  answering() {
    const { currentRequestId, messages } = this.service();
    return messages.findLast(
      ({ role, requestId, status }) => role === "agent" && requestId === currentRequestId && LIVE.includes(status),
    );
  }

  /**
   * Note that what is answered is interrupted now, by what the messages do next.
   *
   * @param {By} by
   * @param {string} reason
   */
  note(by, reason) {
    const message = this.answering();
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
    await this.service().interruptCurrentRequest(reason).catch(this.failed);
  }

  /**
   * @param {string} requestId
   * @param {By} by
   * @param {string} reason
   * @param {number | null} [recognised]
   */
  #note(requestId, by, reason, recognised) {
    if (this.log.knows(requestId)) return;
    const message = this.service().messages.findLast((each) => each.role === "agent" && each.requestId === requestId);
    if (!message) return; // an utterance, which has no answer
    const { player } = this.sound;
    const playing = player && (message.status === "speaking" || message.status === "held");
    const local = { spokenChars: message.spokenChars, playedMs: player?.playedMs(requestId) ?? 0 };
    this.log.interrupted(requestId, { by, reason, recognised, playing, local });
  }
}
