"""DICOM in: header, regions, pixels, decoding."""
