// Puts the finished picture on the window, whose texture wants linear light.

@group(0) @binding(0) var picture: texture_2d<f32>;

@fragment
fn fragment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let size = vec2<i32>(textureDimensions(picture)) - 1;
    let colour = textureLoad(picture, min(vec2<i32>(position.xy), size), 0).rgb;
    let low = colour / 12.92;
    let high = pow((colour + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(high, low, colour <= vec3<f32>(0.04045)), 1.0);
}
