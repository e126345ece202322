/** What a page of before does: a question in text, one in voice, and a stop. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

const url = /** @type {string} */ (process.argv[2]);
const client = new WebSocketClient({ url });
void client.connect();

const { promise } = client.sendTextRequest("Who lived here?");
const { text } = await promise;
console.log(text);

const voice = client.sendVoiceRequestStream();
for (let n = 0; n < 50; n += 1) voice.write(new Int16Array(320));
voice.end();
client.on("transcript", ({ text: heard, isFinal }) => isFinal && console.log(heard));
console.log((await voice.promise).text);

const whole = client.sendVoiceRequest(new Int16Array(16_000));
console.log((await whole.promise).text);

await client.updateSession({ requireTts: false });
const { requestId } = client.sendTextRequest("And then?");
const ack = await client.interrupt(requestId, { reason: "USER_STOP" });
console.log(ack.status, ack.outcomes[requestId], ack.receipts[requestId]?.reason, ack.ackAt - ack.sentAt < 5000);
await client.close();
