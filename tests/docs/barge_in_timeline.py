"""The timeline of barge-in by voice, drawn to scale from what happens in `barge_in_scenes`.

``python -m tests.docs.barge_in_timeline`` writes docs/explanation/barge-in.svg and its Chinese twin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from tests.docs.barge_in_scenes import Scene, Span, backchannel, interruption
from tests.docs.pages import ROOT
from voxint.core.agent import Limits

__all__ = ["CHINESE", "ENGLISH", "FOLDER", "PICTURES", "picture"]

FOLDER = ROOT / "docs" / "explanation"

WIDTH, HEIGHT = 1000, 672
LEFT, RIGHT = 144, 976
FIRST_MS, LAST_MS = -350, 2_750
"""Of the axis, from the person's first sample."""

PANEL = 300
"""From the first scene's top to the second's."""

ROWS = {"person": 92, "ears": 128, "answer": 164, "model": 200, "voice": 236}
BAR = 22

ENGLISH: Mapping[str, str] = {
    "title": "Barge-in by voice, to scale",
    "desc": "Above: somebody says “Stop, what about Friday?” over an answer. {held} ms after the first sample it is "
    "held, at {committed} ms the first word commits the interruption, and the model and the voice are closed. At "
    "{decided} ms the utterance is over, and its answer begins. Below: somebody says “Mm-hm” over an answer. It is "
    "held at {held} ms as well, and at {released} ms it goes on with its next sample; the model was neither closed "
    "nor asked again.",
    "interruption": "“Stop, what about Friday?” is meant: held, then committed",
    "backchannel": "“Mm-hm” is not: held, then released",
    "person": "person",
    "ears": "ears hear",
    "answer": "answer sounds",
    "model": "model",
    "voice": "synthesis",
    "speech": "speech",
    "silence": "silence",
    "held": "held",
    "at_held": "held {} ms",
    "at_committed": "committed {} ms",
    "at_released": "released {} ms: {}",
    "at_decided": "over {} ms",
    "at_asked": "asked {} ms",
    "next": "next answer, {} ms",
    "closed": "closed",
    "chars": "≤ {} characters",
    "ahead": "≤ {:g} s of sound",
    "goes_on": "goes on with the very next sample",
    "not_again": "not asked again",
    "axis": "ms since the person's first sample",
}

CHINESE: Mapping[str, str] = {
    "title": "语音打断，按比例绘制",
    "desc": "上：有人在回答播放时说 “Stop, what about Friday?”。第一个采样之后 {held} 毫秒回答被暂停，"
    "{committed} 毫秒时第一个词落实打断，模型和合成被关闭。{decided} 毫秒时话语说完，它的回答开始。"
    "下：有人在回答播放时说 “Mm-hm”。回答同样在 {held} 毫秒被暂停，{released} 毫秒时从下一个采样继续；"
    "模型既没有关闭，也没有重新请求。",
    "interruption": "“Stop, what about Friday?” 是有意的：先暂停，再落实打断",
    "backchannel": "“Mm-hm” 不是：先暂停，再放行",
    "person": "用户",
    "ears": "耳朵听到",
    "answer": "回答播放",
    "model": "模型",
    "voice": "合成",
    "speech": "语音",
    "silence": "安静",
    "held": "暂停",
    "at_held": "暂停 {} ms",
    "at_committed": "落实打断 {} ms",
    "at_released": "放行 {} ms：{}",
    "at_decided": "说完 {} ms",
    "at_asked": "提问 {} ms",
    "next": "下一个回答，{} ms",
    "closed": "关闭",
    "chars": "≤ {} 个字符",
    "ahead": "≤ {:g} 秒声音",
    "goes_on": "从下一个采样继续",
    "not_again": "不再请求",
    "axis": "从用户的第一个采样算起的毫秒数",
}

PICTURES = {"barge-in.svg": ENGLISH, "barge-in.zh-CN.svg": CHINESE}

