/** @import { AgentState } from "../client/agent-state.js" */
/** @import { ErrorCode } from "../client/errors.js" */

/**
 * @typedef {object} Words what the element says, in one language
 * @property {Record<AgentState, string>} states
 * @property {{handsFree: [string, string], once: [string, string]}} talk before, and while it is on
 * @property {string} stop
 * @property {string} send
 * @property {string} type
 * @property {string} messages
 * @property {(code: ErrorCode) => string} errors
 */

/** @type {Partial<Record<ErrorCode, number>>} which sentence tells an error; the others have the last */
const SENTENCES = {
  microphone_denied: 0, microphone_missing: 1, microphone_busy: 2, insecure_origin: 3, audio_blocked: 4, audio_failed: 4,
  no_websocket: 5, unreachable: 5, lost: 5, no_such_path: 5, origin_refused: 6, key_needed: 7, key_refused: 7,
  busy: 8, draining: 8, session_gone: 9, closed: 9,
};

/** @param {string[]} sentences @returns {(code: ErrorCode) => string} */
const errors = (sentences) => (code) => sentences[SENTENCES[code] ?? sentences.length - 1] ?? code;

/** @type {Words} */
const EN = {
  states: {
    off: "Not connected", connecting: "Connecting …", ready: "Ready", listening: "Listening", hearing: "Hearing you",
    thinking: "Thinking …", speaking: "Speaking", held: "Paused for you", reconnecting: "Connecting again …",
    failed: "Not connected",
  },
  talk: { handsFree: ["Start talking", "Stop listening"], once: ["Talk", "Done talking"] },
  stop: "Stop", send: "Send", type: "Type a message", messages: "Conversation",
  errors: errors([
    "The microphone is not allowed. Allow it in the browser's address bar, or type.",
    "There is no microphone. Connect one, or type.",
    "Another program uses the microphone. Close it there, or type.",
    "A browser gives the microphone to pages with https only. You can type.",
    "The browser plays no sound. Click the button once more; answers come as text, too.",
    "The voice server can't be reached. Check the network, and try again.",
    "The voice server does not allow this website. Tell its operator.",
    "The voice server needs a new key. Load the page again.",
    "The voice server is busy. Try again in a minute.",
    "The conversation has ended. Start another.",
    "That did not work. Try again.",
  ]),
};

/** @type {Words} */
const ZH = {
  states: {
    off: "未连接", connecting: "正在连接……", ready: "就绪", listening: "正在听", hearing: "听到您在说话",
    thinking: "正在思考……", speaking: "正在回答", held: "已为您暂停", reconnecting: "正在重新连接……", failed: "未连接",
  },
  talk: { handsFree: ["开始对话", "停止收听"], once: ["说话", "说完了"] },
  stop: "停止", send: "发送", type: "输入文字", messages: "对话",
  errors: errors([
    "没有麦克风权限。请在浏览器地址栏中允许，或改用文字输入。",
    "没有找到麦克风。请接上麦克风，或改用文字输入。",
    "麦克风正被其他程序占用。请先关闭该程序，或改用文字输入。",
    "浏览器只允许 https 页面使用麦克风。您可以用文字输入。",
    "浏览器没有播放声音。请再点一次按钮；回答也会以文字显示。",
    "无法连接语音服务器。请检查网络后重试。",
    "语音服务器不允许此网站使用。请联系其管理员。",
    "语音服务器需要新的密钥。请刷新页面。",
    "语音服务器正忙。请稍后再试。",
    "对话已结束。请重新开始。",
    "出了点问题，请重试。",
  ]),
};

/** @param {string} lang a BCP 47 tag @returns {Words} */
export function wordsOf(lang) {
  return lang.toLowerCase().startsWith("zh") ? ZH : EN;
}
