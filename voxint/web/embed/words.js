/** @import { ErrorCode } from "../client/errors.js" */

/** @type {Partial<Record<ErrorCode, number>>} the sentence of an error; of the others the first */
const SENTENCES = {
  microphone_denied: 1, insecure_origin: 1, microphone_missing: 2, microphone_busy: 2, audio_blocked: 3,
  audio_failed: 3, no_websocket: 4, unreachable: 4, lost: 4, no_such_path: 4, origin_refused: 5, key_needed: 6,
  key_refused: 6, busy: 7, draining: 7,
};

const EN = {
  states: {
    off: "Not connected", connecting: "Connecting …", ready: "Ready", listening: "Listening", hearing: "Hearing you",
    thinking: "Thinking …", speaking: "Speaking", held: "Paused for you", reconnecting: "Reconnecting …",
  },
  talk: { always: ["Start talking", "Stop listening"], once: ["Talk", "Done talking"] },
  stop: "Stop", send: "Send", type: "Type a message", messages: "Conversation",
  errors: [
    "That did not work. Try again.",
    "The microphone is not allowed. Allow it in the browser's address bar (https pages only), or type.",
    "No microphone can be had. Connect one, close the program that uses it, or type.",
    "The browser plays no sound. Click once more; answers come as text, too.",
    "The voice server can't be reached. Check the network, and try again.",
    "The voice server does not allow this website. Tell its operator.",
    "The voice server wants a new key. Load the page again.",
    "The voice server is busy. Try again in a minute.",
  ],
};

/** @type {typeof EN} */
const ZH = {
  states: {
    off: "未连接", connecting: "正在连接……", ready: "就绪", listening: "正在听", hearing: "听到您在说话",
    thinking: "正在思考……", speaking: "正在回答", held: "已为您暂停", reconnecting: "正在重新连接……",
  },
  talk: { always: ["开始对话", "停止收听"], once: ["说话", "说完了"] },
  stop: "停止", send: "发送", type: "输入文字", messages: "对话",
  errors: [
    "出了点问题，请重试。",
    "没有麦克风权限。请在浏览器地址栏中允许（仅限 https 页面），或输入文字。",
    "没有可用的麦克风。请接上麦克风或关闭占用它的程序，或输入文字。",
    "浏览器没有播放声音。请再点一次；回答也会以文字显示。",
    "无法连接语音服务器。请检查网络后重试。",
    "语音服务器不允许此网站使用。请联系其管理员。",
    "语音服务器需要新的密钥。请刷新页面。",
    "语音服务器正忙。请稍后再试。",
  ],
};

/** @param {string} lang a BCP 47 tag: Chinese, and English for all others */
export function wordsOf(lang) {
  const words = /^zh\b/i.test(lang) ? ZH : EN;
  return { ...words, error: (/** @type {ErrorCode} */ code) => words.errors[SENTENCES[code] ?? 0] ?? code };
}
