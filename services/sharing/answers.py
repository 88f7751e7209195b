"""Questions of other services that sharing answers: none so far."""

from collections.abc import Mapping

from contracts.envelope import Question
from kernel.bus import Answer

ANSWERS: Mapping[type[Question], Answer] = {}
