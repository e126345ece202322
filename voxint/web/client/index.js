/** The browser client of voxint: what it exports. */

export { Caption, heardLength, SpeakingRate } from "./captions.js";
export { Emitter } from "./emitter.js";
export { VoxintError } from "./errors.js";
export { MessageService } from "./message-service.js";
export { WebSocketClient } from "./websocket-client.js";
