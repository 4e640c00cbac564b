"""What a linear probe reads off an encoder's embeddings: diagnosis, score, age, and what it should not know."""
