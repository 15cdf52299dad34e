"""Docker images that Shoal makes by itself, from the distribution's packages, where no registry answers."""
