"""One page over the results of a run: template, style and script beside the code that fills them."""

from .page import Overview, PageRow, page_parts

__all__ = ["Overview", "PageRow", "page_parts"]
