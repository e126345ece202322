/** Where the voice server's WebSocket is, as the element is told it. */

/**
 * Say where it is: below `src`, for behind a proxy the server may stand in a folder.
 *
 * @param {string | null} src the server's address, with or without a last slash; null: where the element is from
 * @param {string} file the element's own address
 * @param {string} base the page's address, for a `src` that is relative
 * @returns {URL | string}
 */
export function socketOf(src, file, base) {
  try {
    const home = src === null ? new URL("../..", file) : new URL(src, base);
    const url = new URL("ws/agent/stream", home.href.replace(/\/*([?#].*)?$/, "/"));
    url.protocol = url.protocol.replace("http", "ws");
    return url;
  } catch {
    return String(src); // no address: the client says so, as it says all else
  }
}
