"""The bytes of a file → its voxels: NIfTI, Analyze, MGH, NRRD, MetaImage, tensors."""
