/** An answer over as many connections as it takes: says "cut" when it wants to lose one, and what came in all. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

const client = new WebSocketClient({ url: /** @type {string} */ (process.argv[2]), onDisconnect: "keep" });
/** @type {{text: number[], audio: number[], samples: number, opened: boolean[], lost: string[], errors: string[]}} */
const told = { text: [], audio: [], samples: 0, opened: [], lost: [], errors: [] };
client.on("text", ({ seq }) => told.text.push(seq));
client.on("audio", ({ seq, pcm }) => {
  told.audio.push(seq);
  told.samples += pcm.length;
  if (seq % 12 === 5 && told.opened.length < 4) console.log("cut");
});
client.on("open", ({ resumed, lost }) => {
  told.opened.push(resumed);
  told.lost.push(...lost);
});
client.on("error", ({ error }) => told.errors.push(error.code));
await client.connect();
const { text, interrupted } = await client.sendTextRequest("Who lived here?").promise;
console.log(JSON.stringify({ ...told, answer: text, interrupted }));
await client.close();
