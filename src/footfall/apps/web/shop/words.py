"""Turns numbers into words: three lists of 256, for visitor ids such as ``sad-music-boxing``."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES: Final = _words(
    """
    active agile airy alert amber amused ancient artful autumn awake aware beaming big blithe blue bold bouncy
    brave bright brisk bronze bubbly busy calm candid careful casual cheery chilly chipper civil classic clean
    clever cloudy comfy compact content cool copper cosy creamy crisp curious curly cute daily dainty dazzling
    dear deep deft devoted dewy direct dizzy dotted downy dreamy droll dusty eager earnest easy elegant exact
    fabled fair famous fast fearless festive fine fit fleet floral fluent foggy folksy fond frank free fresh
    friendly funny fuzzy gallant gentle genuine giant giddy glad gleaming glossy golden good graceful grand
    grassy great green handy happy hardy hazel hearty hidden honest hopeful humble hushed ideal indigo jaunty
    jolly jovial joyful juicy jumbo keen kind lasting lavish leafy light lilac limber little lofty long loyal
    lucid lucky lunar lush maroon mellow merry mighty mild minty misty modern mossy musical narrow natty neat
    nice nifty noble novel oaken olive open orange orderly peachy perky placid plain playful pleasant plucky
    plum polished polite precise pretty proper proud pure quick quiet quirky radiant rapid rare ready relaxed
    rich robust roomy rosy round royal ruby sad safe sandy scenic serene sharp shiny silent silken silly silver
    simple sleek sleepy smart smiling smooth snowy snug social soft solid sonic special spotted spry stable
    starry steady stout strong sturdy suave subtle sunny supple sweet swift tactful tall tame tawny teal
    thankful thrifty tidy tiny tranquil trim true trusty useful valiant vast velvet vivid vocal warm wry whole
    wide wild willing windy wise wooden young zany zesty
    """
)
NOUNS: Final = _words(
    """
    acorn almond anchor apple arrow aspen atlas badger bagel ballad bamboo barley barn basil basket bay beach
    beacon bison bee beetle bell berry birch bird biscuit blossom boat book boot bottle breeze bridge bucket
    buffalo butter button cabin cactus cake camera candle canoe canyon caramel carrot castle cat cello cherry
    chestnut chess circle citrus clarinet clock cloud clover coast cocoa coconut comet cookie cottage cotton
    crown crystal cup curlew dahlia dawn deer delta dolphin donkey door dove drum duck dune eagle easel echo elm
    engine falcon feather fern ferry fiddle field finch fir fjord flute forest fossil fountain fox geyser
    giraffe glacier globe goat goose grape guitar hammock harp hawk heron hill honey horse igloo iris island ivy
    jacket jasmine jay kayak kettle kite kiwi koala ladder lagoon lamp lantern lark lemon lily lime linen lizard
    llama lotus lute lynx magnet mango maple market meadow melon mill mint mirror moon moss mountain muffin
    music nectar nest nutmeg oasis oboe ocean opal orbit orchard orchid otter oyster paddle palm panda papaya
    parrot path peak pear pearl pebble pelican pencil penguin piano picnic pillow pine planet plum pocket pond
    poplar poppy prairie puffin pumpkin quail quartz rabbit raft rain raven reef ribbon river rocket rose saddle
    sail salmon sand sapling saxophone seal shell shore silk sky sloth snow spice spoon spring squirrel star
    stone stream sun swan tango teapot thistle thunder tiger torch tower train tree trumpet tulip tundra turtle
    vanilla village viola violin voyage waffle walnut whale wheel willow wind window winter wolf wren yak zebra
    zephyr
    """
)
GERUNDS: Final = _words(
    """
    acting adding admiring angling answering arranging arriving asking balancing basking bending biking blending
    blinking blooming boating bobbing boiling booking bowing bowling boxing braiding breathing brewing bubbling
    building bundling buzzing calling camping carving casting catching chanting charming chatting checking
    cheering chewing chiming chirping clapping cleaning climbing coasting coaching combing cooking copying
    counting crafting crawling cruising curling cycling dancing dashing digging dining dipping diving dozing
    drafting dreaming dressing drifting driving drumming dusting eating exploring fanning farming fencing
    fiddling filming finding fishing flapping floating flying focusing folding framing frying gardening
    gathering gazing giggling glancing gliding golfing grinning greeting grilling growing guiding hatching
    helping hiking hoeing holding hopping hosting humming hurdling imagining inking jogging joining joking
    juggling jumping knitting landing laughing launching leading leaning learning lending lifting lighting
    listening looking looping kayaking making mapping marching matching meeting melting mending mixing mowing
    musing naming napping nesting nodding offering opening ordering packing paddling parking passing pausing
    peeling piloting pitching planting playing pedalling pointing polishing posting praising pressing printing
    puzzling quilting rafting raising rambling reaching reading relaxing resting rhyming riding ringing rinsing
    roaming rocking rolling rowing running rushing sanding saving scanning sculpting searching sending sewing
    shaping sharing shining shopping sipping sitting skating sketching skiing skipping sliding smiling snoozing
    soaring solving sparkling speaking spelling spinning splashing standing stepping stirring stitching
    strolling studying swaying sweeping swimming swinging talking tapping teaching telling thanking thinking
    tickling tossing touring towing tracing trading trailing trekking trotting trusting tuning turning twirling
    typing visiting wading waiting waking waltzing washing watching waving weaving welding wishing winning
    wondering working wrapping yawning yodeling zooming
    """
)