STYLE = """
    text {
      font: 14px system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
      fill: #1f2328
    }
    .title { font-size: 17px; font-weight: 600 }
    .soft { fill: #59636e; font-size: 13px }
    .strong { font-size: 13px; font-weight: 600 }
    .bad { fill: #c01c28 }
    .good { fill: #2a7d4f }
    .middle { text-anchor: middle }
    .end { text-anchor: end }
    .white { fill: #ffffff; font-weight: 600; font-size: 13px }
    .card { fill: #ffffff; stroke: #d0d7de }
    .rule { stroke: #d0d7de }
    .line { stroke: #59636e; stroke-width: 1.5; fill: none }
    .hold { fill: #b07a00; fill-opacity: .14; stroke: #b07a00; stroke-width: 1.5 }
    .hold-ink { fill: #8a5f00; font-weight: 600; font-size: 13px }
    .person { fill: #7d5bbe } .judged { fill: #9f86d1 } .model { fill: #2867b8 } .answer, .voice { fill: #2a7d4f }
    .waits { fill-opacity: .35 }
    .moment { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 4 }
    .cut { stroke: #c01c28 } .freed { stroke: #2a7d4f }
    .closed { stroke: #c01c28; stroke-width: 2.5; stroke-linecap: round }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .soft { fill: #9198a1 }
      .bad { fill: #ff8182 }
      .good { fill: #56d364 }
      .white { fill: #ffffff }
      .card { fill: #0d1117; stroke: #3d444d }
      .rule { stroke: #3d444d }
      .line, .moment { stroke: #9198a1 }
      .hold { fill: #d29922; fill-opacity: .18; stroke: #d29922 }
      .hold-ink { fill: #e3b341 }
      .judged { fill: #6f55ab }
      .cut, .closed { stroke: #ff8182 }
      .freed { stroke: #56d364 }
    }
"""


