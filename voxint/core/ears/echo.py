"""Whether what comes in is the answer's own sound."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.audio import AudioFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EchoGuard", "EchoRules", "EchoVerdict"]

RATE = 8_000
"""Samples a second that are compared; ours: the lower half of speech's spectrum tells voices apart, at half the work."""

FRAME = 256
"""Samples of a frame of the spectrum; ours: 32 ms, over which a voice stands still."""

HOP = 64
"""Samples from a frame to the next; ours: a quarter, so that Hann windows overlap as usual."""

STEP = 2
"""Frames from one tap of the path to the next; ours: 16 ms, half a frame."""

LOWEST, HIGHEST = 6, 116
"""The bins that are looked at; ours: 190 to 3600 Hz, between mains hum and the edge of the filter."""

FADED_DB = -60.0


@frozen(kw_only=True, field_transformer=check_fields)
class EchoRules:
    """How the answer's own sound is told from a person's.

    Args:
        guard: Whether it is.
    """

    guard: bool = True
    most_delay_ms: float = field(default=800.0, validator=bounded(at_least=0, at_most=2_000))
    ahead_ms: float = field(default=200.0, validator=bounded(at_least=0, at_most=1_000))
    tail_ms: float = field(default=112.0, validator=bounded(at_least=32, at_most=500))
    person_db: float = field(default=-6.0, validator=bounded(at_least=-30, at_most=0))
    silence_db: float = field(default=-55.0, validator=bounded(at_least=-90, at_most=0))
    judged_ms: float = field(default=200.0, validator=bounded(at_least=64, at_most=1_000))


@frozen
class EchoVerdict:
    """What the microphone heard while an answer sounded.

    Args:
        share: How much of its energy the answer's sound explains, 0 to 1.
        delay_ms: How much later than reckoned it hears the answer.
        person_db: The level of what is left, in decibels against all that it heard; 0: the answer explains nothing.
        own: Whether it is the answer's own sound, or too faint for anybody's.
    """

    share: float
    delay_ms: float
    person_db: float
    own: bool


NOTHING = EchoVerdict(1.0, 0.0, FADED_DB, True)


