/** The browser client of voxint: what it exports. */

export { Caption, heardLength, SpeakingRate } from "./captions.js";
export { Emitter } from "./emitter.js";
export { VoxintError } from "./errors.js";
export { bars, medianStopMs, saved } from "./interruption.js";
export { joinFrom, joinUrl } from "./join.js";
export { MessageService } from "./message-service.js";
export { Player } from "./player.js";
export { Recorder } from "./recorder.js";
export { VoiceAgent } from "./voice-agent.js";
export { WebSocketClient } from "./websocket-client.js";
