// A field of light: one quad, its texels added to what is below. A texel covers one pixel, or several on large walls.

@group(0) @binding(1) var field: texture_2d<f32>;

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let last = vec2<i32>(textureDimensions(field)) - 1;
    let light = textureLoad(field, min(vec2<i32>(in.texel), last), 0).rgb;
    return vec4<f32>(light * in.strength, 0.0);
}
