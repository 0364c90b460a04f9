// Sparks: a small core, painted over what is below, in a soft glow that is added to it. One instanced quad each.
// Cores cover, so that a crowd of sparks keeps its colours instead of burning out to white.

struct Instance {
    // Middle, radius of the glow, radius of the core; pixels.
    @location(0) place: vec4<f32>,
    @location(1) colour: vec4<f32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) point: vec2<f32>,
    @location(1) @interpolate(flat) core: f32,
    @location(2) @interpolate(flat) colour: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index) * 2.0 - 1.0;
    let pixel = instance.place.xy + corner * instance.place.z;
    var out: Varying;
    out.position = clip_from_pixel(pixel);
    out.point = corner;
    out.core = instance.place.w / instance.place.z;
    out.colour = instance.colour;
    return out;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let distance = length(in.point);
    let fall = max(1.0 - distance, 0.0);
    let glow = in.colour.a * fall * fall * 0.20;
    let core = in.colour.a * clamp((in.core - distance) / (in.core * 0.5), 0.0, 1.0);
    return vec4<f32>(in.colour.rgb * min(glow + core, 1.0), core);
}
