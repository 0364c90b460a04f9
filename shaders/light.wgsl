// What fields of light and clouds share: one quad each, which knows its texels and how strong its light is.

struct Instance {
    // Left, top, width, height, pixels.
    @location(0) place: vec4<f32>,
    // x, y: width and height in texels.
    @location(1) texels: vec2<f32>,
    @location(2) colour: vec4<f32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) texel: vec2<f32>,
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
