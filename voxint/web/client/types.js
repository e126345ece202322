/**
 * What the parts of the client tell each other. Times are milliseconds of the client's clock (`performance.now()`),
 * unless a line says otherwise.
 *
 * @import { Detector } from "./detector.js"
 * @import { Emitter } from "./emitter.js"
 * @import { VoxintError } from "./errors.js"
 * @import { Interrupter } from "./interrupter.js"
 * @import { Listening } from "./listening.js"
 * @import { MessageService } from "./message-service.js"
 * @import { Sound } from "./sound.js"
 * @import { WebSocketClient } from "./websocket-client.js"
 *
 * @typedef {{type: "API_KEY", api_key: string} | {type: "ACCOUNT", account: string, password: string}} Auth
 *   `api_key` may be a token of /v1/tokens
 *
 * @typedef {object} Clock the time and its timers; tests bring their own
 * @property {() => number} now milliseconds, from anywhere on
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: unknown) => void} clearTimeout
 *
 * @typedef {object} Settings what can be changed of a session, in any request
 * @property {boolean} [requireTts] whether answers are spoken
 * @property {boolean} [enableSrs]
 * @property {string} [systemPrompt] behind the operator's own
 * @property {string} [sceneContext]
 * @property {string} [voice] a name of /v1/agent; "" is the agent's own
 * @property {string} [language] a BCP 47 primary tag; "" is automatic
 * @property {object[]} [functions] that the model may call
 * @property {"REPLACE" | "ADD" | "UPDATE" | "DELETE"} [functionsOp] what `functions` does to those of the session
 *
 * @typedef {object} OwnOptions
 * @property {string | URL} url ws:// or wss://
 * @property {Auth | (() => Auth | Promise<Auth>)} [auth] a function is asked before each REGISTER, so that it can fetch
 *   a new token. Without: any key will do where the server asks for none
 * @property {"WEB" | "APP" | "MINI_PROGRAM" | "TV"} [platform] default "WEB"
 * @property {string[]} [features] default binary_audio, transcripts, hold and marks
 * @property {{inputRate?: number, outputRate?: number}} [audio] in Hz, 8,000 to 48,000; the server's default is 16,000
 * @property {"interrupt" | "keep"} [onDisconnect] what becomes of a live answer where the last connection is lost;
 *   default "interrupt"
 * @property {{sessionId: string, token: string}} [join] another device's session, by its join token
 * @property {boolean} [reconnect] default true
 * @property {typeof WebSocket} [WebSocket] default the platform's
 * @property {Clock} [clock] default the platform's
 * @property {() => number} [random] default Math.random; for the jitter between two tries
 *
 * @typedef {OwnOptions & Omit<Settings, "enableSrs" | "sceneContext" | "functionsOp">} ClientOptions
 *   `requireTts` is true by default
 *
 * @typedef {"closed" | "connecting" | "open" | "waiting"} ConnectionState waiting: for the next try
 *
 * @typedef {object} Opened
 * @property {string} sessionId
 * @property {Set<string>} features those that the server granted
 * @property {{inputRate: number, outputRate: number}} audio in Hz
 *
 * @typedef {object} Answer
 * @property {string} requestId
 * @property {string} text all of it that came; its speech is not kept
 * @property {boolean} interrupted
 * @property {string} [reason] of the interruption
 *
 * @typedef {{requestId: string, promise: Promise<Answer>}} Request the promise rejects with a VoxintError
 *
 * @typedef {object} VoiceRequest
 * @property {string} requestId
 * @property {Promise<Answer>} promise
 * @property {(pcm: Int16Array | ArrayBuffer) => void} write audio at the session's input rate, in pieces of any size
 * @property {() => void} end the voice is complete
 * @property {() => Promise<Ack>} cancel throw it away: interrupts the request
 *
 * @typedef {"commit" | "hold" | "release"} InterruptMode
 * @typedef {"stopped" | "overrun" | "already_finished" | "not_found" | "held" | "released"} Outcome
 * @typedef {"closed" | "finished" | "idle" | "overrun"} StageEnd
 * @typedef {"stt" | "llm" | "tts" | "tools"} StageName
 *
 * @typedef {object} Receipt what an interruption stopped, as it is on the wire
 * @property {string} request_id
 * @property {string} reason
 * @property {number} stop_ms
 * @property {number} [read_late_ms]
 * @property {Record<StageName, StageEnd>} stages
 * @property {Partial<Record<StageName, number>>} [closed_ms] from the stop to when the stage's stream was let go
 * @property {{llm_tokens: number | null, tts_characters: number, source: "provider" | "estimated" | "unknown"}} usage
 * @property {{generated_ms: number, sent_ms: number, heard_ms: number, source: "client" | "estimated"}} audio
 * @property {{generated_chars: number, heard: string}} text
 * @property {{text_stream_seq: number | null, voice_stream_seq: number | null}} last
 * @property {boolean} [speculative]
 *
 * @typedef {object} Ack
 * @property {string | null} interruptRequestId what was asked; null: every live one
 * @property {string[]} interruptedRequestIds
 * @property {"SUCCESS" | "PARTIAL" | "FAILED"} status
 * @property {Record<string, Outcome>} outcomes
 * @property {Record<string, Receipt>} receipts
 * @property {InterruptMode} mode
 * @property {string} reason why it was asked
 * @property {number} sentAt when INTERRUPT was handed to the socket
 * @property {number} ackAt when the acknowledgement came
 *
 * @typedef {[atMs: number, chars: number]} Mark from `atMs` of the answer's sound on, the voice has reached so many
 *   Unicode code points of its text
 *
 * @typedef {object} Speech what the server hears in the open microphone; all but the first three by the state
 * @property {"started" | "committed" | "stopped"} state
 * @property {string} requestId the utterance's
 * @property {number} atMs of the microphone's sound
 * @property {string} [text]
 * @property {"request" | "protected" | "backchannel" | "echo" | "noise"} [outcome]
 * @property {string[]} [interrupted] the answers that it interrupts
 * @property {number} [decidedMs]
 * @property {string} [recovered]
 * @property {Receipt[]} [speculative]
 *
 * @typedef {object} Call a function that the client is to call
 * @property {string} requestId
 * @property {string} name
 * @property {Record<string, unknown>} parameters
 * @property {string} callId
 *
 * @typedef {object} ClientEvents
 * @property {{state: ConnectionState, attempt?: number, inMs?: number}} state `inMs`: until the next try
 * @property {{sessionId: string, resumed: boolean, lost: string[], fresh: boolean}} open `lost`: requests that never
 *   came to the server, or of which something is missing. `fresh`: the old session was gone, and this is a new one
 * @property {{requestId: string, text: string, seq: number}} text
 * @property {{requestId: string, pcm: Int16Array, seq: number}} audio at the session's output rate
 * @property {Call} call
 * @property {{requestId: string, interrupted: boolean, reason: string | null}} end
 * @property {{requestId: string, error: VoxintError}} failed
 * @property {{requestId: string, text: string, isFinal: boolean}} transcript
 * @property {Speech} speech
 * @property {{requestId: string, state: "held" | "released", seq: number | null, reason: string | null}} hold
 * @property {{requestId: string, marks: Mark[]}} marks
 * @property {Ack} ack
 * @property {{error: VoxintError}} error of no request
 * @property {{remainingSeconds: number}} warn the session is about to end
 * @property {{ms: number}} rtt the least of the last few
 * @property {{droppedMs: number}} late sound of the open microphone was dropped, as the network is behind; all in all
 *
 * @typedef {"waiting" | "writing" | "speaking" | "held" | "complete" | "interrupted" | "failed" | "dismissed"
 *   } MessageStatus of an agent's: nothing has come yet; it comes; it is heard; it is held; it ended. Of a person's:
 *   "writing" while it is spoken, then "complete"; "dismissed": it was no request (`outcome` says what it was)
 *
 * @typedef {object} Message a bubble
 * @property {string} messageId "msg_…": of the user interface alone, never on the wire
 * @property {string} requestId "req_…", or as the server made it
 * @property {"person" | "agent"} role
 * @property {string} text
 * @property {MessageStatus} status
 * @property {number} spokenChars of an agent's `text`, in UTF-16 units: `text.slice(0, spokenChars)` has been heard
 * @property {string | null} heard of an interrupted one: the words that were heard, from the receipt
 * @property {VoxintError} [error]
 * @property {string} [outcome] of a dismissed one: backchannel, echo or noise
 * @property {string} [reason] of an interrupted one
 * @property {number} at milliseconds since the epoch
 *
 * @typedef {{dropped: number, stale: number, interruptions: number}} Counts chunks dropped in silence before their
 *   acknowledgement, chunks that came after it (0 unless the server breaks its promise), and interruptions
 *
 * @typedef {object} MessageEvents
 * @property {{message: Message}} message added or changed; a copy
 * @property {{counts: Counts}} counts
 * @property {{error: VoxintError}} error
 *
 * @typedef {object} PlayerLike what a MessageService needs of a player
 * @property {(requestId: string) => void} begin
 * @property {(requestId: string, pcm: Int16Array) => void} put
 * @property {(requestId: string) => void} end
 * @property {() => void} pause
 * @property {() => void} resume
 * @property {(requestId?: string) => Promise<unknown>} discard
 * @property {(requestId: string) => number} playedMs
 * @property {Emitter<{played: {requestId: string, playedMs: number}, drained: {requestId: string}}>["on"]} on
 *
 * @typedef {object} Host what the parts of an agent have of each other
 * @property {Clock} clock
 * @property {WebSocketClient} client
 * @property {Sound} sound
 * @property {MessageService} service
 * @property {Interrupter} interrupter
 * @property {Listening} listening
 * @property {() => Promise<Detector>} loadDetector
 * @property {(requestId: string, atMs: number | null) => void} asked by a voice that ended then; null: now
 * @property {() => void} changed whether a person is heard, or listened to
 * @property {(error: unknown) => void} failed
 */

export {};
