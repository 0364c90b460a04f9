// The ground: one full-screen triangle, dark at the edges, with a little noise against banding. Drawn once a layout.

struct Ground { edge: vec4<f32>, middle: vec4<f32> };
@group(0) @binding(2) var<uniform> ground: Ground;

// What all pixels read comes from the corners: a software rasteriser fetches a uniform once more for each pixel.
struct Varying {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) edge: vec3<f32>,
    @location(1) @interpolate(flat) middle: vec3<f32>,
    // One over the picture's size.
    @location(2) @interpolate(flat) unit: vec2<f32>,
};

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Varying {
    let corner = vec4<f32>(corner_of(index) * 4.0 - 1.0, 0.0, 1.0);
    return Varying(corner, ground.edge.rgb, ground.middle.rgb, 1.0 / view.size);
}

fn noise(pixel: vec2<f32>) -> f32 {
    return fract(52.9829189 * fract(dot(pixel, vec2<f32>(0.06711056, 0.00583715))));
}

@fragment
fn fragment(in: Varying) -> @location(0) vec4<f32> {
    let point = in.position.xy * in.unit - vec2<f32>(0.5, 0.46);
    let far = clamp(length(point * vec2<f32>(1.25, 1.45)) / 0.78, 0.0, 1.0);
    let share = 1.0 - far * far * (3.0 - 2.0 * far);
    let colour = mix(in.edge, in.middle, share) + (noise(in.position.xy) - 0.5) / 255.0;
    return vec4<f32>(colour, 1.0);
}
