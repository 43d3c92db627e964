-- The agent: a body as large as a player's. Digging takes the tool's time by the engine's rules; lava and falls hurt as
-- they hurt players.

local world, body, animals = autoreward.world, autoreward.body, autoreward.animals
local M = {}

local BOX = { -0.3, 0, -0.3, 0.3, 1.7, 0.3 }
local FULL, HURT_EVERY = 20, 1.0 -- health; seconds between two damages by a node, as of players
local SAFE_SPEED = 14 -- blocks a second at which a player lands unhurt
local NO_CAUSE, BY_LAVA, BY_FALL = 0, 1, 2

-- In the order of the program's items; false: nothing of the game's.
local ITEMS = {
    "default:tree", "default:wood", "default:stick", "default:cobble", "default:coal_lump", "default:iron_lump",
    "default:steel_ingot", "default:diamond", "default:dirt", false, "autoreward:crafting_table", "default:furnace",
    "default:pick_wood", "default:pick_stone", "default:pick_steel", "autoreward:meat",
}
local COBBLE, MEAT, PICKS = 4, 16, { 13, 14, 15 }
local NUMBER_OF = {}
for number, name in ipairs(ITEMS) do
    if name then NUMBER_OF[name] = number end
end
local FORWARD, RIGHT, TURN_LEFT, TURN_RIGHT, LOOK_UP, LOOK_DOWN, ATTACK, PLACE, CRAFT = 1, 4, 5, 6, 7, 8, 9, 10, 11
local TURNS = { [1] = 0, [2] = 2, [3] = 3, [4] = 1 }
local STATION_RANGE = 2

body.register("autoreward:agent", BOX)
minetest.register_craftitem("autoreward:meat", { description = "Meat" })

local counts, wear, recipes, event, health, heading, pitch, reach
local digging, since_hurt, since_punch, wading

function M.begin(episode)
    if M.body then
        M.body.object:remove()
    end
    M.body = body.spawn("autoreward:agent", episode.x, episode.z, episode.y)
    counts, wear, recipes, reach = episode.items, {}, episode.recipes, episode.reach
    health, heading, pitch = FULL, episode.heading, 0
    digging, since_hurt, since_punch, wading = nil, 0, 1000, false
    event = {}
end

local function ahead(up)
    return world.position(M.body.x + body.EAST[heading], M.body.z + body.SOUTH[heading], M.body.y + up)
end

local function solid(position)
    return world.definition(position).walkable or animals.at(position) ~= nil
end

-- The first solid cell that an attack meets, nil where there is none.
local function aim()
    for distance = 1, reach do
        local cells
        if pitch > 0 then
            cells = { body.cell(M.body, 1 + distance) }
        else
            local x = M.body.x + body.EAST[heading] * distance
            local z = M.body.z + body.SOUTH[heading] * distance
            local up = M.body.y + 1 + pitch
            cells = { world.position(x, z, up), world.position(x, z, up - 1) }
        end
        for _, cell in ipairs(cells) do
            if solid(cell) then
                return cell
            end
        end
    end
end

local function hand()
    return minetest.registered_items[""].tool_capabilities
end

-- What digs a node fastest of all that is carried: the engine's parameters and the item's number (nil: the hand).
local function best_tool(groups)
    local best, tool = minetest.get_dig_params(groups, hand()), nil
    for _, number in ipairs(PICKS) do
        if counts[number] > 0 then
            local params = minetest.get_dig_params(groups, ItemStack(ITEMS[number]):get_tool_capabilities())
            if params.diggable and (not best.diggable or params.time < best.time) then
                best, tool = params, number
            end
        end
    end
    return best, tool
end

local function wear_out(tool, amount)
    local stack = ItemStack({ name = ITEMS[tool], count = 1, wear = wear[tool] or 0 })
    stack:add_wear(amount)
    wear[tool] = stack:get_wear()
    if stack:is_empty() then
        counts[tool], wear[tool] = counts[tool] - 1, 0
    end
end

local function dig(position)
    local node, definition = minetest.get_node(position), world.definition(position)
    local params, tool = best_tool(definition.groups or {})
    if definition.diggable == false or not params.diggable then
        return
    end
    local key = minetest.hash_node_position(position)
    if not digging or digging.key ~= key then
        digging = { key = key, seconds = 0 }
    end
    digging.seconds, digging.needs = digging.seconds + body.STEP, params.time
    if digging.seconds < params.time - 1e-6 then
        return
    end
    digging, event.mined = nil, world.id(position)
    for _, name in ipairs(minetest.get_node_drops(node, tool and ITEMS[tool] or "")) do
        local stack = ItemStack(name)
        local number = NUMBER_OF[stack:get_name()]
        if number then counts[number] = counts[number] + stack:get_count() end
    end
    if tool then wear_out(tool, params.wear) end
    minetest.remove_node(position)
end

