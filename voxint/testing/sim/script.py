"""The texts the simulated model speaks: on voxint, a story, a count, and what to try."""

from __future__ import annotations

__all__ = ["ABOUT", "ABOUT_ZH", "COUNT", "COUNT_ZH", "STORY", "STORY_ZH", "TRIES", "TRIES_ZH"]

ABOUT = (
    "You can stop me in the middle of a word, and that is the whole point of voxint.",
    "Each request lives in a cancel scope, and an interruption simply cancels that scope.",
    "Leaving the scope closes the recognition, the model and the synthesis, because all three are tasks inside it.",
    "Only when they are closed does the server say that it has stopped.",
    "So the acknowledgement is a proof, and not a promise.",
    "There is no flag to check between two chunks, and so nothing goes on talking when an upstream falls silent.",
    "The acknowledgement brings a receipt, which says what was stopped and how long that took.",
    "A receipt also says what the interruption saved: tokens not generated and speech not synthesized.",
    "The conversation remembers only what you heard, cut off at the last whole word.",
    "If you stop me now, the next answer will not pretend that I finished this sentence.",
    "Audio leaves the server only a little ahead of playback, because sound in a socket's buffer can't be called back.",
    "One task writes to each connection, so that a cancelled send never leaves half a frame behind.",
    "The loop that reads your messages waits for nobody, and so an interrupt is read at once.",
    "Frames of a request that is dead are dropped before they are written.",
    "A model that goes on generating for nobody costs money, and voxint closes its connection within a millisecond.",
    "After such a close a spare connection is dialled in the background, so that the next answer does not wait.",
    "An engine that cannot be stopped in a thread runs in a process, which can always be stopped.",
    "If something does not stop in time, the receipt says overrun, for an honest failure is better than a nice word.",
    "You may interrupt one request, or all of them, or one that has already ended.",
    "Interrupting twice does no harm.",
    "When you hang up, everything that worked for you is cancelled as well.",
    "A shutdown cancels first and says goodbye afterwards, so nobody is left waiting for a last message.",
    "Speech that begins while I talk counts as an interruption, which is called barge-in.",
    "A server without cancellation needs lists of tasks, events and timers, and each of them can be forgotten.",
    "Here a task cannot outlive the block that started it, and the language itself sees to that.",
    "Every wait in this server has a bound, or a sentence that says why it has none.",
    "The tests run on a clock of their own, and so a test of ten seconds takes none.",
    "I keep a ledger of every token that I make, with the instant when I saw you leave.",
    "With that ledger anybody can check how much was wasted after an interruption.",
    "I can also stall, reset the connection, flood it or talk nonsense, if a test asks me to.",
    "A real model speaks the same protocol as I do, so replacing me takes one line of settings.",
    "Chinese works as well: sentences end at their own full stops, and words are cut between characters.",
    "Nothing you say is written to a log.",
    "Go on, interrupt me.",
)

ABOUT_ZH = (
    "你可以在我说到一半的时候打断我，这正是voxint的意义。",
    "每个请求都住在一个取消作用域里，打断就是取消它。",
    "离开作用域时，识别、模型和合成全都关闭，因为它们都是里面的任务。",
    "全部关闭之后，服务器才说自己停下了。",
    "所以确认是证明，不是承诺。",
    "确认里带着一张回执，写明停了什么，用了多久。",
    "回执还写明省下了什么：没有生成的词，没有合成的声音。",
    "对话只记得你听到的部分，没听到的就当没说过。",
    "声音只比播放早一点点离开服务器，因为进了缓冲区的声音收不回来。",
    "每个连接只有一个任务在写，取消的发送不会留下半个帧。",
    "读取消息的循环从不等待别人，所以打断会立刻被读到。",
    "停不下来的引擎放在单独的进程里，进程总是可以结束的。",
    "如果没有按时停下，回执会如实说明超时。",
    "打断两次也没有害处。",
    "你挂断之后，为你工作的一切也都会取消。",
    "我把生成的每个词都记在账上，也记下看到你离开的时刻。",
    "真正的模型和我说同样的协议，换掉我只要改一行设置。",
    "来吧，打断我。",
)

STORY = (
    "Once there was a lighthouse keeper who could not stop talking. He told the gulls about the fog, and the fog about "
    "the gulls. Ships sailed by and nobody listened. One night a small boat came near the rocks, and the boy in it "
    "shouted: stop! The keeper stopped in the middle of a word. In the silence he heard the waves break on the reef, "
    "and the boy heard them too, and turned his boat away. In the morning the boy climbed up the tower to thank him. "
    "It was you who saved us, said the keeper. I only learned to be quiet in time. Since then he still talks to the "
    "gulls all day. But whenever somebody calls, he has fallen silent before the echo comes back. That is the end of "
    "the story, and it comes from the built-in stand-in, not from a model."
)

STORY_ZH = (
    "从前有一个守灯塔的人，话多得停不下来。他对海鸥讲雾，对雾讲海鸥。船一艘艘驶过，没有人听。"
    "一天夜里，一条小船靠近了礁石，船上的孩子大喊：停！守塔人话说到一半就停住了。"
    "安静之中，他听见了浪打礁石的声音，孩子也听见了，于是掉转了船头。"
    "早上，孩子爬上灯塔道谢。守塔人说：救了你的是你自己，我只是学会了及时住口。"
    "从那以后，他照样整天说话，可是只要有人喊他，回声还没到，他就已经安静了。"
    "故事讲完了，讲故事的是内置的替身，不是模型。"
)

COUNT = (
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, "
    "seventeen, eighteen, nineteen, twenty. You let me reach the end!"
)

COUNT_ZH = (
    "一，二，三，四，五，六，七，八，九，十，十一，十二，十三，十四，十五，十六，十七，十八，十九，二十。"
    "你居然让我数完了！"
)

TRIES = (
    "I am the stand-in, not a language model. Ask me for a story, and talk over it.",
    "I only repeat it, for I am a stand-in. Let me count to twenty, and stop me on the way.",
    "That is all that a stand-in can say to it. Ask me how I stop, or for a joke.",
)
"""What an answer ends with that repeats what was heard, in turn."""

TRIES_ZH = (
    "我是替身，不是语言模型。可以让我讲个故事，再打断我。",
    "我只会重复，因为我是替身。可以让我数到二十，中途叫停。",
    "替身只能说这么多。可以问我怎么停下来。",
)
