"""The LightningModules: contrastive pretraining, score pretraining, health change."""
