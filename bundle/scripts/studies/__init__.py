"""What parts of the network do: response maps, candidates, prompts, language, the lexicon and its words."""

from .candidates import CandidateReport
from .language import LanguageReport
from .lexicon_table import write_lexicon_table
from .prompt_swaps import PromptSwapReport
from .responses import ResponseReport
from .word_agreement import WordAgreement

__all__ = [
    "CandidateReport",
    "LanguageReport",
    "PromptSwapReport",
    "ResponseReport",
    "WordAgreement",
    "write_lexicon_table",
]
