"""What a reviewer asks of a run: who was in it, what it can and cannot show, and what only the author knows."""
