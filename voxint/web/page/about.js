/** The server in a few lines: its version, its address, its pages, and how to reach it without a browser. */

import { make } from "./dom.js";
import { say } from "./words.js";

/**
 * @param {{version: string} | null} facts
 * @param {string} socket its WebSocket's URL
 */
export function aboutServer(facts, socket) {
  const pages = ["healthz", "readyz", "metrics"].flatMap((name) => [make("a", { href: name }, `/${name}`), " "]);
  return make("dl", {},
    make("dt", {}, say("about_version")), make("dd", {}, facts ? `voxint ${facts.version}` : "–"),
    make("dt", {}, say("about_socket")), make("dd", { class: "socket" }, make("code", {}, socket)),
    make("dt", {}, say("about_pages")), make("dd", {}, ...pages),
    make("dt", {}, say("about_terminal")),
    make("dd", { class: "terminal" }, make("code", {}, `voxint say --url ${socket} "${say("example")}"`)));
}
