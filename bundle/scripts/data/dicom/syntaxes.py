"""Transfer syntaxes: which are read here, and which decoder reads each of the others."""

from __future__ import annotations

SYNTAX = "1.2.840.10008.1.2"
NATIVE_SYNTAXES = (SYNTAX, SYNTAX + ".1", SYNTAX + ".1.99", SYNTAX + ".2")

#: Transfer syntax -> pydicom's decoding plugin. Named, because plugins differ by up to 5 gray levels on lossy JPEG.
PLUGINS = {
    SYNTAX + ".4.50": "pillow",  # JPEG Baseline
    SYNTAX + ".4.51": "pillow",  # JPEG Extended, 8 bit
    SYNTAX + ".4.57": "gdcm",  # JPEG Lossless
    SYNTAX + ".4.70": "gdcm",  # JPEG Lossless SV1
    SYNTAX + ".4.80": "pyjpegls",  # JPEG-LS Lossless
    SYNTAX + ".4.81": "pyjpegls",  # JPEG-LS Near-lossless
    SYNTAX + ".4.90": "pylibjpeg",  # JPEG 2000 Lossless, by OpenJPEG
    SYNTAX + ".4.91": "pylibjpeg",  # JPEG 2000
    SYNTAX + ".4.201": "pylibjpeg",  # HTJ2K Lossless
    SYNTAX + ".4.202": "pylibjpeg",  # HTJ2K Lossless RPCL
    SYNTAX + ".4.203": "pylibjpeg",  # HTJ2K
    SYNTAX + ".5": "pydicom",  # RLE
}
JPEG_EXTENDED = SYNTAX + ".4.51"
