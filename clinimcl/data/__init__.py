"""Batches, sampling of pairs, augmentation, the LightningDataModule of each cohort."""
