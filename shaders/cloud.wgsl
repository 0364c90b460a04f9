// The light of a cloud: one quad, whose texels say how many points of each board are on them; added to what is below.
// The same rule as `Density::light` and `Tone` in Rust, so that both pictures are one.

@group(0) @binding(1) var counts: texture_2d<f32>;

struct Tone {
    boards: array<vec4<f32>, 4>,
    white: vec4<f32>,
    // Of darkness, by brightness, at most.
    whiter: vec4<f32>,
    // So many points are as bright as can be; the power.
    curve: vec4<f32>,
};
@group(0) @binding(2) var<uniform> tone: Tone;

// A number of its own for each texel, 0 to 1.
fn choice(texel: u32) -> f32 {
    var mixed = (texel ^ (texel >> 16u)) * 0x7feb352du;
    mixed = (mixed ^ (mixed >> 15u)) * 0x846ca68bu;
    return f32(mixed ^ (mixed >> 16u)) / 4294967296.0;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let size = vec2<i32>(textureDimensions(counts));
    let texel = min(vec2<i32>(in.texel), size - 1);
    let count = textureLoad(counts, texel, 0);
    let points = count.x + count.y + count.z + count.w;
    if points <= 0.0 {
        return vec4<f32>(0.0);
    }
    let bright = pow(min(log(1.0 + points) / log(1.0 + tone.curve.x), 1.0), tone.curve.y);
    // The colour of one of its points. As they come and go it goes over from one to the next within a tenth of them.
    let chosen = choice(u32(texel.y * size.x + texel.x));
    let low = max(chosen - 0.05, 0.0) * points;
    let high = min(chosen + 0.05, 1.0) * points;
    var colour = vec3<f32>(0.0);
    var begin = 0.0;
    for (var board = 0; board < 4; board++) {
        let end = begin + count[board];
        colour += tone.boards[board].rgb * max(min(high, end) - max(low, begin), 0.0);
        begin = end;
    }
    colour /= high - low;
    let share = min(tone.whiter.x + tone.whiter.y * bright, tone.whiter.z);
    return vec4<f32>(mix(colour, tone.white.rgb, share) * bright * in.strength, 0.0);
}
