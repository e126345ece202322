/** @import { Ack, Answer, Counts, Message, MessageEvents, PlayerLike } from "./types.js" */
/** @import { WebSocketClient } from "./websocket-client.js" */

import { Emitter } from "./emitter.js";

/** The conversation as a page shows it. @extends {Emitter<MessageEvents>} */
export class MessageService extends Emitter {
  /** @type {string | null} */
  currentRequestId = null;
  /** @type {string | null} */
  currentMessageId = null;
  /** @type {Message[]} */
  messages = [];
  /** @type {Counts} */
  counts = { dropped: 0, stale: 0, interruptions: 0 };

  /**
   * @param {WebSocketClient} client
   * @param {{player?: PlayerLike | null}} [options]
   */
  constructor(client, { player = null } = {}) {
    super();
    this.client = client;
    /** @type {PlayerLike | null} the loudspeaker; may be set later */
    this.player = player;
  }

  /**
   * @param {string} text
   * @returns {{requestId: string, messageId: string, promise: Promise<Answer>}}
   */
  ask(text) {
    throw new Error(`not yet ${text}`);
  }

  /**
   * @param {string} [reason]
   * @returns {Promise<Ack | null>}
   */
  async interruptCurrentRequest(reason = "USER_STOP") {
    throw new Error(`not yet ${reason}`);
  }
}
