// A layer drawn elsewhere, of the picture's size and premultiplied, over what is below.

@group(0) @binding(1) var layer: texture_2d<f32>;

@fragment
fn fragment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return textureLoad(layer, vec2<i32>(position.xy), 0);
}
