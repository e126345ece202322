/** Outlives its server: says each state, and asks once more where the session is a new one. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

const client = new WebSocketClient({ url: /** @type {string} */ (process.argv[2]) });
client.on("state", ({ state, attempt }) => state === "waiting" && console.log(state, attempt));
client.on("open", ({ fresh, resumed }) => console.log("open", fresh, resumed));
await client.connect();
const { promise } = client.sendTextRequest("Who lived here?");
await new Promise((resolve) => client.on("text", resolve, { once: true }));
console.log("asked");
console.log(await promise.catch((error) => error.code));
const fresh = client.sendTextRequest("Who lived here?");
await new Promise((resolve) => client.on("text", resolve, { once: true }));
console.log((await client.interrupt(fresh.requestId)).status);
await client.close();
