"""How a sentence in Chinese ends that is not at its end, and how one that is, whatever mark a recogniser writes."""

from __future__ import annotations

from voxint.core.ears.words import listed

__all__ = ["ends_half", "ends_open", "ends_whole"]

_WHOLE = tuple(listed("吗, 嗎, 吧, 呢, 嘛, 谢谢, 謝謝, 不是, 不对, 不對, 不要, 不用, 可以, 没有, 沒有"))

_HALF = tuple(
    listed(
        "然后, 然後, 因为, 因為, 所以, 但是, 可是, 但, 不过, 不過, 而且, 而, 并且, 並且, 还有, 還有, 或者, 或, 还是, "
        "還是, 如果, 假如, 要是, 虽然, 雖然, 尽管, 即使, 除非, 只要, 只有, 不但, 不仅, 就是, 就是说, 就是說, "
        "也就是说, 比如, 比如说, 比如說, 例如, 譬如, 那个, 那個, 那么, 那麼, 于是, 於是, 接着, 接著, 以及, 关于, "
        "關於, 至于, 至於, 根据, 除了, 为了, 為了, 通过, 由于, 由於, 比方说, 总之, 我想, 我觉得, 我覺得, 觉得, 覺得, "
        "认为, 認為, 以为, 以為, 我要, 我想要, 想要, 我需要, 需要, 帮我, 幫我, 请帮我, 请问, 請問, 能不能, 可不可以, "
        "你能, 你可以, 你觉得, 一个, 一個, 一些, 很, 太, 非常, 比较, 比較, 特别, 特別, 更, 最, 十分, 和, 跟, 与, 與, "
        "及, 从, 從, 把, 被, 给, 給, 向, 往, 为, 為, 让, 讓, 将, 是, 叫做, 叫, 姓, 也, 都, 还, 還, 又, 再, 就, 才, "
        "每, 各, 某, 第, 大概, 大约, 可能, 应该, 應該, 必须, 正在, 嗯, 呃, 额, 唔, 啊这"
    )
)
"""After these something has to follow, or somebody is looking for a word."""

_STANDS_ALONE = tuple(
    listed("不是, 还给, 借给, 送给, 交给, 不叫, 就是了, 我也是, 他也是, 都是, 也是, 不太, 正是, 才是")
)
"""What ends like one of those and may be an end."""

_OPEN = tuple(
    listed(
        "我, 你, 您, 他, 她, 它, 们, 們, 这个, 這個, 的, 地, 得, 在, 会, 會, 能, 想, 要, 对, 對, 着, 著, "
        "这, 這, 那, 有, 去, 到, 用, 好像, 什么"
    )
)

_ALONE = listed(
    "我, 你, 您, 他, 她, 它, 我们, 我們, 你们, 你們, 他们, 他們, 这, 這, 那, 这个, 這個, 有, 要, 想, 在, 对了, 對了"
)
"""Half where they are all that was said."""

_AGREES = "嗯"


_CLAUSES = tuple(listed("如果, 要是, 假如, 因为, 因為, 虽然, 雖然, 尽管, 由于, 由於, 只要, 除非, 既然"))
_MAIN = tuple("所就但那可也还還才都")
"""What the second half of such a sentence has."""


def ends_whole(said: str) -> bool:
    """Return whether the last words end a sentence by themselves. `said` has no marks."""
    return said.endswith(_WHOLE)


def ends_half(said: str) -> bool:
    """Return whether something has to follow the last words. `said` is the last sentence, without marks."""
    if said.strip(_AGREES) == "":  # it means yes as often as it is a sound of thinking
        return False
    return said in _ALONE or (said.endswith(_HALF) and not said.endswith(_STANDS_ALONE))


def ends_open(said: str) -> bool:
    """Return whether something may follow the last words, although they can be the end."""
    if len(said) == 1 or (said.startswith(_CLAUSES) and not any(word in said[2:] for word in _MAIN)):
        return True
    return said.strip(_AGREES) == "" or said.endswith(_STANDS_ALONE) or said.endswith(_OPEN)
