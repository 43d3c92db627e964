"""Why a candidate does as it does: one label out of a fixed list, computed from its trainings."""
