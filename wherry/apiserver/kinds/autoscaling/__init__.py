"""autoscaling: as many pods as their use asks for."""
