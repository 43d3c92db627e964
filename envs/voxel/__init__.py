"""The voxel world: a Minecraft-like environment in which tasks, dangers and ways of gaming a reward exist."""
