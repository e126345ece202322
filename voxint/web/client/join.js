/**
 * The link by which a second device joins a session. Pure.
 *
 * Session and token stand in the fragment: a browser sends no fragment to any server, so neither gets into a log.
 */

/** A session's id and a join token, as the server makes them: no dot in the id. */
const FRAGMENT = /^#?join=([^.&\s]{1,128})\.([^&\s]{1,512})$/;

/**
 * Make the link that opens a page in a session. The page's own fragment is replaced.
 *
 * @param {string | URL} pageUrl
 * @param {{sessionId: string, token: string}} join the token is good once, with the auth of the session's owner
 * @returns {URL}
 */
export function joinUrl(pageUrl, { sessionId, token }) {
  const url = new URL(pageUrl);
  url.hash = `join=${encodeURIComponent(sessionId)}.${encodeURIComponent(token)}`;
  return url;
}

/**
 * Read a link's fragment. Who has read it takes it out of the address (`history.replaceState`): it is good once.
 *
 * @param {string} hash `location.hash`
 * @returns {{sessionId: string, token: string} | null} null where the fragment is no such link
 */
export function joinFrom(hash) {
  const [, sessionId, token] = FRAGMENT.exec(hash) ?? [];
  if (sessionId === undefined || token === undefined) return null;
  try {
    return { sessionId: decodeURIComponent(sessionId), token: decodeURIComponent(token) };
  } catch {
    return null; // a percent sign that encodes nothing: no link of ours
  }
}
