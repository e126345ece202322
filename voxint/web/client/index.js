/** The browser client of voxint: what it exports. */

export { VoxintError } from "./errors.js";
export { MessageService } from "./message-service.js";
export { WebSocketClient } from "./websocket-client.js";
