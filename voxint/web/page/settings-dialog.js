/** The dialog in which voice, language and prompt are chosen. */

import { find, make } from "./dom.js";
import { offered } from "./server-facts.js";
import { languageName, say } from "./words.js";

/**
 * @import { Choices } from "./choices.js"
 * @import { ServerFacts } from "./server-facts.js"
 */

/** Shows the choices that the server offers, and tells each one that changes. */
export class SettingsDialog {
  #dialog = find("settings", HTMLDialogElement);
  #voice = find("set-voice", HTMLSelectElement);
  #language = find("set-language", HTMLSelectElement);
  #prompt = find("set-prompt", HTMLTextAreaElement);
  #keep = find("set-keep", HTMLInputElement);

  /** @param {(changed: Partial<Choices>) => void} changed */
  constructor(changed) {
    this.#voice.addEventListener("change", () => changed({ voice: this.#voice.value }));
    this.#language.addEventListener("change", () => changed({ language: this.#language.value }));
    this.#prompt.addEventListener("change", () => changed({ prompt: this.#prompt.value.trim() }));
    this.#keep.addEventListener("change", () => changed({ keep: this.#keep.checked }));
  }

  /** @param {Choices} choices @param {ServerFacts | null} facts */
  open(choices, facts) {
    const voices = facts?.voices ?? [];
    const languages = facts?.languages ?? [];
    const groups = [...new Set(voices.map(({ language }) => language))].map((language) =>
      make("optgroup", { label: languageName(language) },
        ...voices.filter((voice) => voice.language === language)
          .map(({ name }) => make("option", { value: name }, name))));
    this.#voice.replaceChildren(make("option", { value: "" }, say("set_voice_own")), ...groups);
    this.#language.replaceChildren(
      make("option", { value: "" }, say("set_language_auto")),
      ...languages.map((tag) => make("option", { value: tag }, languageName(tag))),
    );
    const { voice, language } = offered(choices, { voices, languages });
    this.#voice.value = voice;
    this.#language.value = language;
    this.#voice.disabled = voices.length === 0;
    this.#language.disabled = languages.length === 0;
    this.#prompt.value = choices.prompt;
    this.#keep.checked = choices.keep;
    this.#dialog.showModal();
  }
}
