/**
 * An EventTarget whose events are CustomEvents of known names and details.
 *
 * `on` is addEventListener with the detail at hand. What a listener throws is the platform's to report, as for any
 * event: a browser writes it to its console, Node ends the process; the emitter goes on.
 *
 * @template {object} Events the details by the names of the events
 */
export class Emitter extends EventTarget {
  /**
   * Call back at each event of a name.
   *
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   * @param {{once?: boolean, signal?: AbortSignal}} [options] as of addEventListener
   * @returns {() => void} ends it
   */
  on(name, listener, options) {
    const heard = (/** @type {Event} */ event) => listener(/** @type {CustomEvent<Events[Name]>} */ (event).detail);
    this.addEventListener(name, heard, options);
    return () => this.removeEventListener(name, heard);
  }

  /**
   * Tell an event; for the class itself.
   *
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} detail
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
