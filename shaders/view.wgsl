// What all shaders of the canvas begin with: the picture's size, and where a pixel or a corner of a quad lies.

struct View { to_clip: vec2<f32>, size: vec2<f32> };
@group(0) @binding(0) var<uniform> view: View;

// A pixel's place on the target.
fn clip_from_pixel(pixel: vec2<f32>) -> vec4<f32> {
    return vec4<f32>(pixel * view.to_clip + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
}

// The corners of a quad drawn as a strip, 0 to 1.
fn corner_of(index: u32) -> vec2<f32> {
    return vec2<f32>(f32(index & 1u), f32(index >> 1u));
}
