"""Measurements of a lesion, from its mask and image, that words rest on."""
