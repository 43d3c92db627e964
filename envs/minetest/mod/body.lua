-- Bodies that the engine moves. A step of the program is `STEP` seconds and one tick of the engine, however long that
-- tick is: speeds are multiplied by what the tick lacks and gravity by its square, so the path is that of `STEP` seconds.

local world = autoreward.world
local M = {}

M.STEP = 0.4
M.GRAVITY = tonumber(minetest.settings:get("movement_gravity")) or 9.81
local LONGEST = 0.5 -- seconds that the engine moves a body in one tick, at most
local SINKING = 2.5 -- blocks a second in a liquid
M.EAST, M.SOUTH = { [0] = 1, 0, -1, 0 }, { [0] = 0, 1, 0, -1 }

function M.spawn(name, x, z, y)
    local object = assert(minetest.add_entity({ x = x, y = y - 0.5, z = -z }, name), "no body: is the block loaded?")
    return { object = object, x = x, z = z, y = y, height = y - 0.5, speed = 0, grounded = true, top = y - 0.5 }
end

function M.cell(self, up)
    return world.position(self.x, self.z, self.y + (up or 0))
end

function M.in_liquid(self)
    return world.definition(M.cell(self)).liquidtype ~= "none" or world.definition(M.cell(self, 1)).liquidtype ~= "none"
end

-- Let the engine move a body in the coming tick of `dtime` seconds, by one cell east or south where asked to.
function M.push(self, east, south, dtime)
    local tick = math.min(dtime, LONGEST)
    self.factor = M.STEP / tick
    local swims = M.in_liquid(self)
    local speed = swims and -SINKING or self.speed
    local gravity = swims and 0 or -M.GRAVITY
    self.object:set_velocity({ x = east / tick, y = speed * self.factor, z = -south / tick })
    self.object:set_acceleration({ x = 0, y = gravity * self.factor ^ 2, z = 0 })
end

-- What has come of it: the cell it is in now (it stops in the middle of one); whether it stands; the depth of a fall
-- that has just ended, in blocks.
function M.settle(self)
    local position, result = self.object:get_pos(), self.object:get_luaentity().moved or {}
    local x, z = math.floor(position.x + 0.5), math.floor(-position.z + 0.5)
    self.moved = x ~= self.x or z ~= self.z
    self.grounded = result.touching_ground or false
    self.speed = self.grounded and 0 or self.object:get_velocity().y / self.factor
    self.x, self.z, self.height = x, z, position.y
    self.y = math.floor(position.y + 0.5 + 0.01)
    if self.grounded then
        self.height = self.y - 0.5
    end
    self.object:set_velocity({ x = 0, y = 0, z = 0 })
    self.object:set_acceleration({ x = 0, y = 0, z = 0 })
    self.object:set_pos({ x = x, y = self.height, z = -z })
    self.top = math.max(self.top, self.height)
    local fallen = 0
    if M.in_liquid(self) then
        self.top = self.height
    elseif self.grounded then
        fallen, self.top = self.top - self.height, self.height
    end
    return fallen
end

-- An entity that keeps what the engine says of its last move.
function M.register(name, box, extra)
    local definition = {
        initial_properties = {
            physical = true, collide_with_objects = true, collisionbox = box, stepheight = 1.05,
            visual = "cube", visual_size = { x = 0.6, y = box[5] }, static_save = false, hp_max = 20,
        },
        on_activate = function(self) self.object:set_armor_groups({ fleshy = 100 }) end,
        on_step = function(self, _, moveresult) self.moved = moveresult end,
    }
    for key, value in pairs(extra or {}) do
        definition[key] = value
    end
    minetest.register_entity(name, definition)
end

return M
