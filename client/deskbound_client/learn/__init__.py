"""Learning on the laptop: days become units, units become a noised update, nothing else."""
