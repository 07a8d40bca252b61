"""What parts of the network do: response maps, candidates, the words of the prompt, language, the lexicon."""

from .candidates import CandidateReport
from .language import LanguageReport
from .lexicon_table import write_lexicon_table
from .prompt_swaps import PromptSwapReport
from .responses import ResponseReport

__all__ = ["CandidateReport", "LanguageReport", "PromptSwapReport", "ResponseReport", "write_lexicon_table"]
