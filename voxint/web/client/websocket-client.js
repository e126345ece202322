/** @import { Ack, ClientEvents, ClientOptions, ConnectionState, InterruptMode, Opened, Request, Settings, VoiceRequest } from "./types.js" */

import { Emitter } from "./emitter.js";

/** One session with a server, over as many connections as it takes. @extends {Emitter<ClientEvents>} */
export class WebSocketClient extends Emitter {
  /** @type {ConnectionState} */
  state = "closed";
  /** @type {string | null} */
  sessionId = null;
  /** @type {Set<string>} */
  features = new Set();
  /** @type {number | null} */
  rttMs = null;

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.options = options;
  }

  /** @returns {Promise<Opened>} */
  async connect() {
    throw new Error("not yet");
  }

  /**
   * @param {string} text
   * @param {{requestId?: string, updateSession?: Settings}} [options]
   * @returns {Request}
   */
  sendTextRequest(text, { requestId = "", updateSession } = {}) {
    throw new Error(`not yet ${text} ${requestId} ${updateSession}`);
  }

  /**
   * @param {{requestId?: string}} [options]
   * @returns {VoiceRequest}
   */
  sendVoiceRequestStream(options) {
    throw new Error(`not yet ${options}`);
  }

  /**
   * @param {Int16Array} pcm
   * @returns {Request}
   */
  sendVoiceRequest(pcm) {
    throw new Error(`not yet ${pcm}`);
  }

  /** @param {Int16Array} pcm */
  sendAudio(pcm) {
    throw new Error(`not yet ${pcm}`);
  }

  /**
   * @param {string | null} [requestId]
   * @param {{reason?: string, playedMs?: number, mode?: InterruptMode}} [options]
   * @returns {Promise<Ack>}
   */
  async interrupt(requestId, options) {
    throw new Error(`not yet ${requestId} ${options}`);
  }

  /**
   * @param {string} requestId
   * @param {number} playedMs
   */
  played(requestId, playedMs) {
    throw new Error(`not yet ${requestId} ${playedMs}`);
  }

  /**
   * @param {Settings} settings
   * @returns {Promise<void>}
   */
  async updateSession(settings) {
    throw new Error(`not yet ${settings}`);
  }

  /** @returns {Promise<string>} */
  async joinToken() {
    throw new Error("not yet");
  }

  /** @param {string} [reason] */
  async close(reason) {
    throw new Error(`not yet ${reason}`);
  }
}
