// The picture of the scene before, over the one that comes; how much of it is the blend constant's.

@group(0) @binding(1) var before: texture_2d<f32>;

@fragment
fn fragment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return vec4<f32>(textureLoad(before, vec2<i32>(position.xy), 0).rgb, 1.0);
}
