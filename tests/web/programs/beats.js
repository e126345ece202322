/** Stays for 12 HEARTBEATs, which takes longer than the server keeps a client that says nothing. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

let beats = 0;
/** @type {() => void} */
let enough = () => {};
const beaten = new Promise((resolve) => (enough = () => resolve(undefined)));
class Counting extends WebSocket {
  /** @param {string} url */
  constructor(url) {
    super(url);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && data.includes('"HEARTBEAT"')) beats += 1;
      if (beats === 12) enough();
    });
  }
}
/** @type {string[]} */
const states = [];
const client = new WebSocketClient({
  url: /** @type {string} */ (process.argv[2]),
  WebSocket: /** @type {typeof WebSocket} */ (Counting),
});
client.on("state", ({ state }) => states.push(state));
client.on("rtt", ({ ms }) => ms > 0 && ms < 5000 && states.push("rtt"));
await client.connect();
await beaten;
console.log(states.join(), client.rttMs !== null);
await client.close();