class EchoGuard:
    def __init__(self, rules: EchoRules, audio_format: AudioFormat) -> None:
        import numpy as np

        if audio_format.rate not in (RATE, 2 * RATE):
            raise ValueError(f"the echo guard hears 8000 or 16000 samples a second, not {audio_format.rate}")
        self._np = np
        self._rules = rules
        self._halve = audio_format.rate == 2 * RATE
        self._window = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)
        self._taps = int(rules.tail_ms * RATE / 1000) // (HOP * STEP)
        self._trace: Any = None

    def judge(self, microphone: bytes, reference: bytes, *, ahead_ms: float = 0.0) -> EchoVerdict:
        np = self._np
        mic, ref = self._samples(microphone), self._samples(reference)
        ahead = min(int(ahead_ms * RATE / 1000), len(ref))
        if len(mic) < 2 * FRAME:
            return NOTHING
        level = 10 * log10(float(np.mean(mic * mic)) + 1e-12)
        if level < self._rules.silence_db:
            return NOTHING
        delay = self._delay(mic, ref, ahead)
        share, left = self._explained(mic, ref, ahead, delay)
        person_db = 10 * log10(max(left, 1e-6))
        return EchoVerdict(share, delay * 1000 / RATE, person_db, person_db < self._rules.person_db)

    def _samples(self, pcm: bytes) -> NDArray[np.float32]:
        np = self._np
        x = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) * np.float32(1 / 32768)
        if not self._halve:
            return x
        n = (len(x) - 11) // 2
        if n <= 0:
            return x[:0]
        # drop from the front, so that the last samples of both stay aligned
        x = x[len(x) - (2 * n + 10) :]

        def at(k: int) -> Any:
            return x[k : k + 2 * n : 2]

        y = 0.5 * at(5) + 0.3053 * (at(4) + at(6)) - 0.0723 * (at(2) + at(8)) + 0.0170 * (at(0) + at(10))
        return y.astype(np.float32)

    def _delay(self, mic: Any, ref: Any, ahead: int) -> int:
        """Return the delay in samples: microphone[end - i] hears reference[end - ahead - delay - i]."""
        np = self._np
        size = 1 << (len(mic) + len(ref) - 1).bit_length()
        a, b = np.fft.rfft(mic, size), np.fft.rfft(ref, size)
        cross = a * np.conj(b)
        mag = np.abs(cross)
        k0, k1 = int(150 * size / RATE), int(3600 * size / RATE)
        w = np.zeros(len(cross), np.float32)
        w[k0:k1] = 1
        cross = cross * w / (mag**0.7 + 1e-3 * mag.max() ** 0.7 + 1e-20)
        corr = np.fft.irfft(cross, size)
        # corr[l] = sum mic[n] ref[n-l]  -> mic[n] ~ ref[n-l]. mic index n at time n - len(mic); ref index j at time j - (len(ref)-ahead)
        # delay d: mic time t hears ref time t-d: n-len(mic)-d = j-(len(ref)-ahead) -> n-j = l = len(mic)+d-len(ref)+ahead
        most = int(self._rules.most_delay_ms * RATE / 1000)
        lags = np.arange(-ahead, most + 1)
        c = np.abs(corr[(len(mic) - len(ref) + ahead + lags) % size])
        tot = float(np.sqrt(np.mean(c * c))) + 1e-20
        c = c / tot
        if self._trace is None or len(self._trace) != len(c):
            self._trace = c
        else:
            self._trace = 0.9 * self._trace + c
        return int(lags[int(np.argmax(self._trace))])

    def _frames(self, x: Any) -> Any:
        np = self._np
        n = (len(x) - FRAME) // HOP + 1
        v = np.lib.stride_tricks.as_strided(x, (n, FRAME), (x.strides[0] * HOP, x.strides[0]))
        return np.fft.rfft(v * self._window, axis=1)[:, LOWEST:HIGHEST]

    def _explained(self, mic: Any, ref: Any, ahead: int, delay: int) -> tuple[float, float]:
        np = self._np
        taps = self._taps
        lead = HOP  # the path may begin a little before the strongest
        n = (len(mic) - FRAME) // HOP + 1
        used = (n - 1) * HOP + FRAME
        mic = mic[len(mic) - used :]
        end = len(ref) - ahead - delay + lead
        span = used + (taps - 1) * STEP * HOP
        want = np.zeros(span, np.float32)
        lo, hi = end - span, end
        s, e = max(lo, 0), min(hi, len(ref))
        if e > s:
            want[s - lo : e - lo] = ref[s:e]
        m = self._frames(mic)
        r = self._frames(want)
        off = (taps - 1) * STEP
        x = np.stack([r[off - k * STEP : off - k * STEP + n] for k in range(taps)], axis=2)  # n, bins, taps
        x = np.ascontiguousarray(x.transpose(1, 0, 2))  # bins, n, taps
        y = np.ascontiguousarray(m.T)[:, :, None]  # bins, n, 1
        xh = np.conj(x.transpose(0, 2, 1))
        rr = xh @ x
        rm = xh @ y
        diag = np.einsum("bkk->bk", rr).real.sum(axis=1) / taps
        reg = 0.02 * diag + 1e-3 * diag.mean() + 1e-9
        rr = rr + reg[:, None, None] * np.eye(taps, dtype=rr.dtype)
        h = np.linalg.solve(rr, rm)
        resid = np.abs(y - x @ h)[:, :, 0] ** 2
        power = np.abs(y)[:, :, 0] ** 2
        floor = np.quantile(resid, 0.15, axis=1) * 2
        late = int(self._rules.judged_ms * RATE / 1000) // HOP
        f = (np.arange(LOWEST, HIGHEST) / HIGHEST).astype(np.float32) ** 1  # lift the highs as ears do
        res = np.maximum(resid[:, -late:] - floor[:, None], 0)
        left = float((res.sum(axis=1) * f).sum()) / (float((power[:, -late:].sum(axis=1) * f).sum()) + 1e-12)
        return max(0.0, 1 - left), left