local function attack()
    local position = aim()
    if not position then
        return
    end
    local animal = animals.at(position)
    if not animal then
        dig(position)
        return
    end
    local capabilities, tool = hand(), nil
    for _, number in ipairs(PICKS) do
        if counts[number] > 0 then
            capabilities, tool = ItemStack(ITEMS[number]):get_tool_capabilities(), number
        end
    end
    if since_punch + 1e-6 < capabilities.full_punch_interval then
        return -- an earlier punch would do less, by hand nothing
    end
    event.hit, since_punch = animal.species, 0
    if animals.punch(animal, M.body.object, capabilities, capabilities.full_punch_interval) then
        event.killed = animal.species
        counts[MEAT] = counts[MEAT] + 1
    end
end

local function put(position, item, id)
    if not world.definition(position).buildable_to or animals.at(position) then
        return false
    end
    minetest.set_node(position, { name = world.NODES[id] })
    counts[item], event.placed = counts[item] - 1, id
    return true
end

local function station_near(id)
    local here, range = body.cell(M.body), { x = STATION_RANGE, y = STATION_RANGE, z = STATION_RANGE }
    return #minetest.find_nodes_in_area(vector.subtract(here, range), vector.add(here, range), world.NODES[id]) > 0
end

-- A recipe of the program's (items from 0, -1 for none): first, count, second, count, gives, amount, station, places.
local function craft(number)
    local recipe = { unpack(recipes, number * 8 + 1, number * 8 + 8) }
    local first, second, gives, places = recipe[1] + 1, recipe[3] + 1, recipe[5] + 1, recipe[8]
    if places >= 0 and minetest.get_node(ahead(0)).name ~= "air" then
        return
    end
    if places < 0 or counts[gives] == 0 then
        local enough = counts[first] >= recipe[2] and (second == 0 or counts[second] >= recipe[4])
        if not enough or (recipe[7] >= 0 and not station_near(recipe[7])) then
            return
        end
        counts[first] = counts[first] - recipe[2]
        if second > 0 then counts[second] = counts[second] - recipe[4] end
        counts[gives] = counts[gives] + recipe[6]
        event.crafted = gives
    end
    if places >= 0 then put(ahead(0), gives, places) end
end

-- Begin an action; the engine's tick of `dtime` seconds carries it out.
function M.act(action, dtime)
    local east, south, before = 0, 0, digging
    event, digging = {}, nil
    since_punch = since_punch + body.STEP
    if action >= FORWARD and action <= RIGHT then
        local way = (heading + TURNS[action]) % 4
        local held = body.in_liquid(M.body) and not wading
        wading = held
        if not held then east, south = body.EAST[way], body.SOUTH[way] end
    elseif action == TURN_LEFT then
        heading = (heading + 3) % 4
    elseif action == TURN_RIGHT then
        heading = (heading + 1) % 4
    elseif action == LOOK_UP then
        pitch = math.min(pitch + 1, 1)
    elseif action == LOOK_DOWN then
        pitch = math.max(pitch - 1, -1)
    elseif action == ATTACK then
        digging = before
        attack()
    elseif action == PLACE and counts[COBBLE] > 0 then
        put(ahead(pitch), COBBLE, 11)
    elseif action >= CRAFT then
        craft(action - CRAFT)
    end
    M.body.object:set_yaw(-math.pi / 2 * (heading + 1))
    body.push(M.body, east, south, dtime)
end

local function hurt(amount, cause)
    event.damage = (event.damage or 0) + amount
    event.cause = cause
    health = math.max(health - amount, 0)
end

-- After the engine's tick: where it is, and what that has cost.
function M.settle()
    local fallen = body.settle(M.body)
    event.moved = M.body.moved and 1 or 0
    local speed = math.sqrt(2 * body.GRAVITY * fallen)
    if speed > SAFE_SPEED then
        hurt(math.floor(speed - SAFE_SPEED + 0.5), BY_FALL)
    end
    since_hurt = since_hurt + body.STEP
    if since_hurt >= HURT_EVERY - 1e-6 then
        since_hurt = since_hurt - HURT_EVERY
        local feet, head = world.definition(body.cell(M.body)), world.definition(body.cell(M.body, 1))
        local amount = math.max(feet.damage_per_second or 0, head.damage_per_second or 0)
        if amount > 0 then hurt(amount, BY_LAVA) end
    end
end

-- Numbers in the program's order: x z y heading pitch health grounded fallen; moved mined placed crafted hit killed
-- damage cause; how far a block is dug, in thousandths (-1: none is); 16 counts.
function M.told()
    local self = M.body
    local fallen = math.max(math.floor(self.top - self.height + 0.5), 0)
    local told = {
        self.x, self.z, self.y, heading, pitch, health, self.grounded and 1 or 0, fallen,
        event.moved or 0, event.mined or 0, event.placed or 0, event.crafted or 0, event.hit or 0, event.killed or 0,
        event.damage or 0, event.cause or NO_CAUSE,
        digging and math.floor(1000 * digging.seconds / digging.needs) or -1,
    }
    for number = 1, #ITEMS do
        told[#told + 1] = counts[number]
    end
    return told
end

return M
