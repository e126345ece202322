/** The dialog that asks for a key or an account; what is given stays in this tab. */

import { find } from "./dom.js";
import { say } from "./words.js";

/** @import { Auth } from "../client/types.js" */

const PLACE = "voxint.auth";

/** Asks for what the server wants to know, and keeps it for as long as the tab lives. */
export class KeyDialog {
  #dialog = find("key", HTMLDialogElement);
  #secret = find("key-secret", HTMLInputElement);
  #account = find("key-account", HTMLInputElement);
  #switch = find("key-switch", HTMLButtonElement);
  #byAccount = false;
  #refused = false;
  /** @type {Auth | null} */
  auth = read();

  /** @param {() => void} given called when there is something new to try */
  constructor(given) {
    this.#switch.addEventListener("click", () => {
      this.#byAccount = !this.#byAccount;
      this.show();
      (this.#byAccount ? this.#account : this.#secret).focus();
    });
    find("key-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    find("key-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const secret = this.#secret.value.trim();
      this.auth = this.#byAccount
        ? { type: "ACCOUNT", account: this.#account.value.trim(), password: this.#secret.value }
        : { type: "API_KEY", api_key: secret };
      write(this.auth);
      this.#secret.value = "";
      this.#dialog.close();
      given();
    });
  }

  /** @param {{accounts: boolean, refused?: boolean}} asked */
  open({ accounts, refused = false }) {
    this.#switch.hidden = !accounts;
    this.#byAccount &&= accounts;
    this.#refused = refused;
    if (refused) write(null);
    this.show();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Say everything, in the language of now. */
  show() {
    find("key-account-row", HTMLElement).hidden = !this.#byAccount;
    this.#account.required = this.#byAccount;
    find("key-lead", HTMLElement).textContent = say(this.#refused ? "key_refused_lead" : "key_lead");
    find("key-secret-label", HTMLElement).textContent = say(this.#byAccount ? "key_password" : "key_label");
    this.#switch.textContent = say(this.#byAccount ? "key_with_key" : "key_with_account");
  }
}

/** @returns {Auth | null} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  } catch {
    return null; // no storage: it is asked for again
  }
}

/** @param {Auth | null} auth */
function write(auth) {
  try {
    if (auth === null) sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, JSON.stringify(auth));
  } catch {
    // No storage: it holds until the page is closed.
  }
}
