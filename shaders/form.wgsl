// What shapes and boxes share: their instances, the distance to a box, and how a colour covers a pixel.

struct Instance {
    // Middle and half extent of the quad, pixels.
    @location(0) place: vec4<f32>,
    // x: kind (0 box, 1 ring, 2 capsule), y: corner radius or ring radius, z: stroke or ring width, w: softness.
    @location(1) shape: vec4<f32>,
    // ring: start, sweep (radians, clockwise from 12 o'clock); capsule: half vector; box: half extent.
    @location(2) extra: vec4<f32>,
    @location(3) fill_first: vec4<f32>,
    @location(4) fill_last: vec4<f32>,
    @location(5) stroke: vec4<f32>,
};

// The fill at a corner (−1 to 1 each way).
fn fill_at(corner: vec2<f32>, instance: Instance) -> vec4<f32> {
    // extra.w: the gradient runs left to right (1) instead of top to bottom (0).
    let along = mix(corner.y, corner.x, instance.extra.w) * 0.5 + 0.5;
    return mix(instance.fill_first, instance.fill_last, along);
}

// `inner`: the half extent less the radius.
fn box_distance(point: vec2<f32>, inner: vec2<f32>, radius: f32) -> f32 {
    let outside = abs(point) - inner;
    return length(max(outside, vec2<f32>(0.0))) + min(max(outside.x, outside.y), 0.0) - radius;
}

// Premultiplied, with a little noise against the bands of a faint gradient.
fn covered(colour: vec4<f32>, cover: f32, pixel: vec2<f32>) -> vec4<f32> {
    let alpha = colour.a * cover;
    let noise = fract(52.9829189 * fract(dot(pixel, vec2<f32>(0.06711056, 0.00583715)))) - 0.5;
    let grain = select(0.0, noise * (1.0 / 255.0), alpha < 0.98 && alpha > 0.0);
    return vec4<f32>(max(colour.rgb * alpha + grain, vec3<f32>(0.0)), alpha + grain);
}
