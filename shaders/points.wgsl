// Points of a cloud, a pixel each: where they are at a moment, added to the count of their board on that texel.
//
// A point goes round its own place, and a breath goes out from the middle of the city over all of them: where it passes
// they lean outward and shine more. Every motion is a whole number of turns in 240 seconds. Over time a point is on
// average where it rests and as bright as there.

struct Motion {
    texels: vec2<f32>,
    centre: vec2<f32>,
    seconds: f32,
    // How far a point goes, texels; 0: all are at rest.
    reach: f32,
    // From one breath to the next, texels.
    wave: f32,
    // What a point adds.
    weight: f32,
};
@group(0) @binding(0) var<uniform> motion: Motion;

struct Point {
    // 0 to 1 over the cloud.
    @location(0) place: vec2<f32>,
    // Board, phase, pace, beat.
    @location(1) kind: vec4<u32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) count: vec4<f32>,
};

const TAU: f32 = 6.2831853;
const LOOP: f32 = 240.0;
// Breaths, turns and twinkles in that time.
const BREATHS: f32 = 24.0;
const TURNS: u32 = 11u;
const TWINKLES: u32 = 19u;

// No `if` on a uniform: lavapipe (Mesa 22.3) compiles a shader with one anew for each value, each frame, and keeps it.
@vertex
fn vertex(point: Point) -> Varying {
    let alive = min(motion.reach * 1e6, 1.0);
    let rest = point.place * motion.texels;
    let share = motion.seconds / LOOP;
    let way = rest - motion.centre;
    let far = length(way);
    let breath = TAU * (fract(BREATHS * share) - far / motion.wave);
    let turns = f32(TURNS + (point.kind.z & 31u)) * select(-1.0, 1.0, (point.kind.z & 32u) == 0u);
    let turn = TAU * (fract(turns * share) + f32(point.kind.y) / 256.0);
    let own = motion.reach * (0.35 + 0.65 * f32(point.kind.w) / 255.0);
    let at = rest + own * vec2<f32>(cos(turn), sin(turn)) - motion.reach * cos(breath) * way / max(far, 1.0);
    let twinkles = f32(TWINKLES + (point.kind.w & 15u));
    let twinkle = sin(TAU * (fract(twinkles * share) + f32(point.kind.w ^ point.kind.y) / 256.0));
    let count = motion.weight * (1.0 + alive * 0.4 * twinkle) * (1.0 + alive * 0.2 * sin(breath));
    var out: Varying;
    let clip = at / motion.texels * 2.0 - 1.0;
    out.position = vec4<f32>(clip.x, -clip.y, 0.0, 1.0);
    out.count = count * vec4<f32>(vec4<u32>(point.kind.x % 4u) == vec4<u32>(0u, 1u, 2u, 3u));
    return out;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    return in.count;
}
