"""Retrieval and term separation on embeddings whose answer is known."""

import pytest
import torch
from torch.nn.functional import normalize

from scripts.studies.language import language_markdown, retrieval, terms_told_apart


def test_retrieval_counts_distinct_descriptions_and_the_best_query():
    texts = torch.eye(20)[[0, 0, *range(1, 19)]]
    sentences = ["same", "same", *(f"other {i}" for i in range(1, 19))]
    # One query of two knows the answer.
    queries = torch.stack([texts, torch.zeros_like(texts)], dim=1)
    found = retrieval(queries, texts, sentences)
    assert found["descriptions"] == 19 and found["R@1"] == 1 and found["chance@5"] == pytest.approx(5 / 19)
    # Queries that point elsewhere, or nowhere at all, find nothing.
    assert retrieval(queries.roll(2, 0), texts, sentences)["R@1"] == 0
    assert retrieval(torch.zeros_like(queries), texts, sentences)["R@10"] == 0


def test_terms_are_told_apart_by_the_nearer_text():
    torch.manual_seed(0)
    terms = normalize(torch.randn(4, 16), dim=1)
    lexicon = {"shape": ("oval", "irregular"), "size": ("small", "large")}
    morphology = torch.stack([torch.arange(40) % 2, torch.full((40,), -1)], dim=1)
    regions = normalize(terms[morphology[:, 0]] + 0.1 * torch.randn(40, 16), dim=1)
    (row,) = terms_told_apart(regions, terms, morphology, lexicon)
    assert (row["term"], row["values"], row["cases"]) == ("shape", ["oval", "irregular"], [20, 20])
    assert row["auc"] == 1
    (row,) = terms_told_apart(torch.randn(40, 16), terms, morphology, lexicon)
    assert 0.2 < row["auc"] < 0.8
    assert terms_told_apart(regions[:12], terms, morphology[:12], lexicon) == []  # six of each are too few
    found = retrieval(regions[:, None], regions, [str(i) for i in range(40)])
    assert "| shape | oval / irregular | 20 / 20 | 1.000 |" in language_markdown(
        found, [{"term": "shape", "values": ["oval", "irregular"], "cases": [20, 20], "auc": 1.0}]
    )
