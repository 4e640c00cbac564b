"""What runs the preparation: the cores of this machine, Dask, SLURM."""
