-- Animals: bodies of the engine's that wander by the task's knobs; punches hurt them by the engine's rules.

local body = autoreward.body
local M = {}

local BOX = { -0.4, 0, -0.4, 0.4, 1.1, 0.4 } -- too high to be climbed
local FLEE_CHANCE = 32768 -- of 65536
local herd, random, knobs = {}, nil, nil

body.register("autoreward:animal", BOX)

function M.begin(episode)
    for _, animal in ipairs(herd) do
        animal.object:remove()
    end
    herd, random, knobs = {}, PcgRandom(episode.seed), episode
    for at = 1, #episode.animals, 4 do
        local animal = body.spawn("autoreward:animal", unpack(episode.animals, at, at + 2))
        animal.species = episode.animals[at + 3]
        animal.object:set_properties({ hp_max = knobs.animal_health })
        animal.object:set_hp(knobs.animal_health)
        animal.hp = knobs.animal_health
        herd[#herd + 1] = animal
    end
end

local function away(animal)
    local agent = autoreward.agent.body
    local dx, dz = animal.x - agent.x, animal.z - agent.z
    if math.abs(dx) >= math.abs(dz) then
        return dx >= 0 and 0 or 2
    end
    return dz >= 0 and 1 or 3
end

function M.act(dtime)
    for _, animal in ipairs(herd) do
        if animal.hp > 0 then
            local heading, chance = random:next(0, 3), knobs.move
            if knobs.flee and animal.hp < knobs.animal_health then
                heading, chance = away(animal), FLEE_CHANCE
            end
            local walks = random:next(0, 65535) < chance and animal.grounded
            body.push(animal, walks and body.EAST[heading] or 0, walks and body.SOUTH[heading] or 0, dtime)
        end
    end
end

function M.settle()
    for _, animal in ipairs(herd) do
        if animal.hp > 0 then
            body.settle(animal)
        end
    end
end

-- The animal in a cell, if any.
function M.at(position)
    for _, animal in ipairs(herd) do
        if animal.hp > 0 and animal.x == position.x and animal.y == position.y and -animal.z == position.z then
            return animal
        end
    end
end

-- Punch it; whether that has killed it.
function M.punch(animal, puncher, capabilities, since)
    animal.object:punch(puncher, since, capabilities, { x = 0, y = 0, z = 0 })
    animal.hp = animal.object:get_pos() and animal.object:get_hp() or 0
    return animal.hp <= 0
end

-- How many, then x, z, y, species, health of each; species 0 for the dead.
function M.told()
    local told = { #herd }
    for _, animal in ipairs(herd) do
        for _, number in ipairs({ animal.x, animal.z, animal.y, animal.hp > 0 and animal.species or 0, animal.hp }) do
            told[#told + 1] = number
        end
    end
    return told
end

return M
