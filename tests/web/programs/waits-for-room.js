/** A server with one place: the second reads that it is busy, tries again, and has it when the first leaves. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

const url = /** @type {string} */ (process.argv[2]);
const [first, second] = [new WebSocketClient({ url }), new WebSocketClient({ url })];
await first.connect();
const { promise } = second.sendTextRequest("Who lived here?");
console.log(await second.connect().catch((error) => `${error.code} ${error.retryable}`), second.state);
await first.close();
console.log((await promise).text);
await second.close();
