// Glyphs: one instanced quad each, its coverage read from the atlas texel by texel (quads lie on whole pixels).

@group(0) @binding(1) var atlas: texture_2d<f32>;

struct Instance {
    // Left, top, width, height, whole pixels.
    @location(0) place: vec4<f32>,
    // Left, top in the atlas.
    @location(1) source: vec2<f32>,
    @location(2) colour: vec4<f32>,
};

struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) texel: vec2<f32>,
    @location(1) @interpolate(flat) colour: vec4<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32, instance: Instance) -> Varying {
    let corner = corner_of(index);
    let pixel = instance.place.xy + corner * instance.place.zw;
    var out: Varying;
    out.position = clip_from_pixel(pixel);
    out.texel = instance.source + corner * instance.place.zw;
    out.colour = instance.colour;
    return out;
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let cover = textureLoad(atlas, vec2<i32>(in.texel), 0).r;
    let alpha = in.colour.a * cover;
    return vec4<f32>(in.colour.rgb * alpha, alpha);
}
