"""What a MONAI Label server needs beside the bundle's own inference."""

from .monai_label import AnswerClient, ChooseFirstRegiond, RefuseFailures, UseServedWeights

__all__ = ["AnswerClient", "ChooseFirstRegiond", "RefuseFailures", "UseServedWeights"]
