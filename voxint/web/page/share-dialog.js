/** The dialog by which a phone or a second tab joins the conversation. */

import { copyOnClick, draw, find } from "./dom.js";
import { qr } from "./qr.js";
import { reach } from "./server-facts.js";
import { say } from "./words.js";

/** Shows a link, and a code of it for a phone's camera. */
export class ShareDialog {
  #dialog = find("share", HTMLDialogElement);
  #link = find("share-link", HTMLInputElement);
  #code = find("share-code", HTMLElement);
  #send = find("share-send", HTMLButtonElement);

  constructor() {
    const words = { copied: () => say("copied"), failed: () => say("copy_failed") };
    const copy = find("share-copy", HTMLButtonElement);
    copyOnClick(copy, () => this.#link.value, words);
    copy.addEventListener("click", () => this.#link.select());
    this.#link.addEventListener("focus", () => this.#link.select());
    this.#send.hidden = !("share" in navigator);
    // Who changes his mind in the system's own window rejects the promise: nothing has failed.
    this.#send.addEventListener("click", () => navigator.share({ url: this.#link.value }).catch(() => undefined));
  }

  /** @param {() => Promise<URL | string>} makeLink rejects with a VoxintError, which whoever made the agent shows */
  async open(makeLink) {
    this.#link.value = "";
    this.#code.replaceChildren(say("share_wait"));
    const warning = find("share-warning", HTMLElement);
    const reached = reach(new URL(location.href));
    warning.hidden = reached === "anything";
    warning.textContent = reached === "anything" ? "" : say(reached === "nothing" ? "share_local" : "share_http");
    this.#dialog.showModal();
    try {
      this.#link.value = String(await makeLink());
    } catch {
      this.#dialog.close(); // the agent's "error" event has told it
      return;
    }
    const modules = qr(this.#link.value);
    // No code of a link that a phone cannot open, or that is too long for one: it can be copied.
    this.#code.replaceChildren(...(modules === null || reached === "nothing" ? [] : [picture(modules)]));
  }
}

/** @param {boolean[][]} modules */
function picture(modules) {
  const side = modules.length + 8; // four light modules on each side, as the standard has it
  const dark = modules.flatMap((row, i) => row.flatMap((is, j) => (is ? [`M${j + 4} ${i + 4}h1v1h-1z`] : []))).join("");
  const image = { role: "img", "aria-label": say("share_qr"), "shape-rendering": "crispEdges" };
  return draw("svg", { viewBox: `0 0 ${side} ${side}`, ...image },
    draw("rect", { width: side, height: side, fill: "#fff" }), draw("path", { d: dark, fill: "#000" }));
}
