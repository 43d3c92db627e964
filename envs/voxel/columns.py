"""Where the numbers of a world lie: columns of the agent's row, of an animal's row, and places in the rules.

Every world has one row of int64 in `agent`; what a step reports (events, distances) is written there too.
"""

from __future__ import annotations

# The agent: state
X, Z, Y, HEADING, PITCH, HEALTH, MINE_CELL, MINE_PROG, FALL, T, MILESTONES_SEEN, REGEN, STUCK, KEY = range(14)
START_X, START_Z, START_Y, CELLS, EPISODE, WORLD = range(14, 20)
# ... what the last step brought
MOVED, MINED, PLACED, CRAFTED, HIT_ANIMAL, KILLED, DAMAGE, CAUSE, NEW_CELL, HEALTH_DELTA, DIED, SUCCESS = range(20, 32)
# ... and what is around
ON_GROUND, IN_LAVA, TIER, FRONT_HEAD, FRONT_FOOT, BELOW, ABOVE, TARGET_DIST, TARGET_AHEAD, LAVA_DIST = range(32, 42)
FRONT_FLOOR, AIMED = range(42, 44)
# ... and where it walks: the column of the world it is in, the one that it left last, and whether it is back there
HERE, LEFT_LAST, CAME_BACK = range(44, 47)
COLUMNS = 47

CAUSES = ("none", "lava", "fall")
NO_CAUSE, BY_LAVA, BY_FALL = range(3)

# An animal
A_X, A_Z, A_Y, A_SPECIES, A_HP = range(5)

# The rules of a task, one array of int64
R_ACTIONS, R_LIMIT, R_REACH, R_TARGET, R_MOVE, R_FLEE, R_HP, R_GOAL, R_STRIDE_X, R_STRIDE_Z, R_SIZE_X, R_SIZE_Z = range(
    12
)
R_HITS = 16
"""[4 tiers x 16 blocks]."""
R_DROPS = R_HITS + 64
"""[16 blocks], item or -1."""
R_GROUPS = R_DROPS + 16
"""[64 ids]: the group as which a policy sees it, -1 for none."""
R_RECIPES = R_GROUPS + 64
"""[8 recipes x 8]."""
R_MILESTONES = R_RECIPES + 64
"""[16 items]: number of the item's milestone, or -1."""
RULES = R_MILESTONES + 16

GOALS = ("item", "ahead", "view", "kill")
GOAL_ITEM, GOAL_AHEAD, GOAL_VIEW, GOAL_KILL = range(4)

GROUPS = ("terrain", "log", "ore", "lava", "animal", "target")
G_TERRAIN, G_LOG, G_ORE, G_LAVA, G_ANIMAL, G_TARGET = range(6)
