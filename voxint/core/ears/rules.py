"""What is set of the ears, in one frozen value."""

from __future__ import annotations

from attrs import frozen

from voxint.arguments import check_fields
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.echo import EchoRules
from voxint.core.ears.endpointing import Endpointing
from voxint.core.voice_activity import VoiceCuts

__all__ = ["EarRules"]


@frozen(kw_only=True, field_transformer=check_fields)
class EarRules:
    """How a microphone that is always open is heard.

    Args:
        cuts: How a detector's probabilities become speech.
        barge_in: What may interrupt an answer.
        endpointing: When an utterance is over.
        echo: How the answer's own sound is told from a person's.
        speculate: Whether the model is asked at a pause already, before it is certain that the person has ended. What
            comes of it is withheld until then, and cancelled where the person goes on. By default it is not: a model
            bills for what is thrown away.
        recovery: What is said where an answer was interrupted by what became no words; empty: nothing is said.
    """

    cuts: VoiceCuts = VoiceCuts()
    barge_in: BargeIn = BargeIn()
    endpointing: Endpointing = Endpointing()
    echo: EchoRules = EchoRules()
    speculate: bool = False
    recovery: str = ""
