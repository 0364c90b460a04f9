// The ground: one full-screen triangle, dark at the edges, with a little noise against banding. Drawn once a layout.

struct Ground { edge: vec4<f32>, middle: vec4<f32> };
@group(0) @binding(2) var<uniform> ground: Ground;

fn noise(pixel: vec2<f32>) -> f32 {
    return fract(52.9829189 * fract(dot(pixel, vec2<f32>(0.06711056, 0.00583715))));
}

@fragment
fn fragment(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let point = position.xy / view.size - vec2<f32>(0.5, 0.46);
    let far = clamp(length(point * vec2<f32>(1.25, 1.45)) / 0.78, 0.0, 1.0);
    let share = 1.0 - far * far * (3.0 - 2.0 * far);
    let colour = mix(ground.edge.rgb, ground.middle.rgb, share) + (noise(position.xy) - 0.5) / 255.0;
    return vec4<f32>(colour, 1.0);
}
