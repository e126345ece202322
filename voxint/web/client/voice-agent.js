/**
 * A conversation with an agent in a browser: connection, loudspeaker, microphone and messages, as one object.
 *
 * @typedef {import("./agent-state.js").AgentState} AgentState
 * @typedef {import("./interruption.js").By} By
 * @typedef {import("./interruption.js").InterruptionRecord} InterruptionRecord
 *
 * @typedef {"off" | "asking" | "on" | "muted" | "denied" | "missing" | "busy" | "insecure"} MicrophoneState
 *
 * @typedef {object} AgentOptions beside every one of `ClientOptions` (url, auth, voice, language, systemPrompt, ...)
 * @property {boolean} [handsFree] whether the server's ears are asked for (`server_vad`), where it has them; default
 *   true. False: the microphone is open while `beginTalk` holds it, or by the detector of this client
 * @property {typeof AudioContext} [AudioContext] default the browser's
 * @property {MediaTrackConstraints} [constraints] of the microphone; default: the browser cancels the echo
 *
 * @typedef {object} AgentEvents what each event's `detail` has
 * @property {{state: AgentState}} state
 * @property {{microphone: MicrophoneState}} microphone
 * @property {{message: object}} message added or changed
 * @property {{record: InterruptionRecord}} interruption
 * @property {{rms: number, peak: number}} level of the microphone, in dB of full scale
 * @property {{error: import("./errors.js").VoxintError}} error
 * @property {{rttMs: number | null, answerMs: number | null}} latency
 * @property {{dropped: number, stale: number, interruptions: number}} counts
 * @property {{sessionId: string, resumed: boolean, fresh: boolean, features: string[]}} session
 */

/** Speak with an agent, and interrupt it by voice, button, key or text. Each failure is an "error" event, too. */
export class VoiceAgent extends EventTarget {
  /** @param {AgentOptions & {url: string | URL}} options */
  constructor(options) {
    super();
    this.options = options;
  }
}