def picture(words: Mapping[str, str], meant: Scene, not_meant: Scene) -> str:
    """Return the picture in one language."""
    desc = words["desc"].format(
        held=f"{meant.held:g}",
        committed=f"{meant.committed:g}",
        decided=f"{meant.decided:g}",
        released=f"{not_meant.released:g}",
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="title desc">',
        f'  <title id="title">{escape(words["title"])}</title>',
        f'  <desc id="desc">{escape(desc)}</desc>',
        f"  <style>{STYLE}  </style>",
        '  <defs><g id="x"><path class="closed" d="M-5-5 5 5M5-5-5 5"/></g></defs>',
        f'  <rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>',
        *_scene(words, "interruption", meant, 0),
        f'  <path class="rule" d="M24 {PANEL + 2}H{RIGHT}"/>',
        *_scene(words, "backchannel", not_meant, PANEL),
        *_axis(words),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(ms: float) -> float:
    """Return where an instant stands."""
    inside = min(max(ms, FIRST_MS), LAST_MS)
    return round(LEFT + (inside - FIRST_MS) * (RIGHT - LEFT) / (LAST_MS - FIRST_MS), 1)


def _bar(kind: str, span: Span, y: float) -> str:
    begin, end = map(_x, span)
    return f'  <rect class="{kind}" x="{begin:g}" y="{y:g}" width="{end - begin:.1f}" height="{BAR}" rx="4"/>'


def _text(kind: str, x: float, y: float, said: str) -> str:
    return f'  <text class="{kind}" x="{x:g}" y="{y:g}">{escape(said)}</text>'


def _moment(kind: str, ms: float, top: float, bottom: float) -> str:
    return f'  <path class="moment {kind}" d="M{_x(ms):g} {top:g}V{bottom:g}"/>'


def _scene(words: Mapping[str, str], name: str, scene: Scene, top: int) -> Iterator[str]:
    """Yield one scene: its title, its rows, and the moments across them."""
    y = {row: top + at for row, at in ROWS.items()}
    yield _text("title", 24, top + 36, words[name])
    for row in ROWS:
        yield _text("", 24, y[row] + 16, words[row])
    until = scene.released if scene.committed is None else scene.committed
    assert until is not None, "every hold ends"
    yield from _moments(words, scene, y, top, until)  # behind all else
    for said, begin, end in scene.words:
        yield _bar("person", (begin + 6, end - 6), y["person"])
        yield _text("white middle", (_x(begin) + _x(end)) / 2, y["person"] + 16, said)
    yield _bar("judged", scene.judged, y["ears"])
    yield _text("white", _x(scene.judged[0]) + 8, y["ears"] + 16, words["speech"])
    yield f'  <path class="line" d="M{_x(scene.judged[1]):g} {y["ears"] + 11}H{_x(scene.decided):g}"/>'
    yield _text("soft middle", (_x(scene.judged[1]) + _x(scene.decided)) / 2, y["ears"] + 7, words["silence"])
    yield from _answers(words, scene, y, (scene.held, until))


def _answers(words: Mapping[str, str], scene: Scene, y: Mapping[str, int], hold: Span) -> Iterator[str]:
    """Yield what sounds, what works for it, and the hold across both."""
    for span in scene.sounds:
        yield _bar("answer", span, y["answer"])
    if scene.next_sounds is not None:
        yield _bar("answer", (scene.next_sounds, scene.ends), y["answer"])
        said = words["next"].format(f"{scene.next_sounds:g}")
        yield _text("soft end", _x(scene.next_sounds) - 8, y["answer"] + 16, said)
    for row, spans in (("model", scene.model), ("voice", scene.voice)):
        for begin, end in spans:
            if begin > hold[0]:
                yield _bar(row, (begin, end), y[row])
                continue
            yield _bar(row, (begin, hold[0]), y[row])
            yield _bar(f"{row} waits", (hold[0], min(end, hold[1])), y[row])
            if end > hold[1]:
                yield _bar(row, (hold[1], end), y[row])
            else:
                yield f'  <use href="#x" x="{_x(end):g}" y="{y[row] + BAR / 2:g}"/>'
                yield _text("soft bad", _x(end) + 12, y[row] + 16, words["closed"])
    begin, end = map(_x, hold)
    top, width, height = y["answer"] - 6, f"{end - begin:.1f}", y["voice"] - y["answer"] + BAR + 12
    yield f'  <rect class="hold" x="{begin:g}" y="{top}" width="{width}" height="{height}" rx="6"/>'
    yield _text("hold-ink middle", (begin + end) / 2, y["answer"] + 16, words["held"])
    if scene.released is not None:
        yield _text("white", end + 8, y["answer"] + 16, words["goes_on"])
        yield _text("white", end + 8, y["model"] + 16, words["not_again"])
        limits, middle = Limits(), (begin + end) / 2
        yield _text("hold-ink middle", middle, y["model"] + 16, words["chars"].format(limits.held_chars))
        yield _text("hold-ink middle", middle, y["voice"] + 16, words["ahead"].format(limits.speech_ahead_ms / 1000))


def _moments(words: Mapping[str, str], scene: Scene, y: Mapping[str, int], top: int, until: float) -> Iterator[str]:
    """Yield when it is held, decided, over and asked."""
    above, bottom = top + 74, y["voice"] + BAR + 6
    yield _moment("", 0, above + 10, bottom)
    yield _moment("", scene.held, above - 12, y["answer"] - 6)
    yield _text("strong end", _x(scene.held) - 6, above, words["at_held"].format(f"{scene.held:g}"))
    if scene.committed is not None:
        yield _moment("cut", until, above - 12, y["answer"] - 6)
        yield _text("strong bad", _x(until) + 6, above, words["at_committed"].format(f"{until:g}"))
    else:
        yield _moment("freed", until, above - 12, y["answer"] - 6)
        yield _text("strong good", _x(until) + 6, above, words["at_released"].format(f"{until:g}", scene.reason))
    if scene.asked is not None:
        yield _moment("", scene.decided, above - 12, bottom)
        yield _text("strong end", _x(scene.decided) - 6, above, words["at_decided"].format(f"{scene.decided:g}"))
        yield _moment("", scene.asked, above - 12, bottom)
        yield _text("strong", _x(scene.asked) + 6, above, words["at_asked"].format(f"{scene.asked:g}"))


def _axis(words: Mapping[str, str]) -> Iterator[str]:
    """Yield the scale, below both scenes."""
    y = 2 * PANEL + 4
    yield f'  <path class="line" d="M{LEFT} {y}H{RIGHT}"/>'
    for ms in range(0, LAST_MS, 500):
        yield f'  <path class="line" d="M{_x(ms):g} {y}v6"/>'
        yield _text("soft middle", _x(ms), y + 22, f"{ms}")
    yield _text("soft end", RIGHT, y + 46, words["axis"])


if __name__ == "__main__":
    scenes = interruption(), backchannel()
    for file, language in PICTURES.items():
        (FOLDER / file).write_text(picture(language, *scenes), encoding="utf-8")
