"""What a MONAI Label server needs beside the bundle's own inference."""

from .monai_label import AnswerClient, ChooseFirstRegiond, RefuseFailures, UseServedWeights
from .question import AnswerQuestion

__all__ = ["AnswerClient", "AnswerQuestion", "ChooseFirstRegiond", "RefuseFailures", "UseServedWeights"]
