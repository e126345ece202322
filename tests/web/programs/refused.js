/** Why it may not connect: node refused.js URL ORIGIN KEY; an empty origin or key is none. */

import { WebSocketClient } from "../../../voxint/web/client/index.js";

const [url = "", origin, key] = process.argv.slice(2);
class FromOrigin extends WebSocket {
  /** @param {string} address */
  constructor(address) {
    super(address, /** @type {string} */ (/** @type {unknown} */ (origin ? { headers: { origin } } : {})));
  }
}
const auth = key ? { type: /** @type {const} */ ("API_KEY"), api_key: key } : undefined;
const client = new WebSocketClient({ url, auth, WebSocket: /** @type {typeof WebSocket} */ (FromOrigin) });
const [error] = await Promise.all([
  client.connect().catch((each) => each),
  client.sendTextRequest("a").promise.catch(() => {}),
]);
console.log(error.code, error.retryable, client.state);
