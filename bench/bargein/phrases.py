"""What callers say, and the one answer that they hear, in two languages. Ours, all of it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from bench.bargein.line import Language

__all__ = ["PHRASES", "Phrases"]


@frozen
class Phrases:
    """Of one language.

    Args:
        answerer: The voice of the answer.
        callers: The voices of those who call.
        others: The voices of other people in the room.
        answer: The answer, sentence by sentence; none has a comma or a number, so that nobody cuts or spells it
            otherwise than it stands here.
        questions: What a call begins with.
        halting: Questions with a pause in their middle, as two parts.
        interruptions: What ends an answer.
        backchannels: What says "go on" and no more.
        aside: What is said to somebody else beside the telephone.
        background: What other people in the room say.
    """

    answerer: str
    callers: tuple[str, ...]
    others: tuple[str, ...]
    answer: tuple[str, ...]
    questions: tuple[str, ...]
    halting: tuple[tuple[str, str], ...]
    interruptions: tuple[str, ...]
    backchannels: tuple[str, ...]
    aside: tuple[str, ...]
    background: tuple[str, ...]


ENGLISH = Phrases(
    answerer="af_heart",
    callers=("am_michael", "bf_emma", "bm_george"),
    others=("bm_george", "bf_emma", "am_michael"),
    answer=(
        "The harbour is the oldest part of the town and the best place to begin a walk.",
        "Start at the lighthouse where the fishing boats come in early in the morning.",
        "From there a narrow street leads up the hill to the market square.",
        "On the left side you will see a yellow house with a wooden balcony.",
        "A painter lived in it for thirty years and some of his pictures still hang inside.",
        "The market is open every day until the middle of the afternoon.",
        "Try the bread with olives because the baker uses his grandmother's recipe.",
        "Behind the church there is a garden with old trees and a small fountain.",
        "It is a quiet place to sit down and look over the roofs to the sea.",
        "When you go back take the stairs instead of the road and watch your step.",
        "They end near the bridge and the bus to the station stops right beside it.",
        "The last bus of the evening leaves shortly after sunset.",
    ),
    questions=(
        "What can I see in the old town?",
        "Could you tell me where I should begin my walk?",
        "How do I get to the market from the harbour?",
        "Please tell me something about this place.",
        "Which way is the nicest one up the hill?",
        "What is there to do for us this afternoon?",
    ),
    halting=(
        ("I would like to know how we", "get to the harbour from here."),
        ("Could you tell me about the church and", "the garden behind it?"),
        ("We have two hours and", "want to see the market."),
    ),
    interruptions=(
        "Wait, what does the bus cost?",
        "Stop, that is not what I asked for.",
        "No, I meant the other harbour.",
        "Sorry, can you say that again from the start?",
        "Hold on, is it open on Sundays?",
        "Thanks, that is enough. Where can we eat?",
        "Excuse me, I have another question.",
        "Stop.",
        "How long does that take on foot?",
        "Never mind, tell me about the weather instead.",
    ),
    backchannels=("Mm-hm.", "Uh-huh.", "Yeah.", "Okay.", "Right.", "I see.", "Yes.", "Mm.", "Sure."),
    aside=(
        "Anna, can you close the window please?",
        "Just a minute, I am on the phone.",
        "Leave the keys on the table, would you?",
        "No, Tom, your shoes are in the hall.",
    ),
    background=(
        "And then she said that the train was late again.",
        "Did you see the game last night?",
        "We still have to buy milk and something for dinner.",
        "He told me that he will be back before noon.",
    ),
)

MANDARIN = Phrases(
    answerer="zf_xiaobei",
    callers=("zm_yunxi",),
    others=("zm_yunxi",),
    answer=(
        "老城区的港口是最适合开始散步的地方。",
        "您可以先去看看清晨归来的渔船和白色的灯塔。",
        "从那里有一条小街一直通向山上的集市广场。",
        "街的左边有一座带木头阳台的黄色房子。",
        "有一位画家在里面住了很久而且留下了许多作品。",
        "集市每天都开放一直到下午才慢慢结束。",
        "那里的橄榄面包用的是面包师祖母传下来的做法。",
        "教堂后面有一个花园里面有古老的树和小小的喷泉。",
        "您可以在那儿安静地坐一会儿看看屋顶和远处的大海。",
        "回来的时候请走台阶不要走大路并且注意脚下。",
        "台阶的尽头是一座桥旁边就是去车站的公共汽车站。",
        "晚上最后一班车在日落之后不久就会出发。",
    ),
    questions=(
        "老城区有什么好看的？",
        "请告诉我应该从哪里开始走？",
        "从港口到集市怎么走？",
        "请给我介绍一下这个地方。",
        "今天下午我们可以做什么？",
    ),
    halting=(("我想知道从这里", "怎么去港口。"), ("你能不能说一说那个教堂和", "后面的花园？")),
    interruptions=(
        "等一下，公共汽车多少钱？",
        "停，我问的不是这个。",
        "不对，我说的是另外一个港口。",
        "不好意思，你能从头再说一遍吗？",
        "稍等，星期天开门吗？",
        "好了谢谢，我们在哪里可以吃饭？",
        "打断一下，我还有一个问题。",
        "走路过去要多长时间？",
    ),
    backchannels=("嗯。", "嗯嗯。", "对。", "好的。", "是的。", "哦。", "明白。"),
    aside=("小王，你把窗户关一下好吗？", "等我一会儿，我在打电话。", "把钥匙放在桌子上就行了。"),
    background=("后来他说火车又晚点了。", "你昨天晚上看比赛了吗？", "我们还得去买牛奶和晚饭的菜。"),
)

PHRASES: Mapping[Language, Phrases] = {"en": ENGLISH, "zh": MANDARIN}
"""By language."""
