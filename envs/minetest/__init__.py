"""The tasks of the voxel world on a real engine: a headless Minetest server, one agent each."""
