/**
 * What really goes to the loudspeaker and comes from the microphone, told by nobody of whom it is tested: put before a
 * page's own scripts, it stands in the way of both. One entry for each quantum of 128 frames: its first frame, the
 * loudest sample out, the loudest sample in. `keep` has all samples that go out kept, too.
 */
(() => {
  const Native = window.AudioContext;

  const tap = {
    /** @type {number} */ rate: 0,
    /** @type {number[]} */ frames: [],
    /** @type {number[]} */ out: [],
    /** @type {number[]} */ heard: [],
    /** @type {Float32Array[]} */ samples: [],
    keep: false,
    /** @type {AudioContext | null} the last one */ context: null,
    /** @type {AudioWorkletNode | null} */ node: null,

    /** Forget what was noted. */
    clear() {
      tap.frames.length = tap.out.length = tap.heard.length = tap.samples.length = 0;
    },

    /** All samples kept, as base64 of Float32; the first is that of frame `frames[0]`. */
    kept() {
      const all = new Float32Array(tap.samples.reduce((sum, each) => sum + each.length, 0));
      let at = 0;
      for (const each of tap.samples) {
        all.set(each, at);
        at += each.length;
      }
      const bytes = new Uint8Array(all.buffer);
      let text = "";
      for (let begin = 0; begin < bytes.length; begin += 0x8000) {
        text += String.fromCharCode(...bytes.subarray(begin, begin + 0x8000));
      }
      return btoa(text);
    },
  };
  Object.assign(window, { tap });

  class TappedContext extends Native {
    #out;
    #heard;
    /** @param {AudioContextOptions} [options] */
    constructor(options) {
      super(options);
      tap.context = this;
      tap.rate = this.sampleRate;
      this.#out = new GainNode(this);
      this.#out.connect(super.destination);
      this.#heard = new GainNode(this);
      this.#listen();
    }

    /** @returns {any} where a page's sound goes: first to the tap, then to the loudspeaker */
    get destination() {
      return this.#out ?? super.destination;
    }

    /** @param {MediaStream} stream */
    createMediaStreamSource(stream) {
      const source = super.createMediaStreamSource(stream);
      source.connect(this.#heard);
      return source;
    }

    /** @param {AudioNode} source */
    heard(source) {
      source.connect(this.#heard);
    }

    async #listen() {
      await this.audioWorklet.addModule("/tap-worklet.js");
      const node = new AudioWorkletNode(this, "tap", { numberOfInputs: 2, numberOfOutputs: 1 });
      tap.node = node;
      node.port.onmessage = ({ data }) => {
        tap.frames.push(...data.frames);
        tap.out.push(...data.out);
        tap.heard.push(...data.heard);
        if (tap.keep) tap.samples.push(data.samples);
      };
      this.#out.connect(node, 0, 0);
      this.#heard.connect(node, 0, 1);
      node.connect(super.destination);
    }
  }
  window.AudioContext = TappedContext;

  const NativeSource = window.MediaStreamAudioSourceNode;
  window.MediaStreamAudioSourceNode = class extends NativeSource {
    /**
     * @param {AudioContext} context
     * @param {MediaStreamAudioSourceOptions} options
     */
    constructor(context, options) {
      super(context, options);
      if (context instanceof TappedContext) context.heard(this);
    }
  };
})();
