"""An exam of frozen embeddings, anybody's: a linear probe on unseen people, and for whom it errs."""
