"""DICOM series, enhanced files and loops → volumes and clips."""
