"""What Lightning does not bring: checkpoints, graceful stop, DDP, gradient cache, bf16 check."""
