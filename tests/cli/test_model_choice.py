from __future__ import annotations

import pytest

from voxint.cli.model_choice import KnownModel, billions_in, fit_for_talk


def best(*names: str) -> str:
    """Return what is taken of these."""
    return fit_for_talk(map(KnownModel, names))[0]


@pytest.mark.parametrize(
    ("text", "billions"),
    [
        ("llama3.2:3b", 3.0),
        ("Qwen2.5-7B-Instruct", 7.0),
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", 3.0),
        ("mixtral-8x7b", 56.0),
        ("smollm2:135m", 0.135),
        ("gemma3n:e4b", 4.0),
        ("3.2B", 3.2),
        ("llama3.2:latest", None),
        ("gpt-4.1-mini", None),
        ("", None),
    ],
)
def test_a_name_tells_the_size(text: str, billions: float | None) -> None:
    """Where it does: a version is none, nor is a quantization."""
    assert billions_in(text) == billions


@pytest.mark.parametrize(
    "name",
    [
        "nomic-embed-text:latest",
        "text-embedding-nomic-embed-text-v1.5",
        "bge-m3",
        "BAAI/bge-reranker-v2-m3",
        "mxbai-embed-large",
        "all-minilm",
        "intfloat/e5-large",
        "whisper-large-v3",
        "openai/clip-vit",
        "llama-guard3:8b",
        "black-forest-labs/flux-dev",
        "kokoro-82m",
        "",
        "x" * 201,
        "llama\x1b[2J",
        "two\nlines",
    ],
)
def test_what_makes_no_conversation_is_left_out(name: str) -> None:
    """Embeddings, rerankers, ears, painters and judges; and what can't be shown to a person."""
    assert fit_for_talk([KnownModel(name)]) == ()


def test_a_family_tells_it_too() -> None:
    """Of a name that says nothing."""
    assert fit_for_talk([KnownModel("mine", family="bert"), KnownModel("yours", family="llama")]) == ("yours",)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("llama3.1:70b", "llama3.1:8b", "llama3.2:3b", "llama3.2:1b", "smollm2:135m"), "llama3.2:3b"),
        (("llama3.1:70b", "llama3.2:1b"), "llama3.2:1b"),
        (("llama3.1:70b", "smollm2:135m"), "llama3.1:70b"),
        (("qwen2.5:0.5b", "smollm2:135m"), "qwen2.5:0.5b"),
        (("Qwen2.5-7B", "Qwen2.5-7B-Instruct"), "Qwen2.5-7B-Instruct"),
        (("gemma-3-4b-pt", "gemma-3-12b-it"), "gemma-3-12b-it"),
        (("qwen2.5-coder:3b", "deepseek-r1:8b", "qwen2.5vl:3b", "llama3.1:8b"), "llama3.1:8b"),
        (("qwen3:4b", "gemma3:4b"), "gemma3:4b"),
        (("qwen2.5-coder:7b",), "qwen2.5-coder:7b"),
        (("nomic-embed-text", "mystery"), "mystery"),
        (("mystery", "llama3.2:1b"), "mystery"),
        (("b-3b", "a-3b"), "a-3b"),
    ],
)
def test_the_smallest_that_is_likely_good_is_taken(names: tuple[str, ...], taken: str) -> None:
    """Whatever the order in which they are listed."""
    assert best(*names) == best(*reversed(names)) == taken


def test_the_size_that_the_server_tells_counts() -> None:
    """More than the one in the name, for a name can be anything; none is lost, and none comes twice."""
    models = [
        KnownModel("a:latest", 70.0),
        KnownModel("b:latest", 3.2),
        KnownModel("c-3b", 1.0),
        KnownModel("b:latest"),
    ]
    assert fit_for_talk(models[:3]) == ("b:latest", "c-3b", "a:latest")
    assert sorted(fit_for_talk(models)) == ["a:latest", "b:latest", "c-3b"]
