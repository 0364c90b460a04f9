// A field of light: one quad, its texels added to what is below. A texel covers one pixel, or several on large walls.

@group(0) @binding(1) var field: texture_2d<f32>;

struct Instance {
    // Left, top, width, height, pixels.
    @location(0) place: vec4<f32>,
    // x, y: width and height in texels.
    @location(1) texels: vec2<f32>,
    @location(2) colour: vec4<f32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) texel: vec2<f32>,
    @location(1) @interpolate(flat) strength: f32,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index);
    let pixel = instance.place.xy + corner * instance.place.zw;
    var out: Varying;
    out.position = clip_from_pixel(pixel);
    out.texel = corner * instance.texels;
    out.strength = instance.colour.a;
    return out;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let last = vec2<i32>(textureDimensions(field)) - 1;
    let light = textureLoad(field, min(vec2<i32>(in.texel), last), 0).rgb;
    return vec4<f32>(light * in.strength, 0.0);
}
